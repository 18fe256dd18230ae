/**
 * Writes down a decision: what was done to a rollout, with the policy in force and the numbers behind it.
 */

import type { Rollout, RolloutSpec, ShadowPolicy } from '../../model/rollout.ts';
import type { Certificate, Decision, EvidenceRef, Verdict } from '../../model/slo.ts';
import type { LatencyLimits } from '../latency/score.ts';
import type { Facts } from '../replay/format.ts';
import type { Account } from '../verdict/score/account.ts';
import { type RolloutNames, resumeSentence, rollbackSentence, sparedWords } from '../verdict/sentence.ts';
import type { Moved } from './machine.ts';
import { movedSentence, supersededSentence } from './sentence.ts';

/** What is known when a decision is made. */
export interface Known {
  readonly verdict: Verdict;
  readonly limits: LatencyLimits | null;
  /** How bad exchanges were noticed; null when nothing is judged. */
  readonly noticed: Pick<Account, 'detectedInMs' | 'sampleRequestIds'> | null;
}

/** What a decision is told besides. */
export type Circumstances = Facts & { readonly evidence: EvidenceRef | null };

/** Times, weights and circumstances, as they were when it was decided. */
export type Measured = Pick<Facts, 'decidedAtMs' | 'switchedInMs' | 'weightBefore' | 'weightAfter' | 'why'>;

/** A step of the machine, and who asked for it. */
export interface Movement {
  readonly before: Rollout;
  readonly moved: Moved;
  /** Empty: it moved by itself. */
  readonly by: string;
}

/** Of a decision that no bad exchange led to. */
const NOTHING_DETECTED = { detectedInMs: -1, sampleRequestIds: [] } as const;

/** The machine has moved. */
export function movedDecision(spec: RolloutSpec, movement: Movement, known: Known, facts: Circumstances): Decision {
  const { before, moved, by } = movement;
  const { verdict, noticed } = known;
  const isDetected = moved.kind === 'rollback' && noticed !== null;
  const sentence =
    moved.trigger === 'evidence'
      ? rollbackSentence(namesOf(spec), verdict, spec.alpha)
      : movedSentence(spec, before, moved, by) + (noticed === null ? '' : sparedWords(verdict));
  return {
    ...shared(spec, known, facts),
    kind: moved.kind,
    trigger: moved.trigger,
    sentence: facts.why === '' ? sentence : `${sentence}; ${facts.why}`,
    switchedInMs: facts.switchedInMs,
    ...(isDetected ? noticedBy(noticed, facts.decidedAtMs) : NOTHING_DETECTED),
  };
}

/**
 * The operator has changed what was rolled back or under way; its verdict is shown once more, as what was overruled.
 * @param before null: it was rolled back
 */
export function overruledDecision(
  spec: RolloutSpec,
  before: Rollout | null,
  known: Known,
  facts: Circumstances,
): Decision {
  const sentence =
    before === null ? resumeSentence(namesOf(spec), facts.weightAfter) : supersededSentence(spec, before);
  return {
    ...shared(spec, known, facts),
    kind: 'resume',
    trigger: 'configuration',
    sentence,
    switchedInMs: 0,
    ...NOTHING_DETECTED,
  };
}

/** A policy beside the one in force would have rolled back. */
export function shadowDecision(spec: RolloutSpec, policy: ShadowPolicy, known: Known, facts: Circumstances): Decision {
  const { verdict, noticed } = known;
  const did = `would have been rolled back by the shadow ${policy.name}`;
  return {
    ...shared({ ...spec, ...policy }, known, facts),
    kind: 'shadow',
    trigger: 'evidence',
    sentence: rollbackSentence(namesOf(spec), verdict, policy.alpha, did),
    switchedInMs: 0,
    ...(noticed === null ? NOTHING_DETECTED : noticedBy(noticed, facts.decidedAtMs)),
  };
}

/** What a decision carries that the evidence does not lead to, and that a tape therefore has to hold. */
export function factsOf(verdict: Verdict, facts: Measured & Pick<Facts, 'id' | 'at' | 'shadow'>): Facts {
  const { at } = verdict.latency;
  return { ...facts, canaryMs: at?.canaryMs ?? null, stableMs: at?.stableMs ?? null };
}

/** How the bad exchanges that led to it were noticed. `atMs`: when it was decided. */
export function noticedBy(
  noticed: Pick<Account, 'detectedInMs' | 'sampleRequestIds'>,
  atMs: number,
): Pick<Decision, 'detectedInMs' | 'sampleRequestIds'> {
  return { detectedInMs: noticed.detectedInMs(atMs), sampleRequestIds: noticed.sampleRequestIds };
}

/** Thresholds that a decision was made at; one of an earlier release does not tell. */
export function limitsOf({ certificate }: { readonly certificate?: Certificate }): LatencyLimits | null {
  return certificate?.limits ?? null;
}

/** Who is compared with whom. */
export function namesOf({ route, stable, canary }: RolloutSpec): RolloutNames {
  return { route, stable: stable.version, canary: canary.version };
}

type Shared = Omit<Decision, 'kind' | 'trigger' | 'sentence' | 'switchedInMs' | 'detectedInMs' | 'sampleRequestIds'>;

function shared(spec: RolloutSpec, known: Known, facts: Circumstances): Shared {
  return {
    id: facts.id,
    at: facts.at,
    verdict: known.verdict,
    weightBefore: facts.weightBefore,
    weightAfter: facts.weightAfter,
    route: spec.route,
    service: spec.service,
    canary: spec.canary.version,
    stable: spec.stable.version,
    alpha: spec.alpha,
    toleratedRatio: spec.toleratedRatio,
    revision: spec.revision,
    certificate: certificateOf(spec, known.limits, facts),
  };
}

/** @param facts its `shadow` names the policy, whose numbers `spec` has */
function certificateOf(spec: RolloutSpec, limits: LatencyLimits | null, facts: Circumstances): Certificate {
  const { alpha, toleratedRatio, badMin, absoluteFloor, promotion, latencyTolerance, latencyFloorMs } = spec;
  return {
    format: 1,
    policy: { alpha, toleratedRatio, badMin, absoluteFloor, promotion, latencyTolerance, latencyFloorMs },
    shadow: facts.shadow,
    generation: spec.generation,
    limits,
    evidence: facts.evidence,
  };
}
