import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CONTENDERS } from '../../../../bench/macro/contenders/contender.ts';
import { readOptions } from '../../../../bench/macro/options.ts';

function names(args: readonly string[]): string[] {
  return readOptions(args).scenarios.map(({ name }) => name);
}

describe('readOptions', () => {
  test('measures what the criteria need five times without arguments', () => {
    const { rounds, rate, json, save, scenarios } = readOptions([]);
    assert.equal(rounds, 5);
    assert.deepEqual(
      scenarios.map(({ name }) => name),
      ['small-get', 'large-response', 'large-upload', 'routes', 'latency', 'idle'],
    );
    assert.deepEqual(scenarios[0]?.contenders, CONTENDERS);
    assert.equal(rate, 0);
    assert.equal(json, null);
    assert.equal(save, false);
  });

  test('runs named scenarios with everybody who can take part', () => {
    const [upload, ...others] = readOptions(['--scenario', 'large-upload']).scenarios;
    assert.deepEqual(upload?.contenders, CONTENDERS);
    assert.deepEqual(others, []);
    assert.equal(names(['--scenario', 'all']).length, 13);
  });

  test('keeps the order of the table whatever the order of --only', () => {
    const { scenarios } = readOptions(['--scenario', 'small-get', '--only', 'sluice,nginx']);
    assert.deepEqual(scenarios[0]?.contenders, ['nginx', 'sluice']);
  });

  test('takes --only from everybody, not from those of the headline, and drops what is left empty', () => {
    const { scenarios } = readOptions(['--only', 'caddy']);
    assert.deepEqual(
      scenarios.map(({ name, contenders }) => [name, ...contenders]),
      [
        ['small-get', 'caddy'],
        ['large-response', 'caddy'],
        ['large-upload', 'caddy'],
        ['latency', 'caddy'],
        ['idle', 'caddy'],
      ],
    );
  });

  test('names the option that it cannot read', () => {
    assert.throws(() => readOptions(['--rounds', '0']), /--rounds: expected a whole number of at least 1, got 0/);
    assert.throws(() => readOptions(['--seconds', 'x']), /--seconds/);
    assert.throws(() => readOptions(['--only', 'nginx,envoy']), /--only: expected .*, got envoy/);
    assert.throws(() => readOptions(['--scenario', 'huge']), /--scenario: expected .*, got huge/);
    assert.throws(() => readOptions(['--fast']), /--fast/);
  });

  test('does as little as it can in smoke mode', () => {
    const { rounds, seconds, warmUpSeconds, rate, isSmoke, scenarios } = readOptions(['--smoke']);
    assert.deepEqual([rounds, seconds, warmUpSeconds, isSmoke], [1, 1, 0, true]);
    assert.ok(rate > 0);
    assert.deepEqual(
      scenarios.map(({ kind }) => kind),
      ['closed', 'latency', 'idle'],
    );
  });
});
