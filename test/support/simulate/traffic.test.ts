/** The simulated traffic counts what the real readers would read, request by request. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { UserWindow } from '#src/slo/users.ts';
import { CellWindow } from '#src/slo/window.ts';
import { HEALTHY, type Scenario, Traffic } from './traffic.ts';
import { FakeWorker } from './worker.ts';

const CANARY = { cell: 2, unit: 1 };
const STABLE = { cell: 1, unit: 0 };
const SEED = 90_210;

const SCENARIOS: readonly [string, Scenario][] = [
  ['equal users and independent failures', { ...HEALTHY, users: 300, errorRatio: 0.1 }],
  ['bursts within a second', { ...HEALTHY, users: 300, errorRatio: 0.1, bursts: { meanLength: 5, meanGapMs: 50 } }],
  ['bursts over seconds', { ...HEALTHY, users: 300, errorRatio: 0.1, bursts: { meanLength: 5, meanGapMs: 700 } }],
  [
    'heavy users, an outage and a fault',
    {
      ...HEALTHY,
      users: 300,
      paretoShape: 1.2,
      canaryShare: 0.3,
      outages: [{ fromMs: 5000, toMs: 15_000, errorRatio: 0.4 }],
      canaryFaults: [{ fromMs: 20_000, toMs: 60_000, errorRatio: 0.5 }],
    },
  ],
];

describe('simulated traffic', () => {
  for (const [name, scenario] of SCENARIOS) {
    it(`shows what the readers would read: ${name}`, (t) => {
      t.diagnostic(`seed ${SEED}`);
      const traffic = new Traffic(scenario, SEED);
      const workers = [new FakeWorker(1), new FakeWorker(2)] as const;
      const regions = workers.map(({ region }) => region);
      const cells = { canary: new CellWindow(CANARY.cell, regions), stable: new CellWindow(STABLE.cell, regions) };
      const units = {
        canary: new UserWindow([{ ...CANARY, cell: -1 }], regions),
        stable: new UserWindow([{ ...STABLE, cell: -1 }], regions),
      };
      let heard = 0;
      traffic.listen = ({ user, isCanary, isBad, second }) => {
        heard += 1;
        const worker = workers[heard % 2 === 0 ? 0 : 1];
        worker.finish({ ...(isCanary ? CANARY : STABLE), user, isBad, nowMs: 1000 * second });
      };
      for (let tick = 0; tick < 900; tick++) {
        traffic.next();
        for (const arm of ['canary', 'stable'] as const) {
          const out = { finished: 0, bad: 0 };
          cells[arm].read(regions, out);
          assert.deepEqual(out, traffic.evidence.requests[arm], `requests of tick ${tick}`);
          units[arm].read(regions, out);
          assert.deepEqual(out, traffic.evidence.users[arm], `users of tick ${tick}`);
        }
      }
      assert.ok(heard > 8000, `${heard} requests`);
    });
  }

  it('has the rates it was asked for', () => {
    for (const [, scenario] of SCENARIOS.slice(0, 3)) {
      const traffic = new Traffic({ ...scenario, canaryShare: 0.5 }, SEED);
      let [finished, bad] = [0, 0];
      for (let tick = 0; tick < 20_000; tick++) {
        traffic.next();
        const { canary, stable } = traffic.evidence.requests;
        finished += canary.finished + stable.finished;
        bad += canary.bad + stable.bad;
      }
      assert.ok(Math.abs(finished / 200_000 - 1) < 0.02, `${finished} requests in 2,000 s`);
      assert.ok(Math.abs(bad / finished / 0.1 - 1) < 0.08, `${bad} of ${finished} are bad`);
    }
  });

  it('is the same for the same seed, and another for another', () => {
    const sums = [1, 1, 2].map((seed) => {
      const traffic = new Traffic(HEALTHY, seed);
      const counts: number[] = [];
      for (let tick = 0; tick < 100; tick++) {
        traffic.next();
        counts.push(traffic.evidence.requests.stable.finished);
      }
      return counts.join();
    });
    assert.equal(sums[0], sums[1]);
    assert.notEqual(sums[0], sums[2]);
  });
});
