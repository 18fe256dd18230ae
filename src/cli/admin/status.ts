/**
 * `sluice status`: what a running gateway is doing, as a table or as JSON.
 */

import { similarTo } from '../../lib/text/similar.ts';
import { visible } from '../../lib/text/visible.ts';
import { SluiceError } from '../../model/problem.ts';
import type {
  RolloutStatus,
  RouteStatus,
  SourceStatus,
  Status,
  TrafficStatus,
  VersionStatus,
  WeightsStatus,
} from '../../model/status.ts';
import type { ListenerTlsStatus } from '../../model/threads/tls.ts';
import { didYouMean, readArgs, readChoice, readNumber } from '../args.ts';
import { type CliDeps, type Command, EXIT } from '../deps.ts';
import { mirrorLines } from '../live/diff.ts';
import { factsOf } from '../live/facts.ts';
import { watchStatus } from '../live/watch.ts';
import { alertLines } from '../notify.ts';
import { adminOf, asking, refuse } from './ask/asking.ts';
import { DEFAULT_ADMIN, fetchStatus } from './ask/client.ts';
import { faultLines } from './faults.ts';
import { fleetLines } from './fleet-lines.ts';
import { rolloutLines } from './rollout.ts';
import { sloLines } from './slo-lines.ts';
import { table } from './table.ts';

const EVERY_S = 1;
const EVERY_S_RANGE = [0.1, 3600] as const;

const USAGE = `sluice status [ROUTE] [--watch [--every S]] [--admin URL] [-o json]

Shows configuration, workers, routes, versions and rollouts of a running gateway.

  ROUTE                only this route and its objectives
  -w, --watch          go on until it is interrupted: on a terminal in one place, elsewhere a line for what changes
  --every S            seconds from one look to the next; default ${EVERY_S}
  --admin URL          its admin server; default $SLUICE_ADMIN, else ${DEFAULT_ADMIN}
  -o, --output FORMAT  text, json; default text
  -h, --help           this text

Exit codes: 0 ready, 1 not ready, or no such route, 2 wrong usage, 3 cannot reach the admin server, 130 interrupted.
`;

const DAY_MS = 86_400_000;

const OPTIONS = {
  watch: { type: 'boolean', short: 'w' },
  every: { type: 'string' },
  admin: { type: 'string' },
  output: { type: 'string', short: 'o' },
} as const;

/** The command `status`. */
export const statusCommand: Command = { usage: USAGE, run };

async function run(argv: readonly string[], deps: CliDeps): Promise<number> {
  const { values, positionals } = readArgs(argv, OPTIONS, 1);
  const isJson = readChoice('--output', values.output, ['text', 'json']) === 'json';
  const everyMs = readNumber('--every', values.every, EVERY_S, EVERY_S_RANGE) * 1000;
  const [name = null] = positionals;
  if (values.watch === true) {
    return watchStatus(
      {
        ...{ adminUrl: adminOf(values.admin, deps), everyMs, isJson },
        missing: (status) => missing(status, name),
        lines: (status) => linesOf(status, name),
        facts: (status) => factsOf(status, name),
        part: (status) => partOf(status, name),
      },
      deps,
    );
  }
  if (values.every !== undefined) throw new SluiceError('SLU_USAGE', '--every goes with --watch');
  const asked = await asking(adminOf(values.admin, deps), deps, fetchStatus);
  if ('exit' in asked) return asked.exit;
  const { answer: status } = asked;
  const unknown = missing(status, name);
  if (unknown !== '') return refuse(unknown, deps);
  const text = isJson ? JSON.stringify(partOf(status, name), null, 2) : linesOf(status, name).map(visible).join('\n');
  deps.stdout.write(`${text}\n`);
  return status.ready ? EXIT.ok : EXIT.failed;
}

/** What is wrong with the name of a route; empty: nothing. */
function missing({ routes }: Status, name: string | null): string {
  const names = routes.map((route) => route.name);
  if (name === null || names.includes(name)) return '';
  return `there is no route ${name}${didYouMean(similarTo(name, names))}`;
}

/** All of it, or one route with its objectives. */
export function linesOf(status: Status, name: string | null): readonly string[] {
  if (name === null) return statusLines(status);
  const routes = status.routes.filter((route) => route.name === name);
  const slos = status.slos.filter((slo) => slo.scope === 'route' && slo.name === name);
  return [...routes.flatMap(routeLines).slice(1), ...sloLines(slos)];
}

function partOf(status: Status, name: string | null): unknown {
  if (name === null) return status;
  const slos = status.slos.filter((slo) => slo.scope === 'route' && slo.name === name);
  return { route: status.routes.find((one) => one.name === name), slos };
}

/** The table, ending in a newline. */
export function formatStatus(status: Status): string {
  return `${statusLines(status).map(visible).join('\n')}\n`;
}

