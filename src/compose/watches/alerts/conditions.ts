/**
 * What is wrong now, read from every part of the gateway: one condition per thing, with one sentence.
 *
 * | kind | severity | while |
 * |---|---|---|
 * | burn | page, ticket | an alert of an objective fires (docs/slo-files.md) |
 * | budget | ticket | the budget of 28 days is spent |
 * | rollout | ticket | a canary is rolled back, or waits for a person; info: it was promoted |
 * | configuration | ticket | the newest document was refused, or a revision was taken back; page: it could not be |
 * | version | page | it is offline because it drifted; ticket: none of its endpoints passes its check |
 * | source | ticket | it has not confirmed what it holds for STALE_MS, and its last question failed |
 * | saturation | page | the process, or a thread, refuses connections |
 * | certificate | ticket | it cannot be used, or expires within EXPIRES_MS; page: a listener is shut |
 * | state | ticket | nothing can be written |
 *
 * Pure. What a gateway of a fleet sees is its own, but for rollouts: the gateway that leads one tells of it.
 */

import type { Problem } from '../../../model/problem.ts';
import { formatProblem } from '../../../model/problem.ts';
import type { RolloutState, SavedRollout } from '../../../model/rollout.ts';
import type { DriftStanding } from '../../../model/slo.ts';
import type { ConfigStatus, SourceStatus } from '../../../model/status.ts';
import type { FleetRole } from '../../../model/threads/fleet.ts';
import type { Condition, ObjectiveTrouble, ObjectiveTroubles, Severity } from '../../../model/threads/load/alerts.ts';
import type { SaturationStatus } from '../../../model/threads/load/saturation.ts';
import type { RouteSamples } from '../../../model/threads/requests/samples.ts';
import type { RevisionsStatus } from '../../../model/threads/revision.ts';
import type { StateStatus } from '../../../model/threads/state.ts';
import type { TlsStatus } from '../../../model/threads/tls.ts';

export const STALE_MS = 60_000;
export const EXPIRES_MS = 7 * 86_400_000;
/** So long a promotion is news. */
export const PROMOTED_MS = 3_600_000;
/** Requests that an alert of an objective names. */
const REQUESTS_SAID = 2;
const HOUR_MS = 3_600_000;

/** A rollout as it stands. */
export interface RolloutReading {
  readonly route: string;
  readonly service: string;
  readonly canary: string;
  readonly generation: string;
  readonly state: RolloutState;
  /** What it was last moved by; null: nothing yet. */
  readonly decision: SavedRollout['decision'];
  readonly role: FleetRole;
}

/** What is looked at. */
export interface Readings {
  readonly nowMs: number;
  /** What names this gateway, and all that decide with it; the same without a fleet. */
  readonly gateway: string;
  readonly fleet: string;
  readonly objectives: ObjectiveTroubles;
  /** The newest requests of a route that missed its objectives; null: none. */
  readonly missed: (route: string) => RouteSamples | null;
  readonly rollouts: readonly RolloutReading[];
  readonly config: ConfigStatus['last'];
  readonly revisions: Pick<RevisionsStatus, 'pin' | 'notReverted' | 'staleStart'>;
  /** By `route/service/version`. */
  readonly drifts: ReadonlyMap<string, DriftStanding>;
  /** `service/version`. */
  readonly down: ReadonlySet<string>;
  readonly sources: readonly Pick<SourceStatus, 'name' | 'staleMs' | 'failures' | 'lastError'>[];
  readonly saturation: Pick<SaturationStatus, 'grade' | 'because'>;
  readonly tls: Pick<TlsStatus, 'listeners' | 'upstreamsFailed'>;
  readonly state: Pick<StateStatus, 'kind' | 'directory' | 'because'>;
}

