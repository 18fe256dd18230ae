import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { renderOutcome } from '../../../../../bench/macro/report/tables.ts';
import { closedOutcome, closedSeries, idleOutcome, latencyOutcome, latencySeries } from '../../support/outcomes.ts';

/** Cells of the line that begins with this name. */
function row(text: string, name: string): string[] {
  const line = text.split('\n').find((one) => one.startsWith(name));
  assert.ok(line !== undefined, text);
  return line.split(/ {2,}/);
}

describe('the table of a closed loop', () => {
  test('has medians, ranges and the ratio to the cheaper of nginx and HAProxy', () => {
    const text = renderOutcome(
      closedOutcome('small-get', [
        closedSeries('nginx', [10, 20, 30]),
        closedSeries('haproxy', [100, 100, 100]),
        closedSeries('sluice', [15, 20, 60]),
      ]),
    );
    assert.deepEqual(row(text, 'sluice 1.0').slice(0, 6), [
      'sluice 1.0',
      '20.0',
      '15.0..60.0',
      '1.50',
      '1.00..2.00',
      '50000',
    ]);
    assert.ok(text.includes('sluice: CPU per request 1.50 x nginx (1.00..2.00), 0.20 x haproxy (0.15..0.60)'), text);
    assert.match(text.split('\n')[0] ?? '', /small GET, 64 connections/);
  });

  test('has no ratio where neither of them was measured', () => {
    const text = renderOutcome(closedOutcome('large-upload', [closedSeries('sluice', [15])]));
    assert.deepEqual(row(text, 'sluice 1.0').slice(3, 5), ['-', '-']);
    assert.match(text, /CPU us\/MiB/);
  });

  test('sets the variants of a gateway against each other', () => {
    const at = (variant: string) => ({ variant });
    const text = renderOutcome(
      closedOutcome('routes', [
        closedSeries('sluice', [10, 10], at('10 routes')),
        closedSeries('nginx', [5, 5], at('10 routes')),
        closedSeries('sluice', [11, 12], at('10,000 routes')),
      ]),
    );
    assert.match(text, /^10,000 routes : 10 routes: sluice 1\.15 \(1\.10\.\.1\.20\)$/m);
    assert.match(text, /^sluice, 10 routes: CPU per request 2\.00 x nginx/m);
  });

  test('says who was refused, and why', () => {
    const text = renderOutcome(closedOutcome('small-get', [closedSeries('caddy', [9], { refused: '3 bad answers' })]));
    assert.match(text, /^refused: caddy 1\.0: 3 bad answers$/m);
  });
});

describe('the table of the open loop', () => {
  test('has percentiles, and how far from those of nginx they are', () => {
    const text = renderOutcome(
      latencyOutcome([latencySeries('direct', [0.2]), latencySeries('nginx', [1]), latencySeries('sluice', [1.25])]),
    );
    assert.deepEqual(row(text, 'sluice').slice(1, 8), [
      '10000',
      '50 %',
      '0.625',
      '1.250',
      '1.250..1.250',
      '0.250',
      '0.250..0.250',
    ]);
    assert.equal(row(text, 'direct')[2], '-');
    assert.equal(row(text, 'direct')[10], '-', 'no gateway, no CPU time of one');
  });

  test('does not compare rows at different rates', () => {
    const text = renderOutcome(latencyOutcome([latencySeries('nginx', [1]), latencySeries('fastify', [1], {}, 900)]));
    assert.equal(row(text, 'fastify')[6], '-');
  });
});

describe('the table of idle connections', () => {
  test('has memory per connection, before and with them', () => {
    const text = renderOutcome(idleOutcome([5, 7, 6]));
    assert.deepEqual(row(text, 'sluice 1.0'), ['sluice 1.0', '1000', '6.00', '5.00..7.00', '100.0', '105.9']);
  });
});
