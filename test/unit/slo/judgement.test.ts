/** One canary under watch: evidence in both units, steps, gaps, the exchanges that failed. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { RolloutSpec } from '#src/model/rollout.ts';
import type { ArmCounts } from '#src/model/slo.ts';
import { ENDPOINT, ENDPOINT_WORDS } from '#src/model/tallies.ts';
import type { BadEvent } from '#src/slo/events.ts';
import { isComparable, Judgement } from '#src/slo/judgement.ts';
import type { Region } from '#src/slo/regions.ts';
import { SPEC } from '../../support/simulate/detection.ts';
import { FakeWorker } from '../../support/simulate/worker.ts';

const START = 10_000;

interface Bench {
  readonly worker: FakeWorker;
  readonly regions: readonly Region[];
  readonly judgement: Judgement;
}

function setup(): Bench {
  const worker = new FakeWorker(1);
  const regions = [worker.region];
  return {
    worker,
    regions,
    judgement: new Judgement(SPEC, regions, { nowMs: START, weight: 5, setLatency: () => undefined }),
  };
}

let nextUser = 0;

/** Finishes `count` requests of an arm, each of another user, of which `bad` fail. */
function finish(
  { worker }: Bench,
  arm: 'canary' | 'stable',
  nowMs: number,
  [count, bad]: readonly [number, number],
): void {
  for (let n = 0; n < count; n++) {
    nextUser += 1;
    worker.finish({ cell: SPEC[arm].cell, unit: SPEC[arm].unit, user: nextUser, isBad: n < bad, nowMs });
  }
}

function event(atMs: number, requestId = ''): BadEvent {
  return { atMs, cell: SPEC.canary.cell, user: 0, endpoint: 0, reason: 0, status: 500, requestId };
}

describe('a judgement', () => {
  it('convicts a canary that fails, in both units', () => {
    const bench = setup();
    finish(bench, 'stable', START + 50, [95, 1]);
    finish(bench, 'canary', START + 50, [5, 5]);
    assert.equal(bench.judgement.isConvicted(SPEC), false);
    assert.equal(bench.judgement.look(SPEC, bench.regions, START + 100), true);
    assert.equal(bench.judgement.isConvicted(SPEC), true);
    const verdict = bench.judgement.verdict(SPEC);
    assert.equal(verdict?.state, 'fail');
    assert.deepEqual(verdict?.requests, { canary: { finished: 5, bad: 5 }, stable: { finished: 95, bad: 1 } });
    assert.deepEqual(verdict?.users, verdict?.requests);
  });

  it('is not convinced by a burst of one user, which requests alone would take for proof', () => {
    const bench = setup();
    for (let second = 0; second < 10; second++) {
      const nowMs = START + 1000 * second;
      finish(bench, 'stable', nowMs, [95, 1]);
      for (let n = 0; n < 5; n++) bench.worker.finish({ ...SPEC.canary, user: 99_999, isBad: n < 2, nowMs });
      bench.judgement.look(SPEC, bench.regions, nowMs + 100);
      assert.equal(bench.judgement.isConvicted(SPEC), false, `second ${second}`);
    }
    const verdict = bench.judgement.verdict(SPEC);
    assert.ok((verdict?.errors.logERequests as number) > 15, `${verdict?.errors.logERequests}`);
    assert.deepEqual(verdict?.users.canary, { finished: 1, bad: 1 });
  });

  it('has no verdict before it looked', () => {
    const { judgement, regions } = setup();
    assert.equal(judgement.verdict(SPEC), null);
    judgement.look(SPEC, regions, START + 100);
    assert.equal(judgement.verdict(SPEC)?.state, 'no-traffic');
  });

  it('lets what it skips pass', () => {
    const bench = setup();
    finish(bench, 'stable', START + 50, [95, 1]);
    finish(bench, 'canary', START + 50, [50, 50]);
    bench.judgement.skip(bench.regions, START + 600_000);
    bench.judgement.look(SPEC, bench.regions, START + 600_100);
    assert.equal(bench.judgement.isConvicted(SPEC), false);
    assert.deepEqual(bench.judgement.verdict(SPEC)?.requests.canary, { finished: 0, bad: 0 });
  });

  it('starts fresh copies at a step, so that a long healthy past does not shield the next one', () => {
    const logE = [5, 25].map((weight) => {
      const bench = setup();
      for (let n = 0; n < 250; n++) {
        finish(bench, 'stable', START + 100 * n, [95, 1]);
        finish(bench, 'canary', START + 100 * n, [5, 0]);
        bench.judgement.look(SPEC, bench.regions, START + 100 * n + 50);
      }
      bench.judgement.weigh(weight, bench.regions, START + 25_000);
      finish(bench, 'stable', START + 25_100, [95, 1]);
      finish(bench, 'canary', START + 25_100, [5, 5]);
      bench.judgement.look(SPEC, bench.regions, START + 25_150);
      return bench.judgement.verdict(SPEC)?.logE as number;
    }) as [number, number];
    assert.ok(logE[1] > logE[0] + 4, `${logE[1]} after a step, ${logE[0]} without`);
  });
});

