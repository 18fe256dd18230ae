/** A rollout whose turn throws: it alone stands still, is never promoted, and can always be taken out. */

import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { RolloutSpec } from '#src/model/rollout.ts';
import { Judgement } from '#src/slo/judgement.ts';
import { Notary } from '#src/slo/replay/notary.ts';
import { halt, REJUDGE_MS, standStill, unjudged, unseen } from '#src/slo/rollout/loop/halt.ts';
import { RolloutRun } from '#src/slo/rollout/run.ts';
import { Score } from '#src/slo/verdict/score/score.ts';
import { SPEC } from '../../../../support/simulate/detection.ts';
import { command, STEPPED } from '../../../../support/simulate/machine.ts';
import { Rig } from '../../../../support/simulate/watch/rig.ts';

const STEPS = [5, 50, 100].map((percent) => ({ percent, dwellMs: 1000 }));
const PLAN = { ...STEPPED.plan, steps: STEPS, requestsMin: 0, needsEvidence: false, autoStart: false };
/** Promoted by time alone. */
const SICK = { ...STEPPED, plan: PLAN } as RolloutSpec;
const SOUND: RolloutSpec = {
  ...SICK,
  route: 'cart',
  stable: { ...SICK.stable, cell: 3, dial: 3, unit: 2, endpoints: [] },
  canary: { ...SICK.canary, cell: 4, dial: 4, unit: 3, endpoints: [] },
};

/** The looks at one route's canary throw for so long as the switch is on. */
function breakLooks(t: TestContext, route: string) {
  const broken = { isOn: false, calls: 0 };
  const look = Reflect.get(Judgement.prototype, 'look');
  t.mock.method(Judgement.prototype, 'look', function (this: Judgement, ...args: Parameters<Judgement['look']>) {
    if (!broken.isOn || args[0].route !== route) return look.apply(this, args);
    broken.calls += 1;
    throw new TypeError('evidence is not iterable');
  });
  return broken;
}

/** A rollout whose look threw for a while, and does no more. */
function haltedOnce(t: TestContext): Rig {
  const broken = breakLooks(t, 'checkout');
  const one = rig();
  begin(one);
  broken.isOn = true;
  run(one, 3);
  broken.isOn = false;
  return one;
}

function rig(rollouts: readonly RolloutSpec[] = [SICK, SOUND]): Rig {
  const one = new Rig(rollouts);
  one.defects = [];
  for (const { stable, canary } of rollouts) {
    one.dials[stable.dial] = stable.weight;
    one.dials[canary.dial] = canary.weight;
  }
  return one;
}

/** Starts both and gives each some ticks of traffic. */
function begin(one: Rig): void {
  for (const { route } of one.rollouts) {
    const result = one.controller.command(command('start', { route }), one.nowMs);
    assert.equal(result.kind, 'done');
    if (result.kind === 'done') one.decisions.push(result.decision);
  }
  run(one, 3);
}

function run(one: Rig, ticks: number, canaryBad = 0): void {
  for (let n = 0; n < ticks; n++) {
    for (const spec of one.rollouts) {
      one.finish('stable', 95, 0, { spec });
      one.finish('canary', 5, canaryBad, { spec });
    }
    one.tick();
  }
}

function statusOf(one: Rig, route: string) {
  return one.controller.view().find((view) => view.route === route)?.status ?? assert.fail(`no ${route}`);
}

function moves(one: Rig, route: string): string[] {
  return one.decisions.filter((decision) => decision.route === route).map(({ kind, trigger }) => `${kind} ${trigger}`);
}

