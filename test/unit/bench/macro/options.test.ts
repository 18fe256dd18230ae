import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readOptions } from '../../../../bench/macro/options.ts';

describe('readOptions', () => {
  test('measures everything five times without arguments', () => {
    const { rounds, only, json, save } = readOptions([]);
    assert.equal(rounds, 5);
    assert.deepEqual(only, ['nginx', 'haproxy', 'sluice', 'http-proxy-3']);
    assert.equal(json, null);
    assert.equal(save, false);
  });

  test('keeps the order of the table whatever the order of --only', () => {
    assert.deepEqual(readOptions(['--only', 'sluice,nginx']).only, ['nginx', 'sluice']);
  });

  test('names the option that it cannot read', () => {
    assert.throws(() => readOptions(['--rounds', '0']), /--rounds: expected a whole number of at least 1, got 0/);
    assert.throws(() => readOptions(['--seconds', 'x']), /--seconds/);
    assert.throws(() => readOptions(['--only', 'nginx,envoy']), /got envoy/);
    assert.throws(() => readOptions(['--fast']), /--fast/);
  });

  test('takes a rate of 0 as no paced measurement', () => {
    assert.equal(readOptions(['--rate', '0']).rate, 0);
  });
});
