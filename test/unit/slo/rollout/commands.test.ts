/** Commands: what each makes of every state, what is refused, and how the refusal helps. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Rollout, RolloutCommandName, RolloutStateName } from '#src/model/rollout.ts';
import { ROLLOUT_COMMANDS } from '#src/model/rollout.ts';
import { justChanged, notFound, obey } from '#src/slo/rollout/commands.ts';
import type { RolloutInput } from '#src/slo/rollout/gates.ts';
import { IDLE, percentOf, turn } from '#src/slo/rollout/machine.ts';
import { SEVERAL, SPEC } from '../../../support/simulate/detection.ts';
import { command, input, PLAN, TERMS } from '../../../support/simulate/machine.ts';

const EXHAUSTED = { remainingRatio: -0.2, remainingEvents: -2, alert: null };
const LADDER = PLAN.steps;

const STATES: Readonly<Record<RolloutStateName, Rollout>> = {
  idle: IDLE,
  progressing: { ...IDLE, ladder: LADDER, state: { kind: 'progressing', step: 1, sinceMs: 0, waitingSinceMs: 0 } },
  paused: {
    ...IDLE,
    ladder: LADDER,
    state: { kind: 'paused', step: 1, sinceMs: 0, pausedAtMs: 5, by: 'policy', because: 'too long' },
  },
  baking: { ...IDLE, ladder: LADDER, state: { kind: 'baking', step: 4, sinceMs: 0 } },
  succeeded: { ...IDLE, ladder: LADDER, state: { kind: 'succeeded', step: 4, sinceMs: 0 } },
  'rolled-back': { ...IDLE, ladder: LADDER, state: { kind: 'rolled-back', sinceMs: 0, by: 'evidence' } },
};

/** The state a command leads to, or `refused`. */
function after(state: RolloutStateName, name: RolloutCommandName, changes: Partial<RolloutInput> = {}): string {
  const result = obey(STATES[state], command(name), input({ nowMs: 9, ...changes }), TERMS);
  if ('refused' in result) return 'refused';
  return `${result.rollout.state.kind} ${percentOf(result.rollout)}`;
}

function refusal(rollout: Rollout, name: RolloutCommandName, changes: Partial<RolloutInput> = {}): string {
  const result = obey(rollout, command(name), input(changes), TERMS);
  return 'refused' in result ? result.refused : 'done';
}

describe('every command in every state', () => {
  const table: Readonly<Record<RolloutStateName, readonly string[]>> = {
    idle: ['progressing 1', 'refused', 'refused', 'refused', 'rolled-back 0', 'refused'],
    progressing: ['refused', 'paused 5', 'refused', 'progressing 25', 'rolled-back 0', 'refused'],
    paused: ['refused', 'refused', 'progressing 5', 'progressing 25', 'rolled-back 0', 'refused'],
    baking: ['refused', 'paused 100', 'refused', 'succeeded 100', 'rolled-back 0', 'refused'],
    succeeded: ['refused', 'refused', 'refused', 'refused', 'rolled-back 0', 'refused'],
    'rolled-back': ['progressing 1', 'refused', 'refused', 'refused', 'refused', 'refused'],
  };
  for (const [state, expected] of Object.entries(table) as [RolloutStateName, string[]][]) {
    it(`is as it should be: ${state}`, () => {
      assert.deepEqual(
        ROLLOUT_COMMANDS.map((name) => after(state, name)),
        expected,
      );
    });
  }

  it('is refused in words that say what to do', () => {
    assert.equal(refusal(IDLE, 'pause'), 'it is idle: start it first');
    assert.match(refusal(STATES.succeeded, 'start'), /^it is succeeded: make the canary the stable version/);
    assert.match(refusal(IDLE, 'undo'), /^there is no command to undo/);
    const start = command('start', { route: 'a' });
    const known = ['b', 'c'].map((route) => ({ ...SPEC, route }));
    const detail = 'route a has no rollout; routes with one: b, c';
    assert.deepEqual(notFound(start, known), { kind: 'unknown', detail });
    assert.deepEqual(notFound(start, []), { kind: 'unknown', detail: 'route a has no rollout; no route has one' });
    assert.deepEqual(notFound(command('pause', { route: 'pay' }), [SPEC, SEVERAL]), {
      kind: 'refused',
      detail: 'route pay moves with the rollout of checkout: send pause checkout',
    });
    assert.match(justChanged('a'), /send it again/);
  });
});

describe('an exhausted budget', () => {
  for (const [state, name] of [
    ['idle', 'start'],
    ['paused', 'resume'],
    ['progressing', 'promote'],
  ] as const) {
    it(`refuses ${name}, unless it is a fix with a reason`, () => {
      const poor = input({ budget: EXHAUSTED });
      assert.match(refusal(STATES[state], name, { budget: EXHAUSTED }), /frozen.*label it a fix/);
      const bare = obey(STATES[state], command(name, { isFix: true }), poor, TERMS);
      assert.ok('refused' in bare && bare.refused.startsWith('a fix needs a reason'));
      const fix = obey(STATES[state], command(name, { isFix: true, reason: 'mends it' }), poor, TERMS);
      assert.ok('rollout' in fix);
      assert.equal(fix.rollout.fixReason, 'mends it');
      assert.match(fix.because, /but this is a fix \(mends it\)/);
    });
  }

  it('stops neither pause nor abort', () => {
    assert.equal(after('progressing', 'pause', { budget: EXHAUSTED }), 'paused 5');
    assert.equal(after('progressing', 'abort', { budget: EXHAUSTED }), 'rolled-back 0');
  });
});

