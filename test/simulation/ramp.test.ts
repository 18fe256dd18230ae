/** The default ramp in a closed loop on virtual time: sound canaries arrive, bad ones do not, nobody skips a gate. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Random } from '#src/lib/random.ts';
import { CELL, CELL_WORDS } from '#src/model/tallies.ts';
import { createLatencyDials, setLatency } from '#src/snapshot/latency-dials.ts';
import { quantileOf } from '../support/simulate/detection.ts';
import { PLAN } from '../support/simulate/machine.ts';
import { type Ramp, type RampMove, RampWriter, ramp, SOUND } from '../support/simulate/watch/ramp.ts';
import { FakeWorker, smallTallies } from '../support/simulate/worker.ts';

const SEED = 61_001;
const MIN = 60_000;

/** What every step must have had, by counts and clocks of its own. */
function checkSteps({ moves }: Ramp, seed: number): void {
  let step = -1;
  for (const { decision, requests, forMs } of moves) {
    if (decision.kind !== 'step' && decision.kind !== 'bake') continue;
    step += 1;
    const { verdict } = decision;
    const name = `seed ${seed}: ${decision.sentence}`;
    assert.ok(verdict.promotion.isPassed, name);
    assert.ok(verdict.state === 'pass', `${name}: ${verdict.state}`);
    assert.ok(requests >= PLAN.requestsMin, `${name}: ${requests}`);
    assert.ok(forMs >= (PLAN.steps[step]?.dwellMs ?? 0), `${name}: ${forMs}`);
  }
}

function kindsOf(moves: readonly RampMove[]): string {
  return moves.map(({ decision }) => decision.kind).join(' ');
}

describe('what a ramp counts', () => {
  it('is what a worker counts, request by request, but for the sum of seconds', (t) => {
    t.diagnostic(`seed ${SEED}`);
    const random = new Random(SEED);
    const dials = createLatencyDials();
    const arm = { cell: 2, unit: 1 };
    const [worker, other] = [1, 2].map((id) => new FakeWorker(id, smallTallies(), dials)) as [FakeWorker, FakeWorker];
    const tookMs = Float64Array.from({ length: 64 }, () => 0.05 + 300 * random.nextFloat() ** 3);
    const writer = new RampWriter(other, arm, { tookMs, dials });
    const limits = [10, 20, 40, 80, 160, 200];
    for (let nowMs = 10_000; nowMs < 14_000; nowMs += 100) {
      if (nowMs === 11_000) setLatency(dials, arm.unit, { sinceMs: nowMs, atEndMs: limits, inFlightMs: limits });
      if (nowMs === 13_000) setLatency(dials, arm.unit, null);
      writer.turn();
      for (let n = 0; n < 30; n++) {
        const [user, isBad, atMs] = [
          random.nextUint32() >>> 12,
          random.nextFloat() < 0.2,
          nowMs + 100 * random.nextFloat(),
        ];
        const latency = random.nextUint32() % tookMs.length;
        worker.finish({ ...arm, user, isBad, nowMs: atMs, tookMs: tookMs[latency] as number });
        writer.finish(user, isBad, atMs, latency);
      }
    }
    const [{ tallies }, { tallies: others }] = [worker.region, other.region];
    assert.ok(
      (tallies.cells[arm.cell * CELL_WORDS + CELL.thresholds + 5] as number) > 0,
      'some exceed the last threshold',
    );
    tallies.cellFloats[(arm.cell * CELL_WORDS + CELL.secondsSum) >> 1] = 0;
    assert.deepEqual(others.cells, tallies.cells);
    assert.deepEqual(others.units, tallies.units);
    assert.deepEqual(others.events, tallies.events);
  });
});

describe('a sound canary', () => {
  it('is at 100 % after a quarter of an hour, bakes for one and succeeds', (t) => {
    t.diagnostic(`seed ${SEED}`);
    const result = ramp(SOUND, SEED);
    assert.equal(kindsOf(result.moves), 'step step step bake succeed');
    assert.ok(result.tookMs >= 76 * MIN && result.tookMs < 90 * MIN, `${result.tookMs}`);
    checkSteps(result, SEED);
  });

  it('of little traffic takes as long as its evidence', (t) => {
    t.diagnostic(`seed ${SEED}`);
    const result = ramp({ ...SOUND, requestsPerSecond: 100 }, SEED);
    assert.equal(result.state, 'succeed');
    assert.ok((result.moves[0]?.atMs ?? 0) > 10 * MIN, 'a thousand requests at one per second');
    checkSteps(result, SEED);
  });
});

describe('a bad canary', () => {
  const cases = [
    [0.01, 14],
    [0.05, 7],
    [0.5, 6],
    [1, 6],
  ] as const;
  for (const [ratio, limit] of cases) {
    it(`that fails ${100 * ratio} % costs ${limit} bad requests at the median, and does not see 25 %`, (t) => {
      t.diagnostic(`seeds ${SEED}..${SEED + 19}`);
      const all = Array.from({ length: 20 }, (_, n) => ramp({ ...SOUND, canaryErrorRatio: () => ratio }, SEED + n));
      const bad = all.map(({ canaryBad }) => canaryBad).toSorted((a, b) => a - b);
      assert.ok(quantileOf(bad, 0.5) <= limit, bad.join());
      for (const { moves } of all) assert.match(kindsOf(moves), /^(step )?rollback$/);
    });
  }
});

describe('any canary', () => {
  it('takes no step without its gates, whatever becomes of it', (t) => {
    let steps = 0;
    for (let seed = SEED; seed < SEED + 12; seed++) {
      const random = new Random(seed);
      const ratios = Array.from({ length: 24 }, () =>
        random.nextFloat() < 0.7 ? 0.001 : 0.1 * random.nextFloat() ** 3,
      );
      const canaryErrorRatio = (sinceMs: number): number => ratios[Math.trunc(sinceMs / MIN)] ?? 0.001;
      const result = ramp({ ...SOUND, requestsPerSecond: 300, canaryErrorRatio, timeoutMs: 24 * MIN }, seed);
      checkSteps(result, seed);
      steps += result.moves.filter(({ decision }) => decision.kind === 'step').length;
    }
    t.diagnostic(`seeds ${SEED}..${SEED + 11}: ${steps} steps`);
    assert.ok(steps > 5, 'some go on');
  });
});
