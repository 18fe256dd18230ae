/**
 * Configurations that change under traffic, on virtual time: those that break a route are found in time, others never reverted.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Random } from '#src/lib/random.ts';
import { RevisionGuard } from '#src/slo/rollout/revision/guard.ts';
import type { RouteCounts } from '#src/slo/rollout/revision/record.ts';
import { exponential } from '../../support/simulate/draws.ts';

const RUNS = Number(process.env['SLUICE_TEST_RUNS'] ?? (process.env['SLUICE_TEST_DEPTH'] === 'full' ? 100 : 5));
const SEED = Number(process.env['SLUICE_TEST_SEED'] ?? 52_001);
const TICK_MS = 100;
const BEFORE_MS = 120_000;
const WATCH_MS = 60_000;

/** What a route does in a tick: how many requests a second, and the shares that fail and are answered with 404. */
interface Traffic {
  readonly rps: number;
  readonly bad: number;
  readonly missing?: number;
}

/** @param sinceMs the change; negative before it. @param draw uniform in [0, 1), the same for a whole run */
type Scene = (route: 'changed' | 'near' | 'far', sinceMs: number, draw: number) => Traffic;

interface Rolled {
  /** Time from the change to the conviction; null: none. */
  readonly tookMs: number | null;
  readonly sentence: string;
}

/** A Poisson count: arrivals within 1 of a process with this mean. */
function poisson(random: Random, mean: number): number {
  let count = 0;
  if (mean > 0) for (let at = exponential(random, 1 / mean); at < 1; at += exponential(random, 1 / mean)) count += 1;
  return count;
}

/** Plays one change. `routes` without `changed` are beside it. */
function play(
  scene: Scene,
  seed: number,
  routes: readonly ('changed' | 'near' | 'far')[] = ['changed', 'near', 'far'],
): Rolled {
  const random = new Random(seed);
  const draw = random.nextFloat();
  const counts = routes.map((): { -readonly [K in keyof RouteCounts]: number } => ({
    finished: 0,
    bad: 0,
    answered: 0,
    turnedAway: 0,
  }));
  const guard = new RevisionGuard<string>(([cell]) => ({ ...(counts[cell as number] as RouteCounts) }));
  guard.follow(
    routes.map((name, cell) => ({ name, cells: [cell] })),
    0,
  );
  for (let atMs = TICK_MS; atMs <= BEFORE_MS + WATCH_MS + 1000; atMs += TICK_MS) {
    const sinceMs = atMs - BEFORE_MS;
    for (const [index, name] of routes.entries()) {
      const { rps, bad, missing = 0 } = scene(name, sinceMs, draw);
      const perTick = (share: number): number => poisson(random, (rps * share * TICK_MS) / 1000);
      const [failed, away, good] = [perTick(bad), perTick(missing), perTick(Math.max(0, 1 - bad - missing))];
      const sum = counts[index] as (typeof counts)[number];
      sum.finished += failed + away + good;
      sum.answered += failed + away + good;
      sum.bad += failed;
      sum.turnedAway += failed + away;
    }
    if (sinceMs === 0) assert.equal(guard.begin(new Set(['changed']), 'base', atMs), 1);
    const conviction = guard.turn(atMs, WATCH_MS);
    if (conviction !== null) return { tookMs: sinceMs, sentence: conviction.sentence };
  }
  assert.deepEqual(guard.watching, [], 'nobody is watched for longer');
  return { tookMs: null, sentence: '' };
}

const rates = { changed: 50, near: 50, far: 20 };
/** During a time that begins at a drawn moment of the watch. */
const isIn = (sinceMs: number, draw: number, lengthMs: number): boolean =>
  sinceMs >= draw * 40_000 && sinceMs < draw * 40_000 + lengthMs;

