/**
 * Says what a rollout did and what comes next, in one sentence with its numbers.
 */

import type { Rollout, RolloutGate, RolloutSpec } from '../../model/rollout.ts';
import { isOnLastStep, type Moved, percentOf } from './machine.ts';
import { duration, share } from './words.ts';

/** `checkout: v2 goes from 1 % to 5 % (step 2 of 5): 1,204 of 1,000 canary requests; …` */
export function movedSentence(
  spec: RolloutSpec,
  before: Rollout,
  { rollout, kind, because }: Moved,
  by: string,
): string {
  const { route, canary, stable } = spec;
  const whose = by === '' ? '' : ` by ${by}`;
  const why = because === '' ? '' : `: ${because}`;
  const at = placeOf(rollout);
  const from = placeOf(before);
  const what: Readonly<Record<Moved['kind'], string>> = {
    start: `starts at ${at}${whose}`,
    step: `goes from ${percentText(before)} to ${at}`,
    bake: `goes from ${percentText(before)} to ${at} and bakes, ${stable.version} kept warm`,
    promote:
      rollout.state.kind === 'succeeded' ? `is promoted for good at ${at}${whose}` : `is promoted to ${at}${whose}`,
    succeed: `has succeeded at ${at}`,
    pause: `is paused at ${at}${whose}`,
    resume: `goes on at ${at}${whose}`,
    undo: `is back ${rollout.state.kind === 'idle' ? 'at the weights of the configuration' : `at ${at}`}${whose}`,
    shadow: 'would have been rolled back',
    rollback: `rolled back from ${from}${whose}`,
  };
  return `${route}: ${canary.version} ${what[kind]}${why}`;
}

/** The operator changed what was being rolled out: it has ended where it was. */
export function supersededSentence({ route, canary }: RolloutSpec, before: Rollout): string {
  const ended = `the rollout that was ${before.state.kind} at ${placeOf(before)} has ended`;
  return `${route}: ${canary.version} has the weights of the configuration: its split or canary was changed, so ${ended}`;
}

/** The state in one sentence. */
export function stateSentence({ route, canary }: RolloutSpec, rollout: Rollout, nowMs: number): string {
  const { state } = rollout;
  const subject = `${route}: ${canary.version}`;
  if (state.kind === 'idle') return `${subject} waits to be started`;
  const since = duration(nowMs - state.sinceMs);
  if (state.kind === 'rolled-back') return `${subject} has been rolled back for ${since}`;
  const at = placeOf(rollout);
  if (state.kind === 'paused') {
    const why = state.because === '' ? '' : `: ${state.because}`;
    return `${subject} is paused at ${at} by ${state.by}${why}`;
  }
  if (state.kind === 'succeeded') return `${subject} has succeeded and keeps ${at}`;
  return `${subject} ${state.kind === 'baking' ? 'bakes' : 'is'} at ${at} for ${since}`;
}

/** What comes next. */
export function nextSentence(rollout: Rollout, gates: readonly RolloutGate[]): string {
  const { state, ladder } = rollout;
  if (state.kind === 'idle') return 'a person starts it';
  if (state.kind === 'rolled-back') return 'a person starts it again, or the configuration changes';
  if (state.kind === 'succeeded') return 'the configuration makes it the stable version';
  if (state.kind === 'paused' && state.by !== 'budget') return 'a person resumes, promotes or aborts it';
  if (state.kind === 'paused') return 'it resumes when the budget allows it';
  const next = isOnLastStep(rollout) ? 'it succeeds' : `${share(ladder[state.step + 1]?.percent ?? 0)}`;
  const open = gates.filter(({ isPassed }) => !isPassed).map(({ sentence }) => sentence);
  return open.length === 0 ? `${next}, at once` : `${next}, after: ${open.join('; ')}`;
}

/** `5 % (step 2 of 5)`. */
function placeOf(rollout: Rollout): string {
  const { state, ladder } = rollout;
  if (!('step' in state)) return percentText(rollout);
  return `${percentText(rollout)} (step ${state.step + 1} of ${ladder.length})`;
}

function percentText(rollout: Rollout): string {
  const percent = percentOf(rollout);
  return percent === null ? 'the weights of the configuration' : share(percent);
}
