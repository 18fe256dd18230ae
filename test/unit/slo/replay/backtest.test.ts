/** Under the policy of then a replay is identical to the last bit; under another one it says what would have been. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Decision } from '#src/model/slo.ts';
import { backtest, type TapeReplay } from '#src/slo/replay/backtest.ts';
import { samples } from '../../../support/runner/depth.ts';
import {
  inFormat,
  QUICK,
  QUICK_FOUND,
  QUICK_SEVERAL,
  Recorded,
  sparingHistory,
  wildHistory,
} from '../../../support/simulate/watch/recorded.ts';
import { convicted, revertOf } from '../../../support/state/reverts.ts';

/** The canary of the fifth is rolled back by evidence. */
const SEEDS = Array.from({ length: samples(60, 2) }, (_, n) => 1 + ((n + 4) % 60));
/** Of histories on several routes: the canary of the seventh is convicted on one of its companions. */
const SEVERAL_SEEDS = Array.from({ length: samples(15, 2) }, (_, n) => 1 + ((n + 6) % 15));
/** Of histories whose endpoints come and go: the fifth to the seventh spare several. */
const FOUND_SEEDS = Array.from({ length: samples(30, 3) }, (_, n) => 1 + ((n + 4) % 30));

describe('a replay under the policy of then', () => {
  it('comes to the same decisions to the last bit, whatever happened', (t) => {
    const kinds = new Set<string>();
    for (const seed of SEEDS) {
      const { segments, decisions } = wildHistory(seed, 1500);
      const { tapes, segmentsUnused } = backtest(segments, decisions, (spec) => spec);
      const count = tapes.reduce((sum, { replayed }) => sum + replayed.length, 0);
      const differing = tapes.filter(({ differsAt }) => differsAt !== null);
      assert.deepEqual([count, differing.length, segmentsUnused], [decisions.length, 0, 0], `seed ${seed}`);
      for (const { kind, trigger } of decisions) kinds.add(`${kind} by ${trigger}`);
    }
    t.diagnostic(`${SEEDS.length} seeds: ${[...kinds].sort().join(', ')}`);
    for (const kind of ['step by gates', 'rollback by evidence', 'start by configuration', 'resume by configuration']) {
      assert.ok(kinds.has(kind), `no ${kind} in any history`);
    }
  });

  it('comes to the same decisions on several routes', () => {
    const blamed = new Set<string>();
    for (const seed of SEVERAL_SEEDS) {
      const { segments, decisions } = wildHistory(seed, 1500, QUICK_SEVERAL);
      const { tapes } = backtest(segments, decisions, (spec) => spec);
      const count = tapes.reduce((sum, { replayed }) => sum + replayed.length, 0);
      const differing = tapes.filter(({ differsAt }) => differsAt !== null);
      assert.deepEqual([count, differing.length], [decisions.length, 0], `seed ${seed}`);
      for (const { sentence } of decisions) blamed.add(/: on ([a-z]+) \d/.exec(sentence)?.[1] ?? '');
    }
    assert.ok(blamed.size > 1, [...blamed].join());
  });

  it('comes to the same decisions while endpoints come and go, here and at other gateways', (t) => {
    const spared = new Set<string>();
    for (const seed of FOUND_SEEDS) {
      const { segments, decisions } = wildHistory(seed, 1500, QUICK_FOUND);
      const { tapes } = backtest(segments, decisions, (spec) => spec);
      const count = tapes.reduce((sum, { replayed }) => sum + replayed.length, 0);
      const differing = tapes.filter(({ differsAt }) => differsAt !== null);
      assert.deepEqual([count, differing.length], [decisions.length, 0], `seed ${seed}`);
      for (const { verdict } of decisions) for (const name of verdict.errors.spared) spared.add(String(name));
    }
    t.diagnostic(`spared: ${[...spared].toSorted().join(' ')}`);
    assert.ok(spared.size > 1, [...spared].join());
  });

  it('comes to the same decisions on tapes of earlier releases, which tell of endpoints by their slots', () => {
    for (const [format, spec] of [
      [1, QUICK],
      [2, QUICK_SEVERAL],
    ] as const) {
      const { segments, decisions } = sparingHistory(spec);
      const [tape] = backtest(inFormat(format, segments), decisions, (one) => one).tapes;
      const pause = decisions.find(({ kind }) => kind === 'pause');
      assert.deepEqual([tape?.differsAt, pause?.verdict.errors.spared], [null, [2]]);
      assert.match(pause?.sentence ?? '', / by api$/);
    }
  });

  it('names the endpoint whose failures were left out in what was decided meanwhile', () => {
    const { segments, decisions } = sparingHistory(QUICK_FOUND);
    const [tape] = backtest(segments, decisions, (one) => one).tapes;
    assert.equal(tape?.differsAt, null);
    const pause = decisions.find(({ kind }) => kind === 'pause');
    assert.match(pause?.sentence ?? '', / by api; failures of endpoint 10\.0\.0\.2:80 were left out$/);
  });

  it('says where a decision was changed, and what it cannot use', () => {
    const { segments, decisions } = wildHistory(1, 800);
    const changed = decisions.map((decision, n): Decision => (n === 1 ? { ...decision, revision: 99 } : decision));
    const first = backtest(segments, changed, (spec) => spec).tapes[0] as TapeReplay;
    assert.equal(first.differsAt, 1);
    const cut = backtest(segments.slice(1), decisions, (spec) => spec);
    assert.ok(cut.segmentsUnused > 0);
  });
});

