import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Books, readBooks, usageBetween } from '../../../../../bench/macro/accounts/accounts.ts';

const BEFORE: Books = {
  atMs: 1_000,
  gateway: 500,
  others: 300,
  cores: 'cpu0 0 0 0 0 0 0 0 0\ncpu1 0 0 0 0 0 0 0 0\n',
};
/** Two seconds later: core 0 busy for 1.8 s, core 1 for 1.5 s, 0.02 s stolen. */
const AFTER: Books = {
  atMs: 3_000,
  gateway: 670,
  others: 440,
  cores: 'cpu0 100 0 80 18 0 0 0 2\ncpu1 150 0 0 50 0 0 0 0\n',
};

describe('usageBetween', () => {
  test('tells own work, the load and noise apart', () => {
    const usage = usageBetween(BEFORE, AFTER, { gateway: [0], load: [1] }, 100);
    assert.equal(usage.gatewaySeconds, 1.7);
    assert.equal(usage.gatewayRatio, 0.85);
    assert.equal(usage.loadCoreRatio, 0.75);
    // 330 ticks busy, 170 of the gateway, 140 of load and upstream: 20 of 200 are left.
    assert.ok(Math.abs((usage.noiseRatio ?? 0) - 0.1) < 1e-12);
    assert.equal(usage.stealRatio, 0.01);
  });

  test('counts a core once that both sides share', () => {
    const { noiseRatio } = usageBetween(BEFORE, AFTER, { gateway: [0, 1], load: [1] }, 100);
    assert.ok(Math.abs((noiseRatio ?? 0) - 0.1) < 1e-12);
  });

  test('knows nothing about cores that are not pinned', () => {
    const usage = usageBetween(BEFORE, AFTER, { gateway: [], load: [] }, 100);
    assert.equal(usage.gatewaySeconds, 1.7);
    assert.deepEqual([usage.noiseRatio, usage.loadCoreRatio, usage.stealRatio], [null, null, null]);
  });

  test('never makes noise out of the grain of the books', () => {
    const { noiseRatio } = usageBetween(BEFORE, { ...AFTER, others: 700 }, { gateway: [0], load: [1] }, 100);
    assert.equal(noiseRatio, 0);
  });
});

describe('readBooks', { skip: process.platform === 'linux' ? false : 'no /proc here' }, () => {
  test('reads a gateway only where there is one', () => {
    const own = { upstream: process.pid, load: null };
    assert.equal(readBooks({ gateway: null, ...own }).gateway, 0);
    const { gateway, others, cores } = readBooks({ gateway: process.pid, ...own });
    assert.ok(gateway > 0 && others >= gateway);
    assert.match(cores, /^cpu0 /m);
  });
});
