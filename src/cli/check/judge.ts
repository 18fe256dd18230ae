/**
 * Judges what a gateway's status says of a version that is to get users: is it there, is it well, what was measured.
 *
 * ```
 * gateway    it is ready, and the newest configuration is in force
 * version    the route has it; it was not rolled back
 * endpoints  it has some, all are up or tried out, and no breaker has given it up
 * sli        something was counted of it; errors are within the limit; no objective of the route forbids a release
 * ```
 */

import { similarTo } from '../../lib/text/similar.ts';
import { formatProblem } from '../../model/problem.ts';
import type { RolloutStatus, RouteStatus, SloStatus, Status, VersionStatus } from '../../model/status.ts';
import { didYouMean } from '../args.ts';
import { budgetChecks, objectivesOf } from '../gate/judge.ts';
import type { Outcome, SliCounts, SliSnapshot } from './report.ts';

/** Which version of which route is meant. */
export interface SubjectWish {
  readonly route: string;
  /** Null: whichever of the route's services has the version. */
  readonly service: string | null;
  /** Null: the canary of the route's rollout. */
  readonly version: string | null;
}

/** The version, and the route that it is on. */
export interface Subject {
  readonly route: RouteStatus;
  readonly version: VersionStatus;
}

/** Whether the gateway can be relied on for the rest. @param readiness lines of `/readyz?verbose` */
export function gatewayOutcome(status: Status, readiness: readonly string[]): Outcome<Status> {
  const { ready, notReadyBecause, config, workers, revisions } = status;
  const facts = [...readiness, ...(revisions.difference === '' ? [] : [revisions.difference])];
  if (!ready) return { isOk: false, sentence: `it is not ready: ${notReadyBecause}`, facts };
  if (config.last.result === 'refused') {
    const [first] = config.last.problems;
    const why = first === undefined ? '' : `: ${formatProblem(first)}`;
    return { isOk: false, sentence: `it refused the newest configuration${why}`, facts };
  }
  const serving = workers.filter(({ state }) => state === 'serving').length;
  const sentence = `ready, ${serving} of ${workers.length} workers serve, revision ${revisions.number}`;
  return { isOk: true, sentence, facts, value: status };
}

/** The version that is meant, where the gateway has it. */
export function versionOutcome(status: Status, wish: SubjectWish): Outcome<Subject> {
  const route = status.routes.find(({ name }) => name === wish.route);
  if (route === undefined) {
    const names = status.routes.map(({ name }) => name);
    return { isOk: false, sentence: `there is no route ${wish.route}${didYouMean(similarTo(wish.route, names))}` };
  }
  const leading = status.routes.find(({ rollout }) => rollout?.routes?.includes(route.name) === true);
  const rollout = route.rollout ?? leading?.rollout ?? null;
  const name = wish.version ?? rollout?.canary;
  if (name === undefined) {
    return { isOk: false, sentence: `route ${route.name} has no rollout that names a canary: say --version` };
  }
  const found = route.versions.filter(
    ({ service, version }) => version === name && (wish.service === null || service === wish.service),
  );
  const [version] = found;
  if (version === undefined) {
    const hint = didYouMean(similarTo(name, [...new Set(route.versions.map((one) => one.version))]));
    return { isOk: false, sentence: `route ${route.name} has no version ${name}${hint}`, facts: versionNames(route) };
  }
  if (found.length > 1) {
    const sentence = `${found.length} services of route ${route.name} have a version ${name}: say --service`;
    return { isOk: false, sentence, facts: versionNames(route) };
  }
  return standingOf({ route, version }, rollout);
}

function versionNames({ versions }: RouteStatus): string[] {
  return versions.map(({ service, version, weight }) => `${service} ${version}, weight ${weight}`);
}

