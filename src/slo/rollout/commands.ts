/**
 * What a person's command makes of a rollout, or why it cannot be and what to do instead.
 *
 * | command | in                            | becomes                                                              |
 * |---------|-------------------------------|----------------------------------------------------------------------|
 * | start   | idle, rolled-back             | progressing on the first step, if the budget allows it               |
 * | pause   | progressing, baking           | paused                                                               |
 * | resume  | paused                        | what it was, if the budget allows it                                 |
 * | promote | progressing, paused, baking   | the next step, whatever its gates say (not: whatever the budget says) |
 * | abort   | all but rolled-back           | rolled-back                                                          |
 * | undo    | right after a command         | the state before that command                                        |
 *
 * `undo` is sound as long as nothing but the command changed anything: once the rollout has moved by itself it is refused.
 * Where it gives users back to the canary (after an abort), the budget is asked again; the stay on the step begins anew.
 * An exhausted budget is overruled by labeling the rollout a fix, with a reason, and the label stays for this run.
 * Source: docs/rollouts.md.
 */

import type {
  CommandResult,
  Rollout,
  RolloutCommand,
  RolloutCommandName,
  RolloutSpec,
  RolloutState,
  RolloutStateName,
} from '../../model/rollout.ts';
import { budgetStop, gatesOf, policyOf, type RolloutInput, type RolloutTerms } from './gates.ts';
import { type Moved, onStep, paused, percentOf, raised, rolledBack } from './machine.ts';

/** Refused: not in this state, and what to do instead. */
export interface Refusal {
  readonly refused: string;
}

const ALLOWED: Readonly<Record<Exclude<RolloutCommandName, 'undo'>, readonly RolloutStateName[]>> = {
  start: ['idle', 'rolled-back'],
  pause: ['progressing', 'baking'],
  resume: ['paused'],
  promote: ['progressing', 'paused', 'baking'],
  abort: ['idle', 'progressing', 'paused', 'baking', 'succeeded'],
};

const INSTEAD: Readonly<Record<RolloutStateName, string>> = {
  idle: 'start it first',
  progressing: 'pause, promote or abort it',
  paused: 'resume, promote or abort it',
  baking: 'pause, promote or abort it',
  succeeded: 'make the canary the stable version in the configuration, or abort it',
  'rolled-back': 'start it again, or change the canary in the configuration',
};

/** What a command makes of a rollout. */
export function obey(
  rollout: Rollout,
  command: RolloutCommand,
  input: RolloutInput,
  terms: RolloutTerms,
): Moved | Refusal {
  if (command.isFix && command.reason.trim() === '')
    return refuse('a fix needs a reason: it overrules the error budget');
  if (command.name === 'undo') return undone(rollout, command, input, terms);
  if (terms.plan === null && command.name !== 'abort') {
    return refuse('the canary is only watched, at the weights of the configuration: give the rollout steps');
  }
  const { kind } = rollout.state;
  if (!ALLOWED[command.name].includes(kind)) {
    return refuse(`it is ${kind}: ${terms.plan === null ? 'change the canary in the configuration' : INSTEAD[kind]}`);
  }
  const moved = movedBy(labeled(rollout, command), command, input, terms);
  if ('refused' in moved) return moved;
  const { undo: _, ...memory } = rollout;
  // An abort ends the count of what it caused, and its undo begins another: no allowance is renewed by the two.
  const spentBefore = rollout.spentBefore + (command.name === 'abort' ? input.badCaused : 0);
  const before = { ...memory, spentBefore };
  const trigger = command.by === 'configuration' ? 'configuration' : 'person';
  return { ...moved, rollout: { ...moved.rollout, undo: { ...before, command: command.name } }, trigger };
}

/** Why a command comes at the wrong moment. */
export function justChanged(route: string): string {
  return `the configuration of ${route} has just changed; look again and send it again`;
}

/** Why a command finds no rollout: there is none, or another route leads it. */
export function notFound({ route, name }: RolloutCommand, known: readonly RolloutSpec[]): CommandResult {
  const leader = known.find(({ companions = [] }) => companions.some((companion) => companion.route === route));
  if (leader !== undefined) {
    const detail = `route ${route} moves with the rollout of ${leader.route}: send ${name} ${leader.route}`;
    return { kind: 'refused', detail };
  }
  const names = known.map((spec) => spec.route);
  const others = names.length === 0 ? 'no route has one' : `routes with one: ${names.slice(0, 5).join(', ')}`;
  return { kind: 'unknown', detail: `route ${route} has no rollout; ${others}` };
}