describe('what a judgement remembers', () => {
  it('is the first bad exchange of the step and the newest five ids', () => {
    const { judgement } = setup();
    assert.equal(judgement.detectedInMs(START + 500), -1);
    for (let n = 0; n < 8; n++) judgement.note(event(START + 100 + n, `id${n}`));
    judgement.note(event(START + 200));
    assert.equal(judgement.detectedInMs(START + 600), 500);
    assert.deepEqual(judgement.sampleRequestIds, ['id3', 'id4', 'id5', 'id6', 'id7']);
  });

  it('ends with the step', () => {
    const { judgement, regions } = setup();
    judgement.note(event(START + 100, 'early'));
    judgement.weigh(25, regions, START + 1000);
    judgement.note(event(START + 999, 'of the step before'));
    assert.equal(judgement.detectedInMs(START + 2000), -1);
    judgement.note(event(START + 1500, 'late'));
    judgement.weigh(25, regions, START + 1600);
    assert.equal(judgement.detectedInMs(START + 2000), 500);
    assert.deepEqual(judgement.sampleRequestIds, ['late']);
  });
});

describe('one sick endpoint of three', () => {
  const spec: RolloutSpec = { ...SPEC, canary: { ...SPEC.canary, endpoints: [1, 2, 3] } };

  /** Ten ticks: 5 canary requests each, of which those at endpoint 2 fail. */
  function ticks(bench: Bench, judgement: Judgement, fromMs: number, isAllBad: boolean): boolean {
    const words = bench.worker.region.tallies.endpoints;
    for (let n = 1; n <= 10; n++) {
      const nowMs = fromMs + 100 * n;
      finish(bench, 'stable', nowMs - 50, [95, 0]);
      finish(bench, 'canary', nowMs - 50, [6, isAllBad ? 6 : 2]);
      for (const endpoint of [1, 2, 3]) {
        const base = endpoint * ENDPOINT_WORDS;
        words[base + ENDPOINT.finished] = (words[base + ENDPOINT.finished] as number) + 2;
        if (isAllBad || endpoint === 2) words[base + ENDPOINT.bad] = (words[base + ENDPOINT.bad] as number) + 2;
      }
      judgement.look(spec, bench.regions, nowMs);
      if (judgement.isConvicted(spec)) return true;
    }
    return false;
  }

  function judgementOf(bench: Bench): Judgement {
    return new Judgement(spec, bench.regions, { nowMs: START, weight: 5, setLatency: () => undefined });
  }

  it('is left out, and named, instead of convicting its version', () => {
    const bench = setup();
    const judgement = judgementOf(bench);
    assert.equal(ticks({ ...bench, judgement }, judgement, START, false), false);
    assert.deepEqual(judgement.verdict(spec)?.errors.spared, [2]);
  });

  it('convicts it in the end when nobody ejects it', () => {
    const bench = setup();
    const judgement = judgementOf(bench);
    let seconds = 0;
    while (seconds < 60 && !ticks({ ...bench, judgement }, judgement, START + 1000 * seconds, false)) seconds += 1;
    assert.ok(seconds >= 20 && seconds < 45, `${seconds}`);
    assert.equal(judgement.verdict(spec)?.errors.spared.length, 3);
  });

  it('is no excuse for a version that fails everywhere', () => {
    const bench = setup();
    const judgement = judgementOf(bench);
    assert.equal(ticks({ ...bench, judgement }, judgement, START, true), true);
    assert.deepEqual(judgement.verdict(spec)?.errors.spared, []);
  });
});

