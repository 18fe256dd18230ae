/**
 * Circuit breakers of versions and of endpoints over hosts that fail, recover slowly, flap, or are all sick at once, on virtual time.
 *
 * Two bars: what is to open is open 200 ms after its threshold was crossed, and of the first requests after a breaker closed at
 * least 99.5 % are good. And whatever hosts did, nothing is left out for ever. The figures are in docs/overload.md; each test
 * prints its own.
 */

import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { Random } from '#src/lib/random.ts';
import type { Balancer } from '#src/model/config.ts';
import type { EndpointState } from '#src/model/health.ts';
import { DEFAULT_BREAKER, DEFAULT_OUTLIER } from '#src/sources/defaults.ts';
import { play, type Scene } from '../support/simulate/load/circuits.ts';
import {
  type Closings,
  HostClosings,
  HostLateness,
  isOut,
  ProbesAtOnce,
  VersionClosings,
  VersionLateness,
} from '../support/simulate/load/observed.ts';
import type { HostModel } from '../support/simulate/load/queueing.ts';

const BALANCERS: readonly Balancer[] = ['peakEwma', 'leastRequest', 'roundRobin', 'consistentHash'];
const SEED = 3;
const WELL: HostModel = { meanMs: 20, servers: 2, failsAfterMs: null };
const SICK: HostModel = { ...WELL, failsAfterMs: 2 };
const TRIP_MS_MAX = 200;
const FIRST_GOOD_MIN = 0.995;
/** Fewer would say little about half a percent. */
const CLOSINGS_MIN = 80;
const WORKERS = 4;
const HOSTS = 12;
const OUT_MAX = DEFAULT_OUTLIER.ejectedRatioMax * HOSTS;
/** A tenth of what all hosts can serve, a fifth of what half of them can. */
const EVERY_MS = 8;
const MINUTE_MS = 60_000;

/** From when to when something is sick, one after the other. */
type Spells = readonly (readonly [fromMs: number, toMs: number])[];

/** Alternately well and sick for random times up to `forMs`, well first. */
function spells(
  random: Random,
  forMs: number,
  wellMs: readonly [number, number],
  sickMs: readonly [number, number],
): Spells {
  const within = ([least, most]: readonly [number, number]): number => least + random.nextFloat() * (most - least);
  const all: [number, number][] = [];
  for (let atMs = within(wellMs); atMs < forMs; ) {
    const endMs = Math.min(forMs, atMs + within(sickMs));
    all.push([atMs, endMs]);
    atMs = endMs + within(wellMs);
  }
  return all;
}

/** Time since the last spell ended; null within one; Infinity before the first. */
function sinceMs(all: Spells, nowMs: number): number | null {
  let last = Number.POSITIVE_INFINITY;
  for (const [fromMs, toMs] of all) {
    if (nowMs >= fromMs && nowMs < toMs) return null;
    if (nowMs >= toMs) last = nowMs - toMs;
  }
  return last;
}

const FOR_MS = 10 * MINUTE_MS;
/** All hosts are well from here on: time enough for the longest ejection of the scenes, and its trial. */
const QUIET_MS = 6 * MINUTE_MS;

type HostAt = Scene['hostAt'];

function eachHost(make: () => Spells): Spells[] {
  return Array.from({ length: HOSTS }, make);
}

/** Worlds by name: what hosts do up to FOR_MS. After that they are well. */
const WORLDS: Readonly<Record<string, (random: Random) => HostAt>> = {
  'hosts fail for 5 to 40 s, each by itself': (random) => {
    const each = eachHost(() => spells(random, FOR_MS, [60_000, 120_000], [5000, 40_000]));
    return (n, nowMs) => (sinceMs(each[n] as Spells, nowMs) === null ? SICK : WELL);
  },
  'hosts are slow after a failure, ten times at first and less and less for 20 s': (random) => {
    const each = eachHost(() => spells(random, FOR_MS, [60_000, 120_000], [5000, 20_000]));
    return (n, nowMs) => {
      const healedMs = sinceMs(each[n] as Spells, nowMs);
      if (healedMs === null) return SICK;
      return { ...WELL, meanMs: WELL.meanMs * Math.max(1, 10 - (9 * healedMs) / 20_000) };
    };
  },
  'four hosts flap, well for 20 to 40 s and sick for 3 to 10 s': (random) => {
    const each = eachHost(() => spells(random, FOR_MS, [20_000, 40_000], [3000, 10_000]));
    return (n, nowMs) => (n < 4 && sinceMs(each[n] as Spells, nowMs) === null ? SICK : WELL);
  },
  'all hosts are sick at once for 5 to 60 s': (random) => {
    const all = spells(random, FOR_MS, [30_000, 60_000], [5000, 60_000]);
    return (_n, nowMs) => (sinceMs(all, nowMs) === null ? SICK : WELL);
  },
};

/** Such a share of the requests to the first so many hosts fails for 20 to 40 s at a time. */
function partly(failureRatio: number, hosts: number): (random: Random) => HostAt {
  return (random) => {
    const all = spells(random, FOR_MS, [5000, 20_000], [20_000, 40_000]);
    return (n, nowMs) => (n < hosts && sinceMs(all, nowMs) === null ? { ...SICK, failureRatio } : WELL);
  };
}

/** The same as one host does, on all of them. */
function alike(world: (random: Random) => HostAt): (random: Random) => HostAt {
  return (random) => {
    const hostAt = world(random);
    return (_n, nowMs) => hostAt(0, nowMs);
  };
}

interface Seen {
  readonly hosts: HostClosings;
  readonly versions: VersionClosings;
  readonly hostLateness: HostLateness;
  readonly versionLateness: VersionLateness;
  readonly probes: ProbesAtOnce;
  /** Most hosts that were out at a time. */
  outMost: number;
  /** At the end. */
  states: readonly EndpointState[];
  areClosed: boolean;
}

