/** Clusters drawn without users, or with users of their own random numbers, are those of traffic drawn request by request. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Evidence } from '#src/model/slo.ts';
import { MinRule } from '#src/slo/verdict/min-rule.ts';
import { POLICY } from '../rollout.ts';
import { HEALTHY, type Scenario, Traffic } from '../traffic.ts';
import { ClusteredTraffic } from './clustered.ts';
import { CALM, CountedTraffic } from './counted.ts';

type Drawn = { readonly evidence: Evidence; readonly nowMs: number; next: () => void };

const SEED = 3301;
const TICKS = 6000;
const BLOCK_TICKS = 10;
const NAMES = ['requests', 'users'].flatMap((unit) =>
  ['canary', 'stable'].flatMap((arm) => [`${unit} of ${arm}`, `bad ${unit} of ${arm}`]),
);

const BLIP = [{ fromMs: 100_000, toMs: 102_000, errorRatio: 0.5 }];
const CASES: readonly [string, Scenario][] = [
  ['bursts within a second', { ...HEALTHY, bursts: { meanLength: 5, meanGapMs: 50 } }],
  ['bursts over seconds', { ...HEALTHY, bursts: { meanLength: 3, meanGapMs: 700 } }],
  ['retries after a blip', { ...HEALTHY, retries: { againRatio: 0.8, meanGapMs: 400 }, outages: BLIP }],
].map(([name, scenario]) => [
  name as string,
  { ...(scenario as Scenario), canaryUsers: 307, users: 1024, errorRatio: 0.05 },
]);

/** Means per tick of everything that is counted, and of stable's squared bad requests of a block: how they cluster. */
function moments(start: (seed: number) => Drawn, runs: number): number[] {
  const sums = new Array<number>(NAMES.length + 1).fill(0);
  for (let seed = SEED; seed < SEED + runs; seed++) {
    const traffic = start(seed);
    let block = 0;
    for (let tick = 1; tick <= TICKS; tick++) {
      traffic.next();
      const { requests, users } = traffic.evidence;
      for (const [n, { finished, bad }] of [requests.canary, requests.stable, users.canary, users.stable].entries()) {
        sums[2 * n] = (sums[2 * n] as number) + finished;
        sums[2 * n + 1] = (sums[2 * n + 1] as number) + bad;
      }
      block += requests.stable.bad;
      if (tick % BLOCK_TICKS !== 0) continue;
      sums[NAMES.length] = (sums[NAMES.length] as number) + block ** 2;
      block = 0;
    }
  }
  return sums.map((sum) => sum / (runs * TICKS));
}

/** When the evidence of one unit is first so large, in ticks. */
function verdictTicks(
  start: (seed: number) => Drawn,
  { level, runs }: { readonly level: number; runs: number },
): number[] {
  return Array.from({ length: runs }, (_, n) => {
    const traffic = start(SEED + n);
    const rule = new MinRule(POLICY.toleratedRatio, traffic.nowMs, POLICY.absoluteFloor);
    for (let tick = 1; tick <= TICKS / 2; tick++) {
      traffic.next();
      if (rule.observe(traffic.evidence, traffic.nowMs) && Math.max(rule.logERequests, rule.logEUsers) >= level)
        return tick;
    }
    return TICKS;
  });
}

/** Largest difference of the two samples' distributions (Kolmogorov, Smirnov). */
function distance(first: readonly number[], second: readonly number[]): number {
  const below = (sample: readonly number[], limit: number): number =>
    sample.filter((value) => value <= limit).length / sample.length;
  return Math.max(...[...first, ...second].map((limit) => Math.abs(below(first, limit) - below(second, limit))));
}

describe('clustered traffic', () => {
  for (const [name, scenario] of CASES) {
    it(`has the counts, and the clusters, of traffic by requests: ${name}`, (t) => {
      const runs = 10;
      const single = moments((seed) => new Traffic(scenario, seed), runs);
      const clustered = moments((seed) => new ClusteredTraffic(scenario, seed), runs);
      t.diagnostic(`seeds ${SEED}..${SEED + runs - 1}`);
      for (const [n, mean] of single.entries()) {
        const other = clustered[n] as number;
        // Three standard errors of the two thousand clusters that the canary has, five and more of everything else.
        const tolerance = n === NAMES.length ? 0.15 : n % 2 === 1 ? 0.15 : 0.02;
        assert.ok(Math.abs(other / mean - 1) < tolerance, `${NAMES[n] ?? 'clusters'}: ${mean}, ${other}`);
      }
    });
  }

  it('convicts, and is convicted, after the same times as traffic by requests', (t) => {
    const runs = 120;
    const bursts = { meanLength: 5, meanGapMs: 500 };
    const cases: readonly [string, (seed: number) => Drawn, (seed: number) => Drawn][] = [
      [
        'bursts',
        (seed) => new Traffic({ ...HEALTHY, bursts }, seed),
        (seed) => new ClusteredTraffic({ ...HEALTHY, bursts }, seed),
      ],
      ['independent', (seed) => new Traffic(HEALTHY, seed), (seed) => new CountedTraffic(CALM, seed)],
    ];
    for (const [name, single, drawn] of cases) {
      const [first, second] = [single, drawn].map((start) => verdictTicks(start, { level: 0.3, runs }));
      const found = distance(first as number[], second as number[]);
      const decided = (first as number[]).filter((tick) => tick < TICKS).length;
      t.diagnostic(`${name}: ${decided} of ${runs} decided, distance ${found.toFixed(3)}, seeds from ${SEED} on`);
      assert.ok(decided > runs / 6, `${name}: ${decided}`);
      // Two samples of one law are further apart once in a thousand.
      assert.ok(found < 1.95 * Math.sqrt(2 / runs), `${name}: ${found}`);
    }
  });
});

describe('the requests of a seed', () => {
  const kinds: readonly [string, (seed: number, hasUsers: boolean) => Drawn][] = [
    ...CASES.map(([name, scenario]): [string, (seed: number, hasUsers: boolean) => Drawn] => [
      name,
      (seed, hasUsers) => new ClusteredTraffic(scenario, seed, hasUsers),
    ]),
    ['load that swings', (seed, hasUsers) => new CountedTraffic({ ...CALM, swing: 3 }, seed, hasUsers)],
    ['a share that moves', (seed, hasUsers) => new CountedTraffic({ ...CALM, isMoving: true }, seed, hasUsers)],
  ];
  for (const [name, start] of kinds) {
    it(`are the same with users and without: ${name}`, () => {
      const [alone, whole] = [start(SEED, false), start(SEED, true)];
      let users = 0;
      for (let tick = 0; tick < TICKS; tick++) {
        alone.next();
        whole.next();
        assert.deepEqual(alone.evidence.requests, whole.evidence.requests, `tick ${tick}`);
        assert.equal(alone.evidence.users.stable.finished, 0);
        users += whole.evidence.users.stable.finished;
      }
      assert.ok(users > TICKS);
    });
  }
});