/** Everything that is wrong now. */
export function conditionsOf(readings: Readings): Condition[] {
  const own = [
    ...readings.objectives.found.map((trouble) => ofObjective(trouble, readings)),
    ...ofMany(readings.objectives),
    ...ofConfiguration(readings),
    ...ofVersions(readings),
    ...ofProcess(readings),
    ...ofCertificates(readings.tls),
  ].map((condition) => ({ ...condition, key: `${readings.gateway} ${condition.key}` }));
  return [...own, ...readings.rollouts.flatMap((rollout) => ofRollout(rollout, readings))];
}

const NOWHERE = { route: '', service: '', isElsewhere: false };

function ofObjective(trouble: ObjectiveTrouble, { missed }: Readings): Condition {
  const { kind, scope, name, severity, key } = trouble;
  const route = scope === 'route' ? name : '';
  const service = scope === 'service' ? name : '';
  const sentence = `${trouble.sentence}${requestsText(trouble, route === '' ? null : missed(route))}`;
  return { kind, severity, key: `${kind} ${key} ${severity}`, route, service, sentence, isElsewhere: false };
}

/** Requests to look up: what is late misses an objective about latency first. */
function requestsText({ indicator }: ObjectiveTrouble, samples: RouteSamples | null): string {
  const { bad = [], slow = [] } = samples ?? {};
  const newest = (indicator === 'latency' ? [...slow, ...bad] : bad).slice(0, REQUESTS_SAID);
  return newest.length === 0 ? '' : `; requests ${newest.map(({ requestId }) => requestId).join(', ')}`;
}

function ofMany({ found, unsaid }: ObjectiveTroubles): Condition[] {
  if (unsaid === 0) return [];
  const sentence = `more than ${found.length} alerts of objectives: those beyond are not told one by one`;
  return [{ ...NOWHERE, kind: 'burn', severity: 'page', key: 'burn of many', sentence }];
}

function ofRollout(rollout: RolloutReading, { nowMs, fleet }: Readings): Condition[] {
  const { route, service, canary, generation, state, decision, role } = rollout;
  const said = (severity: Severity, what: string, sentence: string): Condition[] => {
    const key = `${fleet} rollout ${route} ${generation} ${what}`;
    return [{ kind: 'rollout', severity, key, route, service, sentence, isElsewhere: role === 'follower' }];
  };
  if (state.kind === 'rolled-back') {
    return said('ticket', 'rolled back', decision?.sentence ?? `${route}: ${canary} was rolled back`);
  }
  if (state.kind === 'paused' && state.by !== 'person') {
    return said('ticket', 'paused', `${route}: the rollout of ${canary} waits for a person: ${state.because}`);
  }
  if (state.kind === 'succeeded' && nowMs - state.sinceMs < PROMOTED_MS) {
    return said('info', 'promoted', `${route}: ${canary} was promoted: it has all traffic`);
  }
  return [];
}

function ofConfiguration({ config, revisions: { pin, notReverted, staleStart } }: Readings): Condition[] {
  const conditions: Condition[] = [];
  const kind = 'configuration';
  if (config.result === 'refused') {
    const sentence = `the newest configuration was refused and the one before stays: ${problemsOf(config.problems)}`;
    conditions.push({ ...NOWHERE, kind, severity: 'ticket', key: 'configuration refused', sentence });
  }
  if (pin?.by === 'sluice') {
    const sentence = `the configuration was reverted to revision ${pin.to}: ${pin.reason}`;
    conditions.push({ ...NOWHERE, kind, severity: 'ticket', key: `configuration reverted ${pin.from}`, sentence });
  }
  if (notReverted !== null) {
    const sentence = `the configuration in force could not be reverted (${notReverted.because}): ${notReverted.sentence}`;
    conditions.push({ ...NOWHERE, kind, severity: 'page', key: 'configuration not reverted', sentence });
  }
  if (staleStart !== null) {
    const { number, confirmedAt } = staleStart;
    const sentence = `started with revision ${number}, which the sources confirmed last at ${confirmedAt}, as they did not answer`;
    conditions.push({ ...NOWHERE, kind, severity: 'ticket', key: 'configuration stale', sentence });
  }
  return conditions;
}

