/** One canary under watch: evidence in both units, steps, gaps, the exchanges that failed. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { BadEvent } from '#src/slo/events.ts';
import { Judgement } from '#src/slo/judgement.ts';
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
  return { worker, regions, judgement: new Judgement(SPEC, regions, { nowMs: START, weight: 5 }) };
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
    assert.equal(bench.judgement.look(bench.regions, START + 100), true);
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
      bench.judgement.look(bench.regions, nowMs + 100);
      assert.equal(bench.judgement.isConvicted(SPEC), false, `second ${second}`);
    }
    const verdict = bench.judgement.verdict(SPEC);
    assert.ok((verdict?.logERequests as number) > 15, `${verdict?.logERequests}`);
    assert.deepEqual(verdict?.users.canary, { finished: 1, bad: 1 });
  });

  it('has no verdict before it looked', () => {
    const { judgement, regions } = setup();
    assert.equal(judgement.verdict(SPEC), null);
    judgement.look(regions, START + 100);
    assert.equal(judgement.verdict(SPEC)?.state, 'no-traffic');
  });

  it('lets what it skips pass', () => {
    const bench = setup();
    finish(bench, 'stable', START + 50, [95, 1]);
    finish(bench, 'canary', START + 50, [50, 50]);
    bench.judgement.skip(bench.regions, START + 600_000);
    bench.judgement.look(bench.regions, START + 600_100);
    assert.equal(bench.judgement.isConvicted(SPEC), false);
    assert.deepEqual(bench.judgement.verdict(SPEC)?.requests.canary, { finished: 0, bad: 0 });
  });

  it('starts fresh copies at a step, so that a long healthy past does not shield the next one', () => {
    const logE = [5, 25].map((weight) => {
      const bench = setup();
      for (let n = 0; n < 250; n++) {
        finish(bench, 'stable', START + 100 * n, [95, 1]);
        finish(bench, 'canary', START + 100 * n, [5, 0]);
        bench.judgement.look(bench.regions, START + 100 * n + 50);
      }
      bench.judgement.weigh(weight, START + 25_000);
      finish(bench, 'stable', START + 25_100, [95, 1]);
      finish(bench, 'canary', START + 25_100, [5, 5]);
      bench.judgement.look(bench.regions, START + 25_150);
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
    const { judgement } = setup();
    judgement.note(event(START + 100, 'early'));
    judgement.weigh(25, START + 1000);
    judgement.note(event(START + 999, 'of the step before'));
    assert.equal(judgement.detectedInMs(START + 2000), -1);
    judgement.note(event(START + 1500, 'late'));
    judgement.weigh(25, START + 1600);
    assert.equal(judgement.detectedInMs(START + 2000), 500);
    assert.deepEqual(judgement.sampleRequestIds, ['late']);
  });
});
