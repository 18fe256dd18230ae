/**
 * Compares the numbers of a decision with those that were derived, one by one.
 */

import { addressesAmong, type Decision, type PairCounts, type Verdict } from '../../../model/slo.ts';
import { type Judge, type RouteSums, type Scene, shortfallOf, stateOf, thresholdOf } from './judge.ts';
import type { Errors } from './processes.ts';
import type { Facts, Four, Terms } from './rows.ts';

/** Two ways of summing the same numbers agree to so much of the larger of 1 and the value. */
const TOLERANCE = 1e-9;

const FORMAT = 1;

/** What a decision is compared with. */
export interface Derived {
  readonly terms: Terms;
  readonly judge: Judge;
  readonly scene: Scene;
  readonly facts: Facts;
  readonly evidence: { readonly watch: string; readonly segment: number; readonly hash: string };
}

/** Every way in which the verdict of a decision is not what its evidence says. */
export function verdictFaults(verdict: Verdict, { judge, scene, facts }: Derived): string[] {
  const { errors, soundly, spared, needed } = judge;
  const said = verdict.errors;
  return [
    ...same('state', verdict.state, stateOf(judge, scene)),
    ...close('logE', verdict.logE, judge.total(scene)),
    ...close('logEToFail', verdict.logEToFail, needed),
    ...close('errors.logE', said.logE, errors.logE),
    ...close('errors.logERequests', said.logERequests, errors.requests),
    ...close('errors.logEUsers', said.logEUsers, errors.users),
    ...close('errors.logEAbsolute', said.logEAbsolute, errors.absolute),
    ...close('errors.dispersion', said.dispersion, errors.dispersion),
    ...same('errors.spared', said.spared, spared),
    ...latencyFaults(verdict, scene, facts),
    ...same('promotion.isPassed', verdict.promotion.isPassed, soundly.isPassed),
    ...close('promotion.logERelative', verdict.promotion.logERelative, soundly.relative),
    ...close('promotion.logEAbsolute', verdict.promotion.logEAbsolute, soundly.absolute),
    ...close('promotion.logEToPass', verdict.promotion.logEToPass, soundly.needed),
    ...countFaults(verdict.promotion.goodNeeded, soundly.goodNeeded),
    ...routeFaults(verdict, judge, scene),
    ...same('fault', verdict.fault, scene.fault),
    ...shortfallFaults(verdict, shortfallOf(judge, scene)),
    ...same('requests', flat(verdict.requests), scene.requests),
    ...same('users', flat(verdict.users), scene.users),
  ];
}

function routeFaults({ routes = [] }: Verdict, judge: Judge, scene: Scene): string[] {
  const names = scene.routes.map(({ route }) => route);
  const faults = same(
    'routes',
    routes.map(({ route }) => route),
    names,
  );
  if (faults.length > 0) return faults;
  return routes.flatMap((said, n) => {
    const [errors, sums] = [judge.routes[n] as Errors, scene.routes[n] as RouteSums];
    const at = `routes[${n}]`;
    return [
      ...close(`${at}.logE`, said.logE, errors.logE),
      ...close(`${at}.logERequests`, said.logERequests, errors.requests),
      ...close(`${at}.logEUsers`, said.logEUsers, errors.users),
      ...close(`${at}.logEAbsolute`, said.logEAbsolute, errors.absolute),
      ...same(`${at}.requests`, flat(said.requests), sums.requests),
      ...same(`${at}.users`, flat(said.users), sums.users),
    ];
  });
}

/** Every way in which the rest of a decision is not what its tape says. */
export function certificateFaults(decision: Decision, { terms, judge, scene, facts, evidence }: Derived): string[] {
  const { certificate } = decision;
  const { latencyTolerance, latencyFloorMs } = terms;
  const { policy } = certificate;
  return [
    ...same('id', decision.id, facts.id),
    ...same('at', decision.at, facts.at),
    ...same('route', decision.route, terms.route),
    ...same('service', decision.service, terms.service),
    ...same('canary', decision.canary, terms.canary.version),
    ...same('stable', decision.stable, terms.stable.version),
    ...same('revision', decision.revision, terms.revision),
    ...same('alpha', decision.alpha, judge.policy.alpha),
    ...same('toleratedRatio', decision.toleratedRatio, judge.policy.toleratedRatio),
    ...same('certificate.format', certificate.format, FORMAT),
    ...same('certificate.policy', sorted(policy), sorted({ ...judge.policy, latencyTolerance, latencyFloorMs })),
    ...same('certificate.shadow', certificate.shadow, facts.shadow),
    ...same('certificate.generation', certificate.generation, terms.generation),
    ...same('certificate.limits', sorted(certificate.limits), sorted(scene.limits)),
    ...same('certificate.evidence', sorted(certificate.evidence), sorted(evidence)),
    ...same('weightBefore', decision.weightBefore, facts.weightBefore),
    ...same('weightAfter', decision.weightAfter, facts.weightAfter),
    ...noticeFaults(decision, scene, facts),
    ...wordFaults(decision, facts),
  ];
}

