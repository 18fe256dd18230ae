/**
 * What happened, for the page: decisions, reverts and accepted configurations, each with the numbers behind it.
 */

import { addressesAmong, type Decision, type LoggedDecision, type PairCounts } from '../../model/slo.ts';
import type { RevertDecision, RevisionEntry } from '../../model/threads/revision.ts';
import type { BoardEvent, Tone } from './view/board.ts';

/** Events that are shown. */
export const EVENTS_MAX = 40;

const TONES: Readonly<Record<Decision['kind'], Tone>> = {
  start: 'calm',
  step: 'calm',
  promote: 'calm',
  bake: 'calm',
  succeed: 'good',
  pause: 'warn',
  resume: 'calm',
  undo: 'warn',
  rollback: 'bad',
  shadow: 'calm',
};

/**
 * The newest of both, newest first.
 * @param decisions oldest first
 * @param revisions newest first
 */
export function eventsOf(decisions: readonly LoggedDecision[], revisions: readonly RevisionEntry[]): BoardEvent[] {
  const decided = decisions
    .slice(-EVENTS_MAX)
    .map((one) => (one.kind === 'revert' ? reverted(one) : decidedEvent(one)));
  const accepted = revisions.slice(0, EVENTS_MAX).map(acceptedEvent);
  return [...decided, ...accepted].sort((a, b) => b.atMs - a.atMs).slice(0, EVENTS_MAX);
}

/** Another one whenever there is something new. */
export function eventsKey(decisions: readonly LoggedDecision[], revisions: readonly RevisionEntry[]): string {
  return `${decisions.at(-1)?.id ?? 0}/${revisions[0]?.number ?? 0}`;
}

function decidedEvent(decision: Decision): BoardEvent {
  const { id, at, kind, route, sentence } = decision;
  return { id: `d${id}`, atMs: Date.parse(at), kind, tone: TONES[kind], route, sentence, facts: factsOf(decision) };
}

function factsOf(decision: Decision): BoardEvent['facts'] {
  const { verdict, canary, stable, certificate } = decision;
  const spared = addressesAmong(verdict.errors.spared);
  const pair = ({ canary: bad, stable: good }: PairCounts): string =>
    `${canary} ${bad.bad} bad of ${bad.finished}, ${stable} ${good.bad} bad of ${good.finished}`;
  const facts: (readonly [string, string])[] = [
    ['Weight of the canary', `${decision.weightBefore} → ${decision.weightAfter}`],
    ['Moved by', decision.trigger],
    [
      'Verdict',
      `${verdict.state}: ${verdict.logE.toFixed(2)} of ${verdict.logEToFail.toFixed(2)} nats (alpha ${decision.alpha})`,
    ],
    ['Requests', pair(verdict.requests)],
    ['User-seconds', pair(verdict.users)],
    ...(spared.length === 0 ? [] : ([['Left out', `failures of ${spared.join(', ')}`]] as const)),
    ['Tolerated', `${decision.toleratedRatio} times stable's error ratio`],
  ];
  if (decision.detectedInMs >= 0)
    facts.push(['Detected in', `${Math.round(decision.detectedInMs)} ms from the first bad answer`]);
  facts.push(
    ['Switched in', `${decision.switchedInMs.toFixed(2)} ms from the decision`],
    ['Configuration', `revision ${decision.revision}`],
  );
  if (decision.sampleRequestIds.length > 0) facts.push(['Bad requests', decision.sampleRequestIds.join(', ')]);
  const { evidence } = certificate;
  if (evidence !== null)
    facts.push(['Evidence', `${evidence.watch}, segment ${evidence.segment}, ${evidence.hash.slice(0, 12)}`]);
  return facts;
}

function reverted({ id, at, kind, route, sentence, ...revert }: RevertDecision): BoardEvent {
  const facts: BoardEvent['facts'] = [
    ['What counted', `${revert.track}: ${revert.failed} of ${revert.finished}, ${revert.limit} tolerated`],
    ['Evidence', `${revert.logE.toFixed(2)} of ${revert.threshold.toFixed(2)} nats`],
    ['Took', `${Math.round(revert.tookMs)} ms`],
    ['Configuration', `${revert.from.slice(0, 12)} → ${revert.to.slice(0, 12)}`],
  ];
  return { id: `d${id}`, atMs: Date.parse(at), kind, tone: 'bad', route, sentence, facts };
}

function acceptedEvent({ number, at, hash, origin, contentOf, routes }: RevisionEntry): BoardEvent {
  const facts: (readonly [string, string])[] = [
    ['Hash', hash.slice(0, 12)],
    ['From', origin.join(', ')],
    ['Routes', String(routes)],
  ];
  if (contentOf !== number) facts.push(['Content of', `revision ${contentOf}`]);
  const sentence = `Configuration revision ${number} in force`;
  return { id: `r${number}`, atMs: Date.parse(at), kind: 'reload', tone: 'calm', route: '', sentence, facts };
}