describe('a defect in the judgement of one rollout', () => {
  it('pauses it at its weights and says why, while the other one goes up its ladder', (t) => {
    const broken = breakLooks(t, 'checkout');
    const one = rig();
    begin(one);
    broken.isOn = true;
    run(one, 100);
    assert.deepEqual(moves(one, 'checkout'), ['start person', 'pause defect']);
    assert.deepEqual(moves(one, 'cart'), ['start person', 'step gates', 'bake gates']);
    assert.deepEqual([one.dials[SICK.canary.dial], one.dials[SICK.stable.dial]], [5000, 95_000]);
    const { state, sentence, verdict } = statusOf(one, 'checkout');
    assert.deepEqual([state, verdict?.state, verdict?.fault], ['paused', 'sli-broken', 'defect']);
    assert.match(
      sentence,
      /^checkout: v2 is paused at 5 % \(step 1 of 3\) by defect: a defect of the gateway \(SLU1925\): TypeError at halt\.test\.ts:\d+:\d+$/,
    );
    assert.deepEqual(new Set(one.defects?.map(([route]) => route)), new Set(['checkout']));
  });

  it('is tried again every REJUDGE_MS and no more often', (t) => {
    const broken = breakLooks(t, 'checkout');
    const one = rig();
    broken.isOn = true;
    run(one, (3 * REJUDGE_MS) / 100);
    assert.ok(broken.calls >= 3 && broken.calls <= 4, `${broken.calls} looks`);
    assert.equal(one.defects?.length, broken.calls);
  });

  it('ends: it is judged from nothing, stays paused, and goes on only by a person', (t) => {
    const one = haltedOnce(t);
    run(one, REJUDGE_MS / 100 + 50);
    const { state, verdict } = statusOf(one, 'checkout');
    assert.deepEqual([state, verdict?.fault], ['paused', null]);
    assert.ok((verdict?.requests.canary.finished ?? 0) > 0, 'it is judged again');
    assert.deepEqual(moves(one, 'checkout'), ['start person', 'pause defect']);
    assert.equal(one.controller.command(command('resume'), one.nowMs).kind, 'done');
    run(one, 30);
    assert.ok(moves(one, 'checkout').includes('step gates'));
  });

  it('does not keep evidence that comes later from taking the canary out', (t) => {
    const one = haltedOnce(t);
    run(one, REJUDGE_MS / 100 + 50, 5);
    assert.deepEqual(moves(one, 'checkout'), ['start person', 'pause defect', 'rollback evidence']);
    assert.equal(one.dials[SICK.canary.dial], 0);
  });

  it('lets a person take it out, and start it again', (t) => {
    const broken = breakLooks(t, 'checkout');
    const one = rig();
    begin(one);
    broken.isOn = true;
    run(one, 3);
    const result = one.controller.command(command('abort', { reason: 'enough' }), one.nowMs);
    assert.ok(result.kind === 'done');
    assert.deepEqual([result.decision.kind, one.dials[SICK.canary.dial]], ['rollback', 0]);
    assert.equal(result.decision.verdict.fault, 'defect');
    broken.isOn = false;
    assert.equal(one.controller.command(command('start'), one.nowMs).kind, 'done');
    run(one, 30);
    assert.equal(statusOf(one, 'checkout').verdict?.fault, null);
  });

  it('of a canary that is only watched leaves its weights and says that it is not judged', (t) => {
    const broken = breakLooks(t, 'checkout');
    const one = new Rig([SPEC]);
    one.defects = [];
    broken.isOn = true;
    one.run(20, 5);
    assert.deepEqual([one.stores, one.decisions], [[], []]);
    assert.match(one.view().sentence, /the gateway failed at judging it, by a defect of its own \(SLU1925\)/);
  });

  it('is thrown on where nobody hears of defects', (t) => {
    const broken = breakLooks(t, 'checkout');
    const one = new Rig([SPEC]);
    broken.isOn = true;
    assert.throws(() => one.run(1, 0), /not iterable/);
  });

  it('keeps a rollout that would start by itself from starting until it is judged', (t) => {
    const one = rig([{ ...SICK, plan: { ...PLAN, autoStart: true }, generation: 'b' } as RolloutSpec]);
    const { rollouts } = one;
    one.rollouts = [];
    one.tick();
    one.dials.set([0, 100_000, 0]);
    const weigh = t.mock.method(Judgement.prototype, 'weigh', () => {
      throw new TypeError('odd');
    });
    one.decisions.length = 0;
    one.rollouts = rollouts;
    one.tick();
    weigh.mock.restore();
    assert.deepEqual([moves(one, 'checkout'), one.dials[SICK.canary.dial]], [[], 0]);
    run(one, REJUDGE_MS / 100 - 10);
    assert.deepEqual([moves(one, 'checkout'), statusOf(one, 'checkout').state], [[], 'idle']);
    run(one, 20);
    assert.equal(moves(one, 'checkout')[0], 'start configuration');
  });
});