/** Ten minutes of a world, and then all is well. Breakers of both kinds are on. */
function look(world: (random: Random) => HostAt, sketch: Pick<Scene, 'balancer' | 'outlier'>): Seen {
  const hostAt = world(new Random(SEED));
  const seen: Seen = {
    hosts: new HostClosings(),
    versions: new VersionClosings(),
    hostLateness: new HostLateness(DEFAULT_OUTLIER.consecutiveErrors, OUT_MAX),
    versionLateness: new VersionLateness(DEFAULT_BREAKER),
    probes: new ProbesAtOnce(),
    outMost: 0,
    states: [],
    areClosed: false,
  };
  const onlookers = [seen.hosts, seen.versions, seen.hostLateness, seen.versionLateness, seen.probes];
  const { workers } = play({
    seed: SEED,
    everyMs: EVERY_MS,
    hostCount: HOSTS,
    workerCount: WORKERS,
    breaker: DEFAULT_BREAKER,
    forMs: FOR_MS + QUIET_MS,
    hostAt: (n, nowMs) => (nowMs < FOR_MS ? hostAt(n, nowMs) : WELL),
    happened: (happening) => {
      for (const onlooker of onlookers) onlooker.happened(happening);
    },
    ticked: (nowMs, states) => {
      for (const onlooker of onlookers) onlooker.ticked(nowMs, states);
      seen.states = states;
      seen.outMost = Math.max(seen.outMost, states.filter(isOut).length);
    },
    ...sketch,
  });
  seen.areClosed = workers.every(({ breaker }) => breaker?.state === 'closed');
  return seen;
}

function lookAll(world: (random: Random) => HostAt, outlier = DEFAULT_OUTLIER): Seen[] {
  return BALANCERS.map((balancer) => look(world, { balancer, outlier }));
}

/** Share of first requests that were good. */
function firstsOf(t: TestContext, what: string, all: readonly Closings[]): { ratio: number; count: number } {
  const count = all.reduce((sum, one) => sum + one.count, 0);
  const good = all.reduce((sum, one) => sum + one.good, 0);
  t.diagnostic(`${what}: closed ${count} times, ${good} first requests were good (${(good / count).toFixed(4)})`);
  return { ratio: good / count, count };
}

function longestOf(t: TestContext, what: string, all: readonly { readonly mostMs: number }[]): number {
  const mostMs = Math.max(...all.map((one) => one.mostMs));
  t.diagnostic(`${what}: no request later than ${mostMs.toFixed(0)} ms after the threshold`);
  return mostMs;
}

function assertRecovered(all: readonly Seen[]): void {
  for (const { states, areClosed, outMost, probes } of all) {
    assert.ok(
      states.every((state) => state === 'up'),
      states.join(),
    );
    assert.ok(areClosed, 'a breaker of the version is open');
    assert.ok(outMost <= OUT_MAX, `${outMost} of ${HOSTS} were out`);
    assert.ok(probes.most <= 1, `${probes.most} probes of one host at once`);
  }
}

describe('the breaker of each endpoint', () => {
  for (const [name, world] of Object.entries(WORLDS)) {
    it(`trips in time, closes when the host is well, and never stays open: ${name}`, (t) => {
      const all = lookAll(world);
      const tripMs = longestOf(
        t,
        'endpoints',
        all.map(({ hostLateness }) => hostLateness),
      );
      const { ratio, count } = firstsOf(
        t,
        'endpoints',
        all.map(({ hosts }) => hosts),
      );
      assertRecovered(all);
      assert.ok(tripMs <= TRIP_MS_MAX, `${tripMs} ms`);
      assert.ok(count >= CLOSINGS_MIN, `${count} closings say nothing`);
      assert.ok(ratio >= FIRST_GOOD_MIN, `${ratio}`);
    });
  }
});

describe('the breaker of a version, in each worker', () => {
  for (const [name, world] of Object.entries(WORLDS)) {
    it(`trips at once, closes when the version is well, and never stays open: all together, ${name}`, (t) => {
      const all = lookAll(alike(world));
      const tripMs = longestOf(
        t,
        'versions',
        all.map(({ versionLateness }) => versionLateness),
      );
      const { ratio, count } = firstsOf(
        t,
        'versions',
        all.map(({ versions }) => versions),
      );
      assertRecovered(all);
      assert.ok(tripMs <= TRIP_MS_MAX, `${tripMs} ms`);
      assert.ok(count >= CLOSINGS_MIN, `${count} closings say nothing`);
      assert.ok(ratio >= FIRST_GOOD_MIN, `${ratio}`);
    });
  }
});

describe('failures of some requests', () => {
  it('open the breaker of a version at its ratio', (t) => {
    const all = lookAll(partly(0.7, HOSTS));
    const tripMs = longestOf(
      t,
      'versions',
      all.map(({ versionLateness }) => versionLateness),
    );
    assertRecovered(all);
    assert.ok(all.every(({ versions }) => versions.count > 0));
    assert.ok(all.some(({ versionLateness }) => versionLateness.count > 0));
    assert.ok(tripMs <= TRIP_MS_MAX, `${tripMs} ms`);
  });

  it('pass for health in more trials of three probes than of ten', (t) => {
    const firsts = [3, 10].map((probes) => {
      const all = lookAll(partly(0.3, 4), { ...DEFAULT_OUTLIER, probes });
      assertRecovered(all);
      return firstsOf(
        t,
        `${probes} probes`,
        all.map(({ hosts }) => hosts),
      );
    });
    const [three, ten] = firsts;
    assert.ok((ten?.count ?? 0) < (three?.count ?? 0));
  });
});