describe('a revert of a configuration', () => {
  it('is judged again from its own evidence, whatever the policy is', () => {
    const conviction = convicted(2, { routes: 2, before: 0, after: 1 });
    assert.ok(conviction !== null);
    const revert = revertOf(conviction);
    const late = { ...revert, certificate: { ...revert.certificate, turns: null } };
    const { reverts, tapes } = backtest([], [revert, { ...revert, logE: revert.logE + 1e-12 }, late], (spec) => spec);
    assert.deepEqual([tapes, reverts.map(({ isSame }) => isSame)], [[], [true, false, null]]);
  });
});

describe('a replay under another policy', () => {
  /** A canary that fails 20 % after a healthy minute. */
  function failing() {
    const gateway = new Recorded(7, undefined, { perTick: 40 });
    for (let n = 0; n < 80; n++) gateway.tick();
    gateway.mood.canaryErrorRatio = 0.2;
    for (let n = 0; n < 200 && gateway.decisions.at(-1)?.kind !== 'rollback'; n++) gateway.tick();
    return gateway.end();
  }

  it('that is surer first decides later, at a higher cost', () => {
    const { segments, decisions } = failing();
    const [tape] = backtest(segments, decisions, (spec) => ({ ...spec, alpha: 0.1 })).tapes as [TapeReplay];
    const then = decisions.find(({ kind }) => kind === 'rollback') as Decision;
    const sooner = tape.replayed.find(({ decision }) => decision.kind === 'rollback');
    assert.ok(sooner !== undefined);
    assert.equal(sooner.isRecorded, false);
    assert.ok(sooner.canaryBad < tape.canary.bad, `${sooner.canaryBad} of ${tape.canary.bad}`);
    assert.equal(sooner.decision.alpha, 0.1);
    assert.ok(sooner.decision.at < then.at);
    const never = backtest(segments, decisions, (spec) => ({ ...spec, alpha: 1e-9, badMin: 1e6 })).tapes[0];
    assert.equal(
      never?.replayed.some(({ decision }) => decision.kind === 'rollback'),
      false,
    );
  });

  it('with other gates raises at other times', () => {
    const gateway = new Recorded(8, undefined, { perTick: 40, canaryErrorRatio: 0, stableErrorRatio: 0 });
    for (let n = 0; n < 300; n++) gateway.tick();
    const { segments, decisions } = gateway.end();
    const steps = (tape: TapeReplay | undefined): number[] =>
      (tape?.replayed ?? []).filter(({ decision }) => decision.kind === 'step').map(({ afterMs }) => afterMs);
    const same = steps(backtest(segments, decisions, (spec) => spec).tapes[0]);
    const slower = backtest(segments, decisions, (spec) => {
      const { plan } = spec;
      if (plan === null) return spec;
      return { ...spec, plan: { ...plan, steps: plan.steps.map((step) => ({ ...step, dwellMs: 3 * step.dwellMs })) } };
    });
    assert.ok(same.length >= 1);
    assert.ok((steps(slower.tapes[0])[0] as number) >= (same[0] as number) + 9000);
  });
});