describe('one sick endpoint among some that come and go', () => {
  const having = (...pairs: readonly (readonly [slot: number, name: string])[]): RolloutSpec => {
    const endpoints = pairs.map(([slot]) => slot);
    return { ...SPEC, canary: { ...SPEC.canary, endpoints, addresses: pairs.map(([, name]) => name) } };
  };
  const FIRST = having([1, 'a:80'], [2, 'b:80'], [3, 'c:80']);

  /** A tick with so many attempts, good and bad, in each slot; the canary's requests are all of them. */
  function tick(
    bench: Found,
    spec: RolloutSpec,
    attempts: Readonly<Record<number, readonly [number, number]>>,
  ): boolean {
    bench.nowMs += 100;
    let [finished, bad] = [0, 0];
    const words = bench.worker.region.tallies.endpoints;
    for (const [slot, [all, failed]] of Object.entries(attempts)) {
      Atomics.add(words, Number(slot) * ENDPOINT_WORDS + ENDPOINT.bad, failed);
      Atomics.add(words, Number(slot) * ENDPOINT_WORDS + ENDPOINT.finished, all);
      finished += all;
      bad += failed;
    }
    finish(bench, 'stable', bench.nowMs - 50, [95, 0]);
    finish(bench, 'canary', bench.nowMs - 50, [finished, bad]);
    bench.judgement.look(spec, bench.regions, bench.nowMs, bench.elsewhere);
    return bench.judgement.isConvicted(spec);
  }

  function benchOf(spec: RolloutSpec) {
    const bench = setup();
    const judgement = new Judgement(spec, bench.regions, { nowMs: START, weight: 5, setLatency: () => undefined });
    return { ...bench, judgement, nowMs: START, elsewhere: new Map<string, ArmCounts>() };
  }
  type Found = ReturnType<typeof benchOf>;

  const sparedBy = (bench: Found): readonly unknown[] => bench.judgement.verdictNow(FIRST).errors.spared;

  it('is left out and named by its address, whatever slots there are', () => {
    const bench = benchOf(FIRST);
    for (let n = 0; n < 2; n++) assert.equal(tick(bench, FIRST, { 1: [2, 0], 2: [1, 1], 3: [2, 0] }), false);
    const then = having([4, 'd:80'], [5, 'b:80'], [2, 'e:80']);
    bench.judgement.follow(then, bench.nowMs);
    for (let n = 0; n < 6; n++) assert.equal(tick(bench, then, { 4: [2, 0], 5: [2, 2], 2: [2, 0] }), false);
    assert.deepEqual(sparedBy(bench), ['b:80']);
  });

  it('is spared on after it has gone, as long as it was being spared', () => {
    const bench = benchOf(FIRST);
    for (let n = 0; n < 8; n++) tick(bench, FIRST, { 1: [3, 0], 2: [2, 2], 3: [3, 0] });
    assert.deepEqual(sparedBy(bench), ['b:80']);
    const rest = having([1, 'a:80'], [3, 'c:80']);
    bench.judgement.follow(rest, bench.nowMs);
    for (let n = 0; n < 20; n++) assert.equal(tick(bench, rest, { 1: [3, 0], 2: [2, 2], 3: [3, 0] }), false);
    assert.equal(bench.judgement.verdictNow(rest).errors.spared.length, 1);
  });

  it('counts against the version when it has gone before', () => {
    const bench = benchOf(FIRST);
    for (let n = 0; n < 2; n++) assert.equal(tick(bench, FIRST, { 1: [3, 0], 2: [1, 1], 3: [3, 0] }), false);
    const rest = having([1, 'a:80'], [3, 'c:80'], [4, 'd:80']);
    bench.judgement.follow(rest, bench.nowMs);
    let ticks = 0;
    while (ticks < 50 && !tick(bench, rest, { 1: [3, 0], 2: [1, 1], 3: [3, 0], 4: [3, 0] })) ticks += 1;
    assert.ok(ticks < 50, 'failures of an endpoint that nobody can eject any more convict');
    assert.deepEqual(bench.judgement.verdictNow(rest).errors.spared, []);
  });

  it('is found among those that only other gateways know', () => {
    const bench = benchOf(having([1, 'a:80']));
    const spec = having([1, 'a:80']);
    const words = bench.worker.region.tallies.endpoints;
    for (let n = 0; n < 8; n++) {
      for (const [name, bad] of [
        ['b:80', 2],
        ['c:80', 0],
      ] as const) {
        const { finished, bad: before } = bench.elsewhere.get(name) ?? { finished: 0, bad: 0 };
        bench.elsewhere.set(name, { finished: finished + 2, bad: before + bad });
      }
      Atomics.add(words, ENDPOINT_WORDS + ENDPOINT.finished, 2);
      bench.nowMs += 100;
      finish(bench, 'stable', bench.nowMs - 50, [95, 0]);
      finish(bench, 'canary', bench.nowMs - 50, [6, 2]);
      bench.judgement.look(spec, bench.regions, bench.nowMs, bench.elsewhere);
      assert.equal(bench.judgement.isConvicted(spec), false);
    }
    assert.deepEqual(bench.judgement.verdictNow(spec).errors.spared, ['b:80']);
  });

  it('has nothing of what others told before endpoints were told apart', () => {
    const two = having([1, 'a:80'], [2, 'b:80']);
    const bench = benchOf(two);
    bench.elsewhere.set('a:80', { finished: 100_000, bad: 500 }).set('b:80', { finished: 100_000, bad: 0 });
    assert.equal(tick(bench, two, { 1: [5, 0], 2: [5, 0] }), false);
    bench.judgement.follow(FIRST, bench.nowMs);
    assert.equal(tick(bench, FIRST, { 1: [5, 0], 2: [5, 0] }), false);
    let ticks = 0;
    while (ticks < 20 && !tick(bench, FIRST, { 1: [5, 0], 2: [1, 1], 3: [1, 1] })) ticks += 1;
    assert.ok(ticks < 20, 'a canary of whose endpoints two fail is convicted');
    assert.deepEqual(sparedBy(bench), []);
  });
});