/** Only who is taken out for what it did tells how that was noticed. */
function noticeFaults(decision: Decision, { firstBadAtMs, samples }: Scene, facts: Facts): string[] {
  const { kind, trigger } = decision;
  const isDetected = kind === 'rollback' || kind === 'shadow';
  const detectedInMs = isDetected && firstBadAtMs !== null ? Math.max(0, facts.decidedAtMs - firstBadAtMs) : -1;
  const isTold = !(kind === 'resume' && trigger === 'configuration');
  return [
    ...close('detectedInMs', decision.detectedInMs, detectedInMs),
    ...same('switchedInMs', decision.switchedInMs, isTold ? facts.switchedInMs : 0),
    ...same('sampleRequestIds', decision.sampleRequestIds, isDetected ? samples : []),
  ];
}

/** The sentence speaks of this rollout, and where evidence convicted, of its numbers. */
function wordFaults(decision: Decision, { why }: Facts): string[] {
  const { sentence, route, canary, kind, trigger, verdict, certificate } = decision;
  const { bad, finished } = verdict.requests.canary;
  const slow = verdict.latency.at?.slow.canary;
  const isJudged = trigger === 'evidence' && (kind === 'rollback' || kind === 'shadow');
  const spared = isJudged ? addressesAmong(verdict.errors.spared) : [];
  const words = [`${route}: `, canary, ...(certificate.shadow === null ? [] : [certificate.shadow]), ...spared];
  const faults = words.filter((word) => !sentence.includes(word)).map((word) => `its sentence does not say "${word}"`);
  if (why !== '' && !sentence.endsWith(`; ${why}`)) faults.push(`its sentence does not end with "${why}"`);
  if (!isJudged) return faults;
  const failed = `${bad} of ${finished} requests failed`;
  const took = slow === undefined ? failed : `${slow.bad} of ${slow.finished} requests took over`;
  const there = (verdict.routes ?? []).map(({ route: on, requests: { canary: seen } }) => {
    return `on ${on} ${seen.bad} of ${seen.finished} requests failed`;
  });
  if (![failed, took, ...there].some((words) => sentence.includes(words))) {
    faults.push(`its sentence does not say "${failed}"`);
  }
  return faults;
}

function latencyFaults({ latency }: Verdict, scene: Scene, facts: Facts): string[] {
  const { slowness, limits } = scene;
  const faults = [
    ...close('latency.logE', latency.logE, slowness.logE),
    ...same('latency.isJudged', latency.isJudged, limits !== null),
  ];
  const { at } = latency;
  if (at === null || limits === null) {
    return [...faults, ...same('latency.at', at === null, limits === null)];
  }
  const k = thresholdOf(at.quantile);
  const strongest = Math.max(...limits.stableMs.map((_, n) => slowness.strengthOf(n)));
  if (k === -1 || !isClose(slowness.strengthOf(k), strongest)) {
    return [...faults, `latency.at.quantile is ${at.quantile}, where the evidence is not strongest`];
  }
  return [
    ...faults,
    ...same('latency.at.canaryLimitMs', at.canaryLimitMs, limits.canaryMs[k]),
    ...same('latency.at.stableLimitMs', at.stableLimitMs, limits.stableMs[k]),
    ...same('latency.at.canaryMs', at.canaryMs, facts.canaryMs),
    ...same('latency.at.stableMs', at.stableMs, facts.stableMs),
    ...same('latency.at.slow', flat(at.slow), slowness.seen[k]),
  ];
}

function shortfallFaults({ shortfall }: Verdict, derived: ReturnType<typeof shortfallOf>): string[] {
  const text = (one: typeof shortfall | typeof derived): string =>
    one === null ? 'none' : `${one.seen} of ${one.needed} ${one.of}`;
  return same('shortfall', text(shortfall), text(derived));
}

/** Rounded up from a sum, so that one more or less is the same. */
function countFaults(said: number | null, derived: number | null): string[] {
  const isSame = said === derived || (said !== null && derived !== null && Math.abs(said - derived) <= 1);
  return isSame ? [] : same('promotion.goodNeeded', said, derived);
}

function flat({ canary, stable }: PairCounts): Four {
  return [canary.finished, canary.bad, stable.finished, stable.bad];
}

function same(name: string, said: unknown, derived: unknown): string[] {
  const [a, b] = [JSON.stringify(said), JSON.stringify(derived)];
  return a === b ? [] : [`${name} is ${a}, its evidence says ${b}`];
}

function close(name: string, said: number | null, derived: number | null): string[] {
  return isClose(said, derived) ? [] : [`${name} is ${said}, its evidence says ${derived}`];
}

function isClose(a: number | null, b: number | null): boolean {
  if (a === null || b === null) return a === b;
  return Math.abs(a - b) <= TOLERANCE * Math.max(1, Math.abs(a), Math.abs(b));
}

/** Whether two values mean the same, whatever the order of their keys. */
export function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));
}

/** The same object whatever the order of its keys. */
function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .map(([key, inner]) => [key, sorted(inner)] as const)
      .toSorted(([a], [b]) => (a < b ? -1 : 1)),
  );
}