const HEALTHY: Readonly<Record<string, Scene>> = {
  'one failure in a thousand': (route) => ({ rps: rates[route], bad: 0.001 }),
  'one in twenty, before and after': (route) => ({ rps: rates[route], bad: 0.05 }),
  'hardly any traffic': (route) => ({ rps: rates[route] / 50, bad: 0.01 }),
  'twice as many failures': (route, sinceMs) => ({
    rps: rates[route],
    bad: route === 'changed' && sinceMs > 0 ? 0.02 : 0.01,
  }),
  'a burst of failures of a second, now and then': (route, sinceMs, draw) => ({
    rps: rates[route],
    bad: Math.floor((sinceMs + draw * 30_000) / 1000) % 30 === 0 ? 0.3 : 0.001,
  }),
  'an outage of everything': (route, sinceMs, draw) => ({
    rps: rates[route],
    bad: isIn(sinceMs, draw, 30_000) ? 1 : 0.001,
  }),
  'two in five fail, everywhere, from the change on': (route, sinceMs) => ({
    rps: rates[route],
    bad: sinceMs > 0 ? 0.4 : 0.001,
  }),
  'an outage that one unchanged route shares': (route, sinceMs) => ({
    rps: rates[route],
    bad: route !== 'far' && sinceMs > 0 ? 1 : 0.001,
  }),
  'an outage that a small unchanged route shares': (route, sinceMs) => ({
    rps: rates[route],
    bad: route !== 'near' && sinceMs > 0 ? 1 : 0.001,
  }),
  'an outage that the change is to end': (route, sinceMs) => ({
    rps: rates[route],
    bad: route === 'changed' && sinceMs > -15_000 && sinceMs < 5000 ? 1 : 0.001,
  }),
  'somebody looks for files that are not there': (route, sinceMs, draw) => {
    const isScanned = route === 'changed' && isIn(sinceMs, draw, 30_000);
    return isScanned ? { rps: 250, bad: 0.001, missing: 0.8 } : { rps: rates[route], bad: 0.001 };
  },
  'nobody comes any more': (route, sinceMs) => ({
    rps: route === 'changed' && sinceMs > 0 ? 0 : rates[route],
    bad: 0.001,
  }),
};

describe(`${RUNS} changes that break nothing`, () => {
  for (const [name, scene] of Object.entries(HEALTHY)) {
    it(`are not reverted: ${name}`, (t) => {
      t.diagnostic(`seeds ${SEED}..${SEED + RUNS - 1}`);
      for (let seed = SEED; seed < SEED + RUNS; seed++) {
        const { tookMs, sentence } = play(scene, seed);
        assert.equal(tookMs, null, `seed ${seed}: ${sentence}`);
      }
    });
  }
});

/** What a change does to its route, and the longest time that 19 of 20 runs may take to find it. */
const BROKEN: readonly (readonly [string, number, Partial<Traffic>])[] = [
  ['every request fails', 2000, { bad: 1 }],
  ['every request is answered with 404', 2000, { missing: 1 }],
  ['half of them fail', 3000, { bad: 0.5 }],
  ['one in five fails', 8000, { bad: 0.2 }],
];

describe(`${RUNS} changes that break a route`, () => {
  for (const [name, limitMs, broken] of BROKEN) {
    it(`are found within ${limitMs / 1000} s: ${name}`, (t) => {
      const times: number[] = [];
      for (let seed = SEED; seed < SEED + RUNS; seed++) {
        const scene: Scene = (route, sinceMs) =>
          route === 'changed' && sinceMs > 0 ? { rps: 50, bad: 0, ...broken } : { rps: rates[route], bad: 0.001 };
        const { tookMs, sentence } = play(scene, seed);
        assert.match(sentence, /^route changed: \d+ of \d+ requests failed.* on routes that did not change$/);
        times.push(tookMs ?? Number.POSITIVE_INFINITY);
      }
      times.sort((a, b) => a - b);
      const p95 = times[Math.ceil(times.length * 0.95) - 1] as number;
      t.diagnostic(`p50 ${times[times.length >> 1]} ms, p95 ${p95} ms`);
      assert.ok(p95 <= limitMs, `${p95} ms`);
    });
  }

  it('is found where there is no other route, if it begins with the change', () => {
    const at =
      (onsetMs: number): Scene =>
      (_, sinceMs) => ({ rps: 50, bad: sinceMs > onsetMs ? 1 : 0.001 });
    for (let seed = SEED; seed < SEED + RUNS; seed++) {
      const { tookMs, sentence } = play(at(0), seed, ['changed']);
      assert.ok(tookMs !== null && tookMs <= 2000, `seed ${seed}: ${tookMs}`);
      assert.match(sentence, /no route that did not change had traffic to compare with$/);
      assert.equal(play(at(12_000), seed, ['changed']).tookMs, null, `seed ${seed}`);
    }
  });
});
