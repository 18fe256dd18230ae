/**
 * `sluice status`: what a running gateway is doing, as a table or as JSON.
 */

import type {
  RolloutStatus,
  RouteStatus,
  SourceStatus,
  Status,
  TrafficStatus,
  VersionStatus,
  WeightsStatus,
} from '../../model/status.ts';
import { readArgs, readChoice } from '../args.ts';
import { type CliDeps, type Command, EXIT } from '../deps.ts';
import { DEFAULT_ADMIN, fetchStatus, reasonOf } from './client.ts';
import { fleetLines } from './fleet-lines.ts';
import { rolloutLines } from './rollout.ts';
import { sloLines } from './slo-lines.ts';

const USAGE = `sluice status [--admin URL] [-o json]

Shows configuration, workers, routes, versions and rollouts of a running gateway.

  --admin URL          its admin server; default $SLUICE_ADMIN, else ${DEFAULT_ADMIN}
  -o, --output FORMAT  text, json; default text
  -h, --help           this text

Exit codes: 0 ready, 1 not ready, 2 wrong usage, 3 cannot reach the admin server.
`;

const OPTIONS = { admin: { type: 'string' }, output: { type: 'string', short: 'o' } } as const;

/** The command `status`. */
export const statusCommand: Command = { name: 'status', about: 'show a running gateway', usage: USAGE, run };

async function run(argv: readonly string[], deps: CliDeps): Promise<number> {
  const { values } = readArgs(argv, OPTIONS);
  const format = readChoice('--output', values.output, ['text', 'json']);
  const adminUrl = values.admin ?? deps.env['SLUICE_ADMIN'] ?? DEFAULT_ADMIN;
  let status: Status;
  try {
    status = await fetchStatus(adminUrl);
  } catch (error) {
    deps.stderr.write(`sluice: cannot reach the admin server at ${adminUrl}: ${reasonOf(error)}\n`);
    return EXIT.unreachable;
  }
  deps.stdout.write(format === 'json' ? `${JSON.stringify(status, null, 2)}\n` : formatStatus(status));
  return status.ready ? EXIT.ok : EXIT.failed;
}

/** The table, ending in a newline. */
export function formatStatus(status: Status): string {
  const { config, workers, state } = status;
  const serving = workers.filter((worker) => worker.state === 'serving').length;
  const { accepted, refused } = config.reloads;
  const head = [
    `sluice ${status.version}  ${status.ready ? 'ready' : `not ready: ${status.notReadyBecause}`}  up ${formatUptime(status.uptimeMs)}`,
    `proxy    ${status.proxyUrl}`,
    `config   ${config.file} #${config.hash.slice(0, 8)}  revision ${config.revision}  ${accepted} reloads accepted, ${refused} refused`,
    ...(config.last.result === 'refused'
      ? [`         the newest was refused: ${config.last.problems.length} problems`]
      : []),
    ...(status.revisions.difference === '' ? [] : [`         ${status.revisions.difference}`]),
    ...status.sources.map(sourceLine),
    `workers  ${serving} of ${workers.length} serving`,
    ...(state.kind === 'unavailable'
      ? [`state    in memory only, ${state.rowsPending} rows wait: ${state.because}`]
      : []),
    ...fleetLines(status.fleet),
  ];
  return `${[...head, ...status.routes.flatMap(routeLines), ...sloLines(status.slos)].join('\n')}\n`;
}

/** Only what needs attention is told beside the state. */
function sourceLine({ name, state, pieces, staleMs, lastError, shrink }: SourceStatus): string {
  const loss = shrink === null ? '' : `  a sudden loss to ${shrink.pieces} is not believed`;
  const error = lastError === '' ? '' : `  ${lastError}`;
  return `source   ${name}  ${state}  ${pieces} documents  confirmed ${formatUptime(staleMs)} ago${loss}${error}`;
}

function routeLines(route: RouteStatus): string[] {
  const header = ['', 'weight', 'set', 'share', 'requests', 'bad', 'errors', 'p50', 'p99'];
  const rows = [header, ...route.versions.map(versionRow)];
  const widths = header.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  const table = rows.map((row) => row.map((cell, column) => pad(cell, widths[column] ?? 0, column === 0)).join('  '));
  const verdict = route.rollout === null ? [] : rolloutSummary(route.rollout);
  const weights = route.versions.filter(({ weightBecause }) => weightBecause !== '').map(weightLine);
  const title = `route ${route.name}  ${route.requests} requests, ${formatRatio(route.errorRatio)} errors`;
  const origin = route.weights === null ? [] : [`  ${originText(route.weights)}`];
  const rescues = route.versions.flatMap(rescueLines);
  return [
    '',
    title,
    ...table.map((line) => `  ${line}`),
    ...origin,
    ...verdict,
    ...rescues,
    ...weights,
    ...limitLines(route),
    ...route.versions.flatMap(breakerLines),
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

function weightLine({ service, version, weight, weightBecause }: VersionStatus): string {
  return `  ${service} ${version} has weight ${weight}: ${weightBecause}`;
}

/** Only of versions at which requests wait, or were refused. */
function limitLines({ versions }: RouteStatus): string[] {
  return versions.flatMap(({ service, version, admission }) => {
    if (admission === null) return [];
    const refused = Object.entries(admission.shed).filter(([, count]) => count > 0);
    if (refused.length === 0 && admission.queued === 0) return [];
    const shed = refused.map(([priority, count]) => `${count} ${priority}`).join(', ') || 'none';
    const { inFlight, limit, queued } = admission;
    return [`  ${service} ${version} has ${inFlight} of ${limit} requests under way, ${queued} wait; refused: ${shed}`];
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

function pad(cell: string, width: number, isLeft: boolean): string {
  return isLeft ? cell.padEnd(width) : cell.padStart(width);
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
