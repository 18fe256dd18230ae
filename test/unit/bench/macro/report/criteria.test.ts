import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { judge, renderVerdicts } from '../../../../../bench/macro/report/criteria.ts';
import type { Outcome } from '../../../../../bench/macro/scenarios/outcome.ts';
import { closedOutcome, closedSeries, idleOutcome, latencyOutcome, latencySeries } from '../../support/outcomes.ts';

const SMALL = closedOutcome('small-get', [
  closedSeries('nginx', [20, 20, 20]),
  closedSeries('haproxy', [18, 18, 18]),
  closedSeries('sluice', [18, 18, 27]),
  closedSeries('node-undici', [50, 50, 50]),
  closedSeries('http-proxy-3', [180, 180, 180]),
]);

const ALL: readonly Outcome[] = [
  SMALL,
  closedOutcome('large-response', [closedSeries('haproxy', [400]), closedSeries('sluice', [440])]),
  closedOutcome('large-upload', [closedSeries('haproxy', [400]), closedSeries('sluice', [360])]),
  closedOutcome('routes', [
    closedSeries('sluice', [20], { variant: '10 routes' }),
    closedSeries('sluice', [21], { variant: '10,000 routes' }),
  ]),
  closedOutcome('judged', [
    closedSeries('sluice', [20], { variant: '0 judged' }),
    closedSeries('sluice', [99], { variant: '1 judged' }),
    closedSeries('sluice', [20.4], { variant: '500 judged' }),
  ]),
  latencyOutcome([latencySeries('nginx', [1]), latencySeries('sluice', [1.4])]),
  idleOutcome([9, 11]),
];

describe('the criteria', () => {
  test('are met by medians at the bound, and not above it', () => {
    assert.deepEqual(
      judge(ALL).map(({ isMet, figure }) => [isMet, Number(figure?.median.toFixed(3))]),
      [
        [true, 1],
        [false, 0.36],
        [true, 0.1],
        [false, 1.1],
        [true, 0.9],
        [true, 1.05],
        [true, 1.02],
        [false, 0.4],
        [true, 10],
      ],
    );
  });

  test('name the peer that is the measure', () => {
    assert.match(judge([SMALL])[0]?.what ?? '', /the cheaper of nginx and HAProxy \(haproxy\)$/);
  });

  test('are open where the run did not measure them, never met', () => {
    for (const { isMet, figure } of judge([])) assert.deepEqual([isMet, figure], [null, null]);
    const refused = closedOutcome('small-get', [
      closedSeries('nginx', [20]),
      closedSeries('sluice', [1], { refused: '5 bad answers' }),
    ]);
    assert.equal(judge([refused])[0]?.isMet, null);
  });

  test('have one line each, with verdict, figure and bound', () => {
    const lines = renderVerdicts(judge(ALL)).split('\n').slice(1);
    assert.equal(lines.length, 9);
    assert.match(lines[0] ?? '', /^PASS {2}CPU per small GET .* 1\.000 \(1\.000\.\.1\.500\) x +at most 1\.00$/);
    assert.match(lines[7] ?? '', /^FAIL {2}p99 .* 0\.400 \(0\.400\.\.0\.400\) ms +at most 0\.30$/);
    assert.match(renderVerdicts(judge([])).split('\n')[1] ?? '', /^- +CPU .* not measured +at most 1\.00$/);
  });
});