describe('promotion', () => {
  it('comes with proof, is lost at a step, and never stands against a conviction', () => {
    const bench = setup();
    let nowMs = START;
    const run = (count: number, bad: number): void => {
      for (let n = 0; n < count; n++) {
        nowMs += 100;
        finish(bench, 'stable', nowMs - 50, [95, 0]);
        finish(bench, 'canary', nowMs - 50, [50, bad]);
        bench.judgement.look(SPEC, bench.regions, nowMs);
      }
    };
    run(18, 0);
    assert.equal(bench.judgement.isPromotable(SPEC), false, 'after 900 of 919');
    assert.deepEqual(bench.judgement.promotion(SPEC), {
      isPromotable: false,
      sentence: `${bench.judgement.verdict(SPEC)?.promotion.goodNeeded} more good requests prove it sound`,
    });
    run(1, 0);
    assert.equal(bench.judgement.isPromotable(SPEC), true);
    assert.equal(bench.judgement.verdict(SPEC)?.state, 'pass');
    assert.deepEqual(bench.judgement.promotion(SPEC), { isPromotable: true, sentence: 'proven not to be worse' });
    bench.judgement.weigh(25, bench.regions, nowMs);
    assert.equal(bench.judgement.isPromotable(SPEC), false);
    run(20, 0);
    assert.equal(bench.judgement.isPromotable(SPEC), true);
    run(2, 50);
    assert.deepEqual([bench.judgement.isConvicted(SPEC), bench.judgement.isPromotable(SPEC)], [true, false]);
    assert.match(bench.judgement.promotion(SPEC).sentence, /but the evidence against it convicts$/);
  });
});

describe('a stable version that is down', () => {
  it('is no measure: nothing is convicted while it lasts', () => {
    const bench = setup();
    for (let n = 1; n <= 30; n++) {
      finish(bench, 'stable', START + 100 * n, [95, 95]);
      finish(bench, 'canary', START + 100 * n, [5, 0]);
      bench.judgement.look(SPEC, bench.regions, START + 100 * n + 50);
    }
    const verdict = bench.judgement.verdict(SPEC);
    assert.deepEqual([verdict?.state, verdict?.fault], ['sli-broken', 'stable-down']);
    assert.equal(bench.judgement.isConvicted(SPEC), false);
    assert.equal(bench.judgement.isPromotable(SPEC), false);
    assert.match(bench.judgement.promotion(SPEC).sentence, /^not judged now: every request to the stable/);
  });
});

describe('a step of a rollout', () => {
  it('counts the canary’s requests at its present weight', () => {
    const bench = setup();
    const { judgement, regions } = bench;
    assert.equal(judgement.verdict(SPEC), null);
    assert.equal(judgement.verdictNow(SPEC).state, 'no-traffic');
    finish(bench, 'canary', START, [7, 1]);
    judgement.look(SPEC, regions, START + 100);
    assert.deepEqual([judgement.stepRequests, judgement.requests.canary], [7, { finished: 7, bad: 1 }]);
    judgement.weigh(5, regions, START + 100);
    assert.equal(judgement.stepRequests, 7, 'the same weight is the same step');
    judgement.weigh(25, regions, START + 100);
    assert.deepEqual([judgement.stepRequests, judgement.requests.canary.finished], [0, 7]);
  });

  it('can be compared with another spec where cells, units and the null hypothesis are the same', () => {
    assert.equal(isComparable(SPEC, { ...SPEC, alpha: 0.5, revision: 9 }), true);
    assert.equal(isComparable(SPEC, { ...SPEC, toleratedRatio: 9 }), false);
    assert.equal(isComparable(SPEC, { ...SPEC, latencyTolerance: 9 }), false);
    assert.equal(isComparable(SPEC, { ...SPEC, promotion: { ...SPEC.promotion, beta: 0.5 } }), false);
    assert.equal(isComparable(SPEC, { ...SPEC, canary: { ...SPEC.canary, endpoints: [5] } }), true, 'they come and go');
    assert.equal(isComparable(SPEC, { ...SPEC, stable: { ...SPEC.stable, unit: 9 } }), false);
  });
});