describe('a defect once the evidence has convicted', () => {
  it('leaves the canary out: why is told as far as it can be', (t) => {
    const one = rig([SICK]);
    begin(one);
    const verdict = t.mock.method(Score.prototype, 'verdict', () => {
      throw new RangeError('odd');
    });
    run(one, 20, 5);
    verdict.mock.restore();
    assert.equal(one.dials[SICK.canary.dial], 0);
    assert.deepEqual(moves(one, 'checkout').slice(1), ['rollback defect']);
    assert.equal(statusOf(one, 'checkout').state, 'rolled-back');
    run(one, 2 * (REJUDGE_MS / 100));
    assert.equal(one.dials[SICK.canary.dial], 0);
    assert.equal(one.defects?.length, 1);
  });
});

describe('a defect in the words of every decision', () => {
  /** No decision can be made for so long as the mock is in force. */
  function breakWords(t: TestContext) {
    return t.mock.method(Notary.prototype, 'note', () => {
      throw new RangeError('no words');
    });
  }

  it('keeps a rollout on its step, paused, and is met once in REJUDGE_MS', (t) => {
    const one = rig([SICK]);
    begin(one);
    breakWords(t);
    run(one, (3 * REJUDGE_MS) / 100);
    assert.equal(statusOf(one, 'checkout').state, 'paused');
    assert.match(statusOf(one, 'checkout').sentence, /by defect: .*RangeError at halt\.test\.ts:\d+:\d+$/);
    assert.deepEqual([one.dials[SICK.canary.dial], one.dials[SICK.stable.dial]], [5000, 95_000]);
    assert.deepEqual(one.defects?.length, 2, 'the step and the pause that neither could be written down');
  });

  it('does not keep the canary from being judged again, and taken out', (t) => {
    const broken = breakLooks(t, 'checkout');
    const one = rig([SICK]);
    begin(one);
    broken.isOn = true;
    breakWords(t);
    run(one, 3);
    broken.isOn = false;
    run(one, REJUDGE_MS / 100 + 50, 5);
    assert.deepEqual([statusOf(one, 'checkout').state, one.dials[SICK.canary.dial]], ['rolled-back', 0]);
  });

  it('leaves a canary out whose rollback is told when it can be, at one try in REJUDGE_MS', (t) => {
    const one = rig([SICK]);
    begin(one);
    const words = breakWords(t);
    run(one, 20 + (2 * REJUDGE_MS) / 100, 5);
    assert.deepEqual([moves(one, 'checkout'), one.dials[SICK.canary.dial]], [['start person'], 0]);
    const tries = one.defects?.length ?? 0;
    assert.ok(tries >= 3 && tries <= 4, `${tries} tries`);
    words.mock.restore();
    run(one, REJUDGE_MS / 100, 5);
    assert.deepEqual([moves(one, 'checkout')[1], one.dials[SICK.canary.dial]], ['rollback defect', 0]);
    assert.equal(one.defects?.length, tries);
  });
});