describe('promote', () => {
  it('tells which gates it forced', () => {
    const result = obey(
      STATES.progressing,
      command('promote', { reason: 'known good' }),
      input({ requests: 3 }),
      TERMS,
    );
    assert.ok('rollout' in result);
    assert.deepEqual([result.kind, result.trigger], ['promote', 'person']);
    assert.equal(
      result.because,
      'known good; forced past its gates: 0 ms of 2 min on this step; 3 of 1,000 canary requests',
    );
    const idle = obey(STATES.progressing, command('promote'), input({ nowMs: 1e9 }), TERMS);
    assert.ok('rollout' in idle && idle.because.endsWith('every gate had passed'));
  });

  it('starts the stay on the next step anew', () => {
    const result = obey(STATES.progressing, command('promote'), input({ nowMs: 77 }), TERMS);
    assert.ok('rollout' in result);
    assert.deepEqual(result.rollout.state, { kind: 'progressing', step: 2, sinceMs: 77, waitingSinceMs: 77 });
  });
});

describe('undo', () => {
  for (const [state, name] of [
    ['idle', 'start'],
    ['progressing', 'pause'],
    ['paused', 'resume'],
    ['progressing', 'promote'],
    ['baking', 'promote'],
    ['baking', 'abort'],
  ] as const) {
    it(`of ${name} while ${state} is where it was`, () => {
      const done = obey(STATES[state], command(name), input({ nowMs: 50 }), TERMS);
      assert.ok('rollout' in done);
      const back = obey(done.rollout, command('undo'), input({ nowMs: 60 }), TERMS);
      assert.ok('rollout' in back);
      assert.equal(percentOf(back.rollout), percentOf(STATES[state]));
      assert.equal(back.rollout.state.kind, state);
      assert.equal(back.rollout.undo, null);
      assert.match(refusal(back.rollout, 'undo'), /no command to undo/, 'undo is not undone');
      const isSame = percentOf(done.rollout) === percentOf(back.rollout);
      if ('sinceMs' in back.rollout.state) assert.equal(back.rollout.state.sinceMs, isSame ? 0 : 60);
    });
  }

  it('is refused once the rollout has moved by itself', () => {
    const started = obey(IDLE, command('start'), input(), TERMS);
    assert.ok('rollout' in started);
    const stepped = turn(started.rollout, input({ nowMs: 120_000 }), TERMS);
    assert.equal(stepped?.kind, 'step');
    assert.match(refusal(stepped?.rollout ?? IDLE, 'undo'), /moved by itself/);
    const convicted = turn(started.rollout, input({ isConvicted: true }), TERMS);
    assert.match(refusal(convicted?.rollout ?? IDLE, 'undo'), /moved by itself/);
  });

  it('gives no users back to a canary while the budget is exhausted', () => {
    const aborted = obey(STATES.progressing, command('abort'), input(), TERMS);
    assert.ok('rollout' in aborted);
    assert.match(refusal(aborted.rollout, 'undo', { budget: EXHAUSTED }), /frozen/);
  });

  it('of an abort keeps what was caused before it, and of a pause what the judgement under way goes on counting', () => {
    for (const [name, expected] of [
      ['abort', 10],
      ['pause', 3],
    ] as const) {
      const done = obey({ ...STATES.progressing, spentBefore: 3 }, command(name), input({ badCaused: 7 }), TERMS);
      assert.ok('rollout' in done);
      const back = obey(done.rollout, command('undo'), input(), TERMS);
      assert.equal('rollout' in back && back.rollout.spentBefore, expected, name);
    }
  });
});

describe('a canary that is only watched', () => {
  const watched = { ...TERMS, plan: null };
  it('can be aborted, and that undone, and nothing else', () => {
    for (const name of ['start', 'pause', 'resume', 'promote'] as const) {
      const result = obey(IDLE, command(name), input(), watched);
      assert.ok('refused' in result && result.refused.includes('give the rollout steps'));
    }
    const aborted = obey(IDLE, command('abort', { reason: 'wrong build' }), input(), watched);
    assert.ok('rollout' in aborted && percentOf(aborted.rollout) === 0);
    const again = obey(aborted.rollout, command('abort'), input(), watched);
    assert.ok('refused' in again && again.refused.includes('change the canary in the configuration'));
    const back = obey(aborted.rollout, command('undo'), input(), watched);
    assert.ok('rollout' in back && percentOf(back.rollout) === null);
  });
});

describe('a command of the configuration', () => {
  it('is told apart from a person’s', () => {
    const result = obey(IDLE, command('start', { by: 'configuration' }), input(), TERMS);
    assert.ok('rollout' in result);
    assert.equal(result.trigger, 'configuration');
  });
});
