/**
 * Writes down a decision: what was done to a rollout, with the policy in force and the numbers behind it.
 */

import type { RolloutSpec } from '../../model/rollout.ts';
import type { Decision } from '../../model/slo.ts';
import type { Judgement } from '../judgement.ts';
import type { RolloutNames } from '../verdict/sentence.ts';

/** What differs from one decision of a rollout to the next. */
export type DecisionDetails = Pick<
  Decision,
  | 'id'
  | 'at'
  | 'kind'
  | 'trigger'
  | 'sentence'
  | 'verdict'
  | 'weightBefore'
  | 'weightAfter'
  | 'detectedInMs'
  | 'switchedInMs'
  | 'sampleRequestIds'
>;

/** Of a decision that no bad exchange led to. */
export const NOTHING_DETECTED = { detectedInMs: -1, sampleRequestIds: [] } as const;

/** How the bad exchanges that led to it were noticed. `atMs`: when it was decided. */
export function noticedBy(
  judgement: Pick<Judgement, 'detectedInMs' | 'sampleRequestIds'>,
  atMs: number,
): Pick<Decision, 'detectedInMs' | 'sampleRequestIds'> {
  return { detectedInMs: judgement.detectedInMs(atMs), sampleRequestIds: judgement.sampleRequestIds };
}

/** The decision on a rollout. */
export function decisionOf(spec: RolloutSpec, details: DecisionDetails): Decision {
  return {
    ...details,
    route: spec.route,
    service: spec.service,
    canary: spec.canary.version,
    stable: spec.stable.version,
    alpha: spec.alpha,
    toleratedRatio: spec.toleratedRatio,
    revision: spec.revision,
  };
}

/** Who is compared with whom. */
export function namesOf({ route, stable, canary }: RolloutSpec): RolloutNames {
  return { route, stable: stable.version, canary: canary.version };
}