describe('a defect in what a person asked for', () => {
  it('refuses a promotion whose decision cannot be made, and the weights stay', (t) => {
    const one = rig([SICK]);
    begin(one);
    const verdict = t.mock.method(Score.prototype, 'verdict', () => {
      throw new RangeError('odd');
    });
    const result = one.controller.command(command('promote'), one.nowMs);
    verdict.mock.restore();
    assert.ok(result.kind === 'refused');
    assert.match(
      result.detail,
      /^promote checkout: a defect of the gateway \(SLU1925\): RangeError at halt\.test\.ts:\d+:\d+; abort/,
    );
    assert.equal(one.dials[SICK.canary.dial], 5000);
  });

  it('carries an abort out all the same, also when the budget cannot be asked', (t) => {
    const one = rig([SICK]);
    begin(one);
    one.budgets = () => {
      throw new Error('no budget');
    };
    t.mock.method(Score.prototype, 'verdict', () => {
      throw new RangeError('odd');
    });
    const result = one.controller.command(command('abort', { reason: 'enough' }), one.nowMs);
    assert.ok(result.kind === 'done');
    assert.deepEqual([result.decision.kind, result.decision.trigger], ['rollback', 'person']);
    assert.equal(one.dials[SICK.canary.dial], 0);
    assert.match(result.decision.sentence, /rolled back from 5 % \(step 1 of 3\) by api: enough/);
  });

  it('shows a rollout whose verdict cannot be read as not judged', (t) => {
    const one = rig([SICK, SOUND]);
    begin(one);
    const verdict = t.mock.method(Score.prototype, 'verdict', () => {
      throw new RangeError('odd');
    });
    const states = one.controller.view().map(({ status }) => status.verdict?.fault);
    verdict.mock.restore();
    assert.deepEqual(states, ['defect', 'defect']);
  });

  it('shows a rollout that cannot be told of as where it stands, and the others whole; being looked at halts nothing', (t) => {
    const one = rig([SICK, SOUND]);
    begin(one);
    const input = Reflect.get(RolloutRun.prototype, 'input');
    const odd = t.mock.method(RolloutRun.prototype, 'input', function (this: RolloutRun, ...args: never[]) {
      const [{ route }] = args as unknown as [RolloutSpec];
      if (route === 'checkout') throw new RangeError('odd');
      return Reflect.apply(input, this, args) as ReturnType<typeof input>;
    });
    for (let n = 0; n < 3; n++) one.controller.view();
    const [sick, sound] = one.controller.view().map(({ status }) => status);
    odd.mock.restore();
    assert.deepEqual([sick?.state, sick?.step?.percent, sick?.verdict?.fault], ['progressing', 5, 'defect']);
    assert.match(
      sick?.sentence ?? '',
      /^checkout: a defect of the gateway \(SLU1925\): RangeError at halt\.test\.ts:\d+:\d+$/,
    );
    assert.deepEqual([sound?.state, sound?.verdict?.fault], ['progressing', null]);
    assert.deepEqual(new Set(one.defects?.map(([route]) => route)), new Set(['checkout']));
    run(one, 30);
    assert.deepEqual(moves(one, 'checkout').slice(0, 2), ['start person', 'step gates']);
  });
});

describe('halting', () => {
  it('leaves who is out where it is, and a follower to its leader', () => {
    const watch = unseen(SPEC);
    watch.isLed = true;
    halt(watch, new Error('odd'), 1000);
    assert.equal(watch.state.kind, 'halted');
    assert.equal(standStill(watch, 1000), null);
    const decision = { verdict: unjudged(SPEC) } as never;
    const out = { ...unseen(SPEC), state: { kind: 'rolled-back', decision } as const };
    halt(out, new Error('odd'), 1000);
    assert.equal(out.state.kind, 'rolled-back');
  });

  it('says what the error is and where, and not what it says: that may quote a secret', () => {
    const watch = unseen(SPEC);
    halt(watch, new Error('https://shop:pass@a.example is odd'), 0);
    const because = watch.state.kind === 'halted' ? watch.state.because : '';
    assert.match(because, /^a defect of the gateway \(SLU1925\): Error at halt\.test\.ts:\d+:\d+$/);
    halt(watch, 'pass', 0);
    assert.match(watch.state.kind === 'halted' ? watch.state.because : '', /: a thrown string$/);
  });

  it('again keeps the time at which it is judged again, until that is over', () => {
    const watch = unseen(SPEC);
    const againAtMs = (): number => (watch.state.kind === 'halted' ? watch.state.againAtMs : Number.NaN);
    halt(watch, new Error('odd'), 1000);
    halt(watch, new Error('odd'), 1100);
    assert.equal(againAtMs(), 1000 + REJUDGE_MS);
    halt(watch, new Error('odd'), 1000 + REJUDGE_MS);
    assert.equal(againAtMs(), 1000 + 2 * REJUDGE_MS);
  });

  it('has a verdict that moves nothing', () => {
    const { state, fault, logE, promotion } = unjudged(SPEC);
    assert.deepEqual([state, fault, promotion.isPassed], ['sli-broken', 'defect', false]);
    assert.ok(Math.abs(logE) < 1e-9);
  });
});