function standingOf({ route, version }: Subject, rollout: RolloutStatus | null): Outcome<Subject> {
  if (rollout?.canary === version.version && rollout.state === 'rolled-back') {
    return { isOk: false, sentence: `it was rolled back: ${rollout.sentence}` };
  }
  const why = version.weightBecause === '' ? '' : `: ${version.weightBecause}`;
  const sentence = `${version.service} ${version.version} has weight ${version.weight}${why}`;
  return { isOk: true, sentence, facts: versionNames(route), value: { route, version } };
}

/** How its endpoints stand, as the gateway sees them. */
export function endpointsOutcome({ endpoints, breaker }: VersionStatus): Outcome<true> {
  const facts = endpoints.map(({ address, state, because }) =>
    because === '' ? `${address} ${state}` : `${address} ${state}: ${because}`,
  );
  if (endpoints.length === 0) return { isOk: false, sentence: 'it has no endpoint' };
  // One that is half-open waits for requests, and where nobody is sent these are to come.
  const halfOpen = endpoints.filter(({ state }) => state === 'half-open').length;
  const down = endpoints.filter(({ state }) => state !== 'up' && state !== 'half-open');
  if (down.length > 0) {
    return { isOk: false, sentence: `${down.length} of ${endpoints.length} endpoints are not up`, facts };
  }
  const open = breaker?.open ?? 0;
  if (open > 0) return { isOk: false, sentence: `${open} workers leave it alone, because it failed`, facts };
  const rest = halfOpen === 0 ? '' : `, ${halfOpen} tried out by the next requests`;
  const sentence = `${endpoints.length - halfOpen} of ${endpoints.length} are up${rest}`;
  return { isOk: true, sentence, facts, value: true };
}

/** The indicators of the version and of those beside it. */
export function snapshotOf({ route, version }: Subject): SliSnapshot {
  return {
    version: countsOf(version),
    others: route.versions
      .filter((one) => one.service !== version.service || one.version !== version.version)
      .map(countsOf),
  };
}

function countsOf(version: VersionStatus): SliCounts {
  const { service, version: name, weight, requests, bad, ignored, slow, errorRatio, p50Ms, p90Ms, p99Ms } = version;
  return { service, version: name, weight, requests, bad, ignored, slow, errorRatio, p50Ms, p90Ms, p99Ms };
}

/** Whether what was measured allows a release. @param errorRatioMax of the version since the gateway's start; null: any */
export function sliOutcome(
  { version }: SliSnapshot,
  slos: readonly SloStatus[],
  errorRatioMax: number | null,
): Outcome<true> {
  const facts = [countsText(version)];
  if (version.errorRatio === null) return { isOk: false, sentence: 'nothing was counted of it yet', facts };
  if (errorRatioMax !== null && version.errorRatio > errorRatioMax) {
    const sentence = `${percent(version.errorRatio)} of its requests were bad, more than ${percent(errorRatioMax)}`;
    return { isOk: false, sentence, facts };
  }
  // Nothing counted of an objective is nothing against a release: a route may get its first requests by it.
  const against = budgetChecks(slos, Number.NEGATIVE_INFINITY).find(({ state }) => state === 'fail');
  if (against !== undefined) return { isOk: false, sentence: against.sentence, facts };
  return { isOk: true, sentence: countsText(version), facts, value: true };
}

/** Objectives of the route and of the version's service. */
export function objectivesAbout(status: Status, { route, version }: Subject): SloStatus[] {
  return objectivesOf(status, [route.name]).filter(
    ({ scope, name }) => scope !== 'service' || name === version.service,
  );
}

function countsText({ requests, bad, slow, p50Ms, p99Ms }: SliCounts): string {
  const latency = p50Ms === null || p99Ms === null ? '' : `, p50 ${ms(p50Ms)}, p99 ${ms(p99Ms)}`;
  return `${requests} requests, ${bad} bad, ${slow} slow${latency}`;
}

function ms(value: number): string {
  return `${Number(value.toPrecision(3))} ms`;
}

function percent(ratio: number): string {
  return `${Number((ratio * 100).toPrecision(3))} %`;
}
