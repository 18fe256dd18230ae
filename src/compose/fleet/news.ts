/**
 * What gateways of a fleet tell one another of a rollout: whether it is that, and where it says the rollout stands.
 *
 * Whoever can write to Redis can write anything, so news are checked whole before any of them counts.
 */

import { LATENCY_THRESHOLDS } from '../../model/latency.ts';
import { type JudgePolicy, ROLLOUT_TRIGGERS, type SavedRollout } from '../../model/rollout.ts';
import {
  type ArmCounts,
  type Certificate,
  type Decision,
  type DecisionKind,
  type ErrorsPart,
  type EvidenceRef,
  type LatencyComparison,
  type LatencyPart,
  type PairCounts,
  type PromotionPart,
  type RoutePart,
  type Shortfall,
  SLI_FAULTS,
  type Verdict,
  type VerdictState,
} from '../../model/slo.ts';
import type { FleetLimits, RolloutNews } from '../../model/threads/fleet.ts';
import { fromState } from '../../slo/rollout/saved.ts';
import { type Check, isBoolean, isCount, isNumber, isText, listOf, oneOf, orAbsent, orNull, shaped } from './shape.ts';

/** A place of the ladder, without its times. */
export function placeOf({ rollout, decision }: SavedRollout): string {
  const { state, ladder, fixReason } = rollout;
  const { kind, step, by, because } = state;
  return JSON.stringify([kind, step, by, because, ladder, fixReason, decision === null ? '' : decision.sentence]);
}

/** Whether every field is what it should be. */
export function isNews(value: unknown): value is RolloutNews {
  return isNewsShape(value) && isMemory((value as RolloutNews).saved);
}

/** Whether state, ladder and times fit together; what is rolled back says by which decision. */
function isMemory(saved: SavedRollout): boolean {
  try {
    const kind = fromState(saved, saved.generation, 0)?.state.kind;
    return kind !== 'rolled-back' || saved.decision !== null;
  } catch {
    // No memory is not news; the caller counts it.
    return false;
  }
}

const isTimes: Check = (value) => listOf(isNumber)(value) && (value as readonly number[]).length === LATENCY_THRESHOLDS;

const isCounts = shaped<ArmCounts>({ finished: isCount, bad: isCount });
const isPair = shaped<PairCounts>({ canary: isCounts, stable: isCounts });

/** Earlier releases tell of slots. */
const isEndpointName: Check = (value) => isText(value) || isCount(value);

const isErrors = shaped<ErrorsPart>({
  logE: isNumber,
  logERequests: isNumber,
  logEUsers: isNumber,
  logEAbsolute: orNull(isNumber),
  dispersion: isNumber,
  spared: listOf(isEndpointName),
});

const isComparison = shaped<LatencyComparison>({
  quantile: isNumber,
  canaryMs: orNull(isNumber),
  stableMs: orNull(isNumber),
  canaryLimitMs: isNumber,
  stableLimitMs: isNumber,
  slow: isPair,
});

const isPromotion = shaped<PromotionPart>({
  isPassed: isBoolean,
  logERelative: isNumber,
  logEAbsolute: isNumber,
  logEToPass: isNumber,
  goodNeeded: orNull(isNumber),
});

const isRoutePart = shaped<RoutePart>({
  route: isText,
  logE: isNumber,
  logERequests: isNumber,
  logEUsers: isNumber,
  logEAbsolute: orNull(isNumber),
  requests: isPair,
  users: isPair,
});

const isVerdict = shaped<Verdict>({
  state: oneOf<VerdictState>('pass', 'fail', 'inconclusive', 'no-traffic', 'insufficient', 'sli-broken'),
  logE: isNumber,
  logEToFail: isNumber,
  errors: isErrors,
  latency: shaped<LatencyPart>({ logE: isNumber, isJudged: isBoolean, at: orNull(isComparison) }),
  promotion: isPromotion,
  routes: orAbsent(listOf(isRoutePart)),
  fault: orNull(oneOf(...SLI_FAULTS)),
  shortfall: orNull(
    shaped<Shortfall>({ of: oneOf('canary requests', 'bad canary requests'), needed: isNumber, seen: isNumber }),
  ),
  requests: isPair,
  users: isPair,
});

const isCertificate = shaped<Certificate>({
  format: oneOf(1),
  policy: shaped<JudgePolicy & { readonly latencyTolerance: number; readonly latencyFloorMs: number }>({
    alpha: isNumber,
    toleratedRatio: isNumber,
    badMin: isNumber,
    absoluteFloor: isNumber,
    promotion: shaped<JudgePolicy['promotion']>({ beta: isNumber, ratioMax: isNumber, errorRatioMax: isNumber }),
    latencyTolerance: isNumber,
    latencyFloorMs: isNumber,
  }),
  shadow: orNull(isText),
  generation: isText,
  limits: orNull(shaped<NonNullable<Certificate['limits']>>({ stableMs: isTimes, canaryMs: isTimes })),
  evidence: orNull(shaped<EvidenceRef>({ watch: isText, segment: isCount, hash: isText })),
});

const DECISION_KINDS: readonly DecisionKind[] = [
  'start',
  'step',
  'promote',
  'bake',
  'succeed',
  'pause',
  'resume',
  'undo',
  'rollback',
  'shadow',
];

const isDecision = shaped<Decision>({
  id: isCount,
  at: (value) => Number.isFinite(Date.parse(String(value))),
  kind: oneOf(...DECISION_KINDS),
  trigger: oneOf(...ROLLOUT_TRIGGERS),
  route: isText,
  service: isText,
  canary: isText,
  stable: isText,
  sentence: isText,
  verdict: isVerdict,
  alpha: isNumber,
  toleratedRatio: isNumber,
  weightBefore: isNumber,
  weightAfter: isNumber,
  revision: isCount,
  detectedInMs: isNumber,
  switchedInMs: isNumber,
  sampleRequestIds: listOf(isText),
  certificate: isCertificate,
});

const isNewsShape = shaped<RolloutNews>({
  saved: shaped<SavedRollout>({
    format: oneOf(1),
    route: isText,
    generation: isText,
    rollout: (value) => typeof value === 'object' && value !== null,
    decision: orNull(isDecision),
    isStartOwed: orAbsent(oneOf(true)),
  }),
  limits: orNull(shaped<FleetLimits>({ id: isText, stableMs: isTimes, canaryMs: isTimes })),
});