function statusLines(status: Status): string[] {
  const { config, workers, saturation, state } = status;
  const serving = workers.filter((worker) => worker.state === 'serving').length;
  const { accepted, refused } = config.reloads;
  const head = [
    `sluice ${status.version}  ${status.ready ? 'ready' : `not ready: ${status.notReadyBecause}`}  up ${formatUptime(status.uptimeMs)}`,
    ...status.listeners.map((url) => `proxy    ${url}`),
    ...status.tls.listeners.map(tlsLine),
    ...status.tls.upstreamsFailed.map((because) => `tls      ${because}`),
    `config   ${config.file} #${config.hash.slice(0, 8)}  revision ${status.revisions.number}  ${accepted} reloads accepted, ${refused} refused`,
    ...(config.last.result === 'refused'
      ? [`         the newest was refused: ${config.last.problems.length} problems`]
      : []),
    ...(status.revisions.difference === '' ? [] : [`         ${status.revisions.difference}`]),
    ...notReverted(status.revisions),
    ...signatureLines(status),
    ...status.sources.map(sourceLine),
    `workers  ${serving} of ${workers.length} serving`,
    ...(saturation.because === ''
      ? []
      : [`LIMITS   ${saturation.grade}${saturation.acts ? '' : ', only observed'}: ${saturation.because}`]),
    ...faultLines(status.faults),
    ...defectLines(status),
    ...(state.kind === 'unavailable'
      ? [`state    in memory only, ${state.rowsPending} rows wait: ${state.because}`]
      : []),
    ...fleetLines(status.fleet),
    ...keyLines(status),
    ...alertLines(status.alerts),
    ...traceLines(status),
    ...mirrorLines(status.mirrors),
  ];
  return [...head, ...status.routes.flatMap(routeLines), ...sloLines(status.slos)];
}

/** The newest of each kind; the log has all of it. */
function defectLines({ defects }: Status): string[] {
  return defects.kinds.map(({ code, part, about, kind, count }) => {
    const whose = about === '' ? part : `${part} ${about}`;
    return `DEFECT   ${code} in ${whose}, ${count} times: ${kind}`;
  });
}

/** Only while answers that should be shared are not. */
function keyLines({ idempotency }: Status): string[] {
  return idempotency === null || idempotency.because === ''
    ? []
    : [`KEYS     idempotency keys are not shared with the fleet: ${idempotency.because}`];
}

/** Only while spans are lost. */
function traceLines({ tracing }: Status): string[] {
  return tracing === null || tracing.because === ''
    ? []
    : [`TRACES   the collector does not take them: ${tracing.because}`];
}

/** Only where documents are verified. */
function signatureLines({ signatures }: Status): string[] {
  if (signatures === null) return [];
  const { documents, keys, because, isWaiting, refused } = signatures;
  const counts = Object.entries(refused).filter(([, count]) => count > 0);
  const told = counts.map(([why, count]) => `  ${count} refused: ${why}`).join('');
  const waits = isWaiting ? '  a document waits for its signature' : '';
  const stays = because === '' ? '' : `  as before: ${because}`;
  return [`signed   ${documents} documents, keys ${keys.join(', ')}${stays}${told}${waits}`];
}

/** The certificate that ends first is told, and what is wrong with the files. */
function tlsLine({ address, state, because, certificates }: ListenerTlsStatus): string {
  const leftMs = Math.min(...certificates.map(({ expiresInMs }) => expiresInMs));
  const end = Number.isFinite(leftMs) ? `  ${leftMs < 0 ? 'expired' : `${Math.floor(leftMs / DAY_MS)} days left`}` : '';
  const stale = certificates.flatMap(({ staple }, n) => {
    return staple === null || staple.because === '' ? [] : `  OCSP response ${n} not stapled: ${staple.because}`;
  });
  const wrong = because === '' ? '' : `  ${because}`;
  return `tls      ${address}  ${state}  ${certificates.length} certificates${end}${stale.join('')}${wrong}`;
}

/** Only of a configuration that should not be in force. */
function notReverted({ notReverted: failed }: Status['revisions']): string[] {
  return failed === null ? [] : [`         not reverted: ${failed.because}`, `         ${failed.sentence}`];
}

/** Only what needs attention is told beside the state. */
function sourceLine({
  name,
  state,
  pieces,
  staleMs,
  staleStart,
  confirmedAt,
  lastError,
  shrink,
}: SourceStatus): string {
  const loss = shrink === null ? '' : `  a sudden loss to ${shrink.pieces} is not believed`;
  const error = lastError === '' ? '' : `  ${lastError}`;
  const confirmed = `confirmed ${formatUptime(staleMs)} ago`;
  const since = shrink === null ? 'no answer since the start' : 'not confirmed since the start';
  const silent = `${since}${staleStart === null ? '' : `, ${confirmed} to the process before`}`;
  return `source   ${name}  ${state}  ${pieces} documents  ${confirmedAt === '' ? silent : confirmed}${loss}${error}`;
}