function problemsOf(problems: readonly Problem[]): string {
  const [first] = problems;
  if (first === undefined) return 'it could not be read';
  return `${problems.length} problem(s), first ${formatProblem(first)}`;
}

function ofVersions({ drifts, down }: Readings): Condition[] {
  const offline = [...drifts].flatMap(([key, { kind, sentence }]): Condition[] => {
    if (kind !== 'offline') return [];
    const [route = '', service = ''] = key.split('/');
    return [
      {
        kind: 'version',
        severity: 'page',
        key: `version offline ${key}`,
        route,
        service,
        sentence,
        isElsewhere: false,
      },
    ];
  });
  const unhealthy = [...down].map((key): Condition => {
    const [service = ''] = key.split('/');
    const sentence = `${key}: none of its endpoints passes its health check`;
    return { ...NOWHERE, kind: 'version', severity: 'ticket', key: `version down ${key}`, service, sentence };
  });
  return [...offline, ...unhealthy];
}

function ofProcess({ gateway, sources, saturation, state }: Readings): Condition[] {
  const conditions = sources.flatMap(({ name, staleMs, failures, lastError }): Condition[] => {
    if (failures === 0 || staleMs < STALE_MS) return [];
    const sentence = `source ${name} has confirmed nothing for ${Math.floor(staleMs / 1000)} s: ${lastError}`;
    return [{ ...NOWHERE, kind: 'source', severity: 'ticket', key: `source ${name}`, sentence }];
  });
  if (saturation.grade === 'refusing') {
    const sentence = `${gateway} refuses connections: ${saturation.because}`;
    conditions.push({ ...NOWHERE, kind: 'saturation', severity: 'page', key: 'saturation', sentence });
  }
  if (state.kind === 'unavailable') {
    const sentence = `the state in ${state.directory} cannot be written, and is in memory only: ${state.because}`;
    conditions.push({ ...NOWHERE, kind: 'state', severity: 'ticket', key: 'state', sentence });
  }
  return conditions;
}

function ofCertificates({ listeners, upstreamsFailed }: Readings['tls']): Condition[] {
  const kind = 'certificate';
  const ofListeners = listeners.flatMap(({ address, state, because, certificates }): Condition[] => {
    const told: Condition[] = [];
    if (state !== 'serving') {
      const severity = state === 'shut' ? 'page' : 'ticket';
      const what = state === 'shut' ? 'nobody can connect' : 'what its files held before is used';
      const sentence = `listener ${address}: ${what}: ${because}`;
      told.push({ ...NOWHERE, kind, severity, key: `certificate ${address} ${state}`, sentence });
    }
    const stale = certificates.find(({ staple }) => staple !== null && staple.because !== '');
    if (stale !== undefined) {
      const whose = stale.names.slice(0, 3).join(', ');
      const sentence = `listener ${address}: no OCSP response is stapled for ${whose}, but there is ${stale.staple?.because}`;
      told.push({ ...NOWHERE, kind, severity: 'ticket', key: `certificate ${address} ocsp`, sentence });
    }
    const [next] = certificates.filter(({ expiresInMs }) => expiresInMs < EXPIRES_MS);
    if (next === undefined) return told;
    const when = next.expiresInMs <= 0 ? 'has expired' : `expires in ${Math.floor(next.expiresInMs / HOUR_MS)} h`;
    const sentence = `listener ${address}: the certificate of ${next.names.slice(0, 3).join(', ')} ${when}`;
    return [...told, { ...NOWHERE, kind, severity: 'ticket', key: `certificate ${address} expires`, sentence }];
  });
  const ofUpstreams = upstreamsFailed.map((because): Condition => {
    return { ...NOWHERE, kind, severity: 'ticket', key: `certificate ${because}`, sentence: because };
  });
  return [...ofListeners, ...ofUpstreams];
}