function movedBy(
  rollout: Rollout,
  { name, reason }: RolloutCommand,
  input: RolloutInput,
  terms: RolloutTerms,
): Moved | Refusal {
  const { state } = rollout;
  const { nowMs } = input;
  if (name === 'abort') return rolledBack(rollout, 'person', reason, input);
  if (name === 'start') return started(rollout, reason, input, terms);
  if (!isOnAStep(state)) return refuse(`it is ${state.kind}: ${INSTEAD[state.kind]}`);
  if (name === 'pause') return paused(rollout, state, { by: 'person', because: reason, nowMs });
  const stop = budgetStop(rollout, input, terms);
  if (stop !== null) return refuse(frozen(stop));
  if (name === 'promote') return forced(rollout, state, reason, { input, terms });
  const next = { ...rollout, state: onStep(rollout, state.step, { sinceMs: state.sinceMs, nowMs }) };
  return { rollout: next, kind: 'resume', trigger: 'person', because: withNote(reason, rollout, input, terms) };
}

/** Begins at the first step, or below it when little of the budget is left. */
function started(rollout: Rollout, reason: string, input: RolloutInput, terms: RolloutTerms): Moved | Refusal {
  const { plan } = terms;
  const policy = policyOf(rollout, input, terms);
  if (plan === null || policy.kind === 'frozen') return refuse(frozen(policy.sentence));
  const firstPercent = plan.steps[0]?.percent ?? 0;
  const maxPercent = policy.startRatioMax === null ? 100 : policy.startRatioMax * 100;
  const small = { percent: maxPercent, dwellMs: plan.steps[0]?.dwellMs ?? 0 };
  const ladder = firstPercent > maxPercent ? [small, ...plan.steps] : plan.steps;
  const { nowMs, budget } = input;
  const next: Rollout = {
    state: onStep({ ladder }, 0, { sinceMs: nowMs, nowMs }),
    ladder,
    fixReason: rollout.fixReason,
    leftAtStart: budget.remainingEvents,
    spentBefore: 0,
    undo: null,
  };
  return { rollout: next, kind: 'start', trigger: 'person', because: noted(reason, policy.sentence) };
}

function forced(
  rollout: Rollout,
  state: OnStep,
  reason: string,
  { input, terms }: { readonly input: RolloutInput; readonly terms: RolloutTerms },
): Moved {
  const missing = gatesOf(rollout, input, terms).filter(({ isPassed }) => !isPassed);
  const open = missing.length === 0 ? 'every gate had passed' : missing.map(({ sentence }) => sentence).join('; ');
  const because = noted(withNote(reason, rollout, input, terms), `forced past its gates: ${open}`);
  return { ...raised(rollout, state, input.nowMs, because), kind: 'promote' };
}

function undone(rollout: Rollout, command: RolloutCommand, input: RolloutInput, terms: RolloutTerms): Moved | Refusal {
  const { undo } = rollout;
  if (undo === null) {
    return refuse('there is no command to undo: the rollout moved by itself since the last one, or there was none');
  }
  const { command: name, ...memory } = undo;
  const before = labeled({ ...memory, undo: null }, command);
  const percent = percentOf(before);
  if (rollout.state.kind === 'rolled-back' && percent !== null) {
    const stop = budgetStop(before, input, terms);
    if (stop !== null) return refuse(frozen(stop));
  }
  const isSame = percent === percentOf(rollout);
  const next = { ...before, state: revived(before.state, input.nowMs, isSame) };
  return { rollout: next, kind: 'undo', trigger: 'person', because: noted(command.reason, `${name} is undone`) };
}

/** A state as it goes on from now: another weight begins its stay anew, and nobody has waited yet. */
function revived(state: RolloutState, nowMs: number, isSameWeight: boolean): RolloutState {
  if (state.kind === 'idle') return state;
  const sinceMs = isSameWeight ? state.sinceMs : nowMs;
  return state.kind === 'progressing' ? { ...state, sinceMs, waitingSinceMs: nowMs } : { ...state, sinceMs };
}

type OnStep = Extract<RolloutState, { kind: 'progressing' | 'paused' | 'baking' }>;

function isOnAStep(state: RolloutState): state is OnStep {
  return state.kind === 'progressing' || state.kind === 'paused' || state.kind === 'baking';
}

/** A label holds for the run; a new start needs a new one. */
function labeled(rollout: Rollout, { name, isFix, reason }: RolloutCommand): Rollout {
  if (isFix) return { ...rollout, fixReason: reason.trim() };
  return name === 'start' ? { ...rollout, fixReason: '' } : rollout;
}

/** An exception to the budget's rules is told with the command that makes use of it. */
function withNote(reason: string, rollout: Rollout, input: RolloutInput, terms: RolloutTerms): string {
  const { mustLog, sentence } = policyOf(rollout, input, terms);
  return mustLog ? noted(reason, sentence) : reason;
}

function noted(reason: string, note: string): string {
  return reason === '' ? note : `${reason}; ${note}`;
}

function frozen(because: string): string {
  return `${because}; wait, or label it a fix with a reason`;
}

function refuse(refused: string): Refusal {
  return { refused };
}