function routeLines(route: RouteStatus): string[] {
  const header = ['', 'weight', 'set', 'share', 'requests', 'bad', 'errors', 'p50', 'p99'];
  const rows = [header, ...route.versions.map(versionRow)];
  const verdict = route.rollout === null ? [] : rolloutSummary(route.rollout);
  const weights = route.versions
    .filter(({ weightBecause }) => weightBecause !== '')
    .map((version) => weightLine(version, route.rollout?.sentence ?? ''));
  const title = `route ${route.name}  ${route.requests} requests, ${formatRatio(route.errorRatio)} errors`;
  const origin = route.weights === null ? [] : [`  ${originText(route.weights)}`];
  const again = route.versions.flatMap((version) => [...retryLines(version), ...rescueLines(version)]);
  return [
    '',
    title,
    ...table(rows, 'right').map((line) => `  ${line}`),
    ...origin,
    ...verdict,
    ...again,
    ...fallbackLines(route),
    ...weights,
    ...limitLines(route),
    ...route.versions.flatMap(breakerLines),
    ...route.versions.flatMap(({ downstream }) => (downstream?.sentence ? [`  ${downstream.sentence}`] : [])),
    ...endpointLines(route),
  ];
}

/** `weights from consul sluice/weights/shop, revision 17: evening peak` */
export function originText({ document, revision, reason }: WeightsStatus): string {
  return `weights from ${document}, revision ${revision}${reason === '' ? '' : `: ${reason}`}`;
}

function rolloutSummary(rollout: RolloutStatus): string[] {
  return [`  ${rollout.state}: ${rollout.sentence}`, ...rolloutLines(rollout).map((line) => `    ${line}`)];
}

/** Nothing where nothing went wrong. */
function rescueLines({ service, version, rescued }: VersionStatus): string[] {
  if (rescued === null) return [];
  const { good, bad, ignored, skipped } = rescued;
  const made = good + bad + ignored;
  if (made + skipped === 0) return [];
  return [`  ${service} ${version}: ${made} failures rescued, ${bad} of them in vain, ${skipped} not rescued`];
}

/** Only where attempts were made again, or were not for want of budget. */
function retryLines({ service, version, retries: { made, hedged, skipped } }: VersionStatus): string[] {
  if (made + hedged + skipped === 0) return [];
  return [
    `  ${service} ${version}: ${made} retries, ${hedged} hedges, ${skipped} not made as the retry budget was empty`,
  ];
}

/** Only where something fell back. */
function fallbackLines({ fallbacks }: RouteStatus): string[] {
  if (fallbacks === null) return [];
  const { stale, service, static: fixed } = fallbacks;
  if (stale + service + fixed === 0) return [];
  return [`  fell back: ${stale} to kept answers, ${service} to another version, ${fixed} to a fixed answer`];
}

/** @param told what the rollout says, which is above */
function weightLine({ service, version, weight, weightBecause }: VersionStatus, told: string): string {
  return `  ${service} ${version} has weight ${weight}: ${weightBecause === told ? 'as the rollout says' : weightBecause}`;
}

/** Only of versions at which requests wait, or were refused. */
function limitLines({ versions }: RouteStatus): string[] {
  return versions.flatMap(({ service, version, admission }) => {
    if (admission === null) return [];
    const refused = Object.entries(admission.shed).filter(([, count]) => count > 0);
    if (refused.length === 0 && admission.queued === 0) return [];
    const shed = refused.map(([priority, count]) => `${count} ${priority}`).join(', ') || 'none';
    const { inFlight, limit, queued, order } = admission;
    const line = `  ${service} ${version} has ${inFlight} of ${limit} requests under way, ${queued} wait; refused: ${shed}`;
    return order === '' ? [line] : [line, `    ${order}`];
  });
}

/** Only of versions that workers leave alone, or try out. */
function breakerLines({ service, version, breaker }: VersionStatus): string[] {
  if (breaker === null || breaker.open + breaker.halfOpen === 0) return [];
  const { open, halfOpen } = breaker;
  return [`  ${service} ${version} has failed: ${open} workers leave it alone, ${halfOpen} try it out`];
}

/** Only what needs attention: an endpoint that has its full share is not listed. */
function endpointLines({ versions }: RouteStatus): string[] {
  return versions.flatMap(({ service, version, endpoints }) =>
    endpoints
      .filter(({ state }) => state !== 'up')
      .map(({ address, state, because }) => `  ${service} ${version} ${address} ${state}: ${because}`),
  );
}

function versionRow(version: VersionStatus): string[] {
  const name = `${version.service} ${version.version}`;
  const counts = [String(version.requests), String(version.bad), formatRatio(version.errorRatio)];
  const dials = [String(version.weight), String(version.weightConfigured), formatRatio(version.shareRatio)];
  return [name, ...dials, ...counts, ...latencies(version)];
}

function latencies({ p50Ms, p99Ms }: TrafficStatus): string[] {
  return [p50Ms, p99Ms].map((ms) => (ms === null ? '-' : `${ms.toPrecision(3)} ms`));
}

/** `1.2 %`; `-` where nothing was counted. */
function formatRatio(ratio: number | null): string {
  return ratio === null ? '-' : `${Number((ratio * 100).toPrecision(3))} %`;
}

function formatUptime(uptimeMs: number): string {
  const seconds = Math.floor(uptimeMs / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
