/**
 * The probes' answers in words: what was checked, and why a check failed.
 */

import type { SourceStatus, Status, WorkerStatus } from '../model/status.ts';
import type { FleetStatus } from '../model/threads/fleet.ts';
import type { SaturationStatus, UsedLimit } from '../model/threads/load/saturation.ts';
import type { StateStatus } from '../model/threads/state.ts';

const MIB = 1_048_576;

/** One line of `?verbose`. `detail` says what was seen; for a failed check it is the reason. */
export interface Check {
  readonly name: string;
  readonly isOk: boolean;
  readonly detail: string;
}

/**
 * What readiness rests on, and the state, which it does not rest on: a gateway serves without it. The last check, `ready`, is
 * the gateway's own verdict and decides.
 */
export function readinessChecks(status: Status): readonly Check[] {
  const { config, workers, saturation, state } = status;
  const serving = workers.filter((worker) => worker.state === 'serving').length;
  return [
    {
      name: 'configuration',
      isOk: config.revision > 0,
      detail: config.revision > 0 ? configDetail(status) : 'none was accepted yet',
    },
    // Told, never failed: the last good configuration serves as well as a fresh one.
    ...status.sources.map((source) => ({ name: source.name, isOk: true, detail: sourceDetail(source) })),
    { name: 'workers', isOk: status.ready || serving > 0, detail: `${serving} of ${workers.length} serving` },
    // Told, never failed: traffic that leaves this gateway would only fill the next one.
    { name: 'saturation', isOk: true, detail: saturationDetail(saturation) },
    // Told, never failed: they are wanted.
    ...status.faults
      .filter(({ state }) => state === 'active')
      .map(({ id, sentence, until }) => ({ name: 'fault', isOk: true, detail: `${id}: ${sentence}, until ${until}` })),
    // Told, never failed: the data plane does not rest on what failed.
    ...status.defects.kinds.map(({ code, part, count, kind }) => {
      return { name: 'defect', isOk: true, detail: `${code} in ${part}, ${count} times: ${kind}` };
    }),
    { name: 'state', isOk: state.kind !== 'unavailable', detail: stateDetail(state) },
    // Told, never failed: cut off, it judges and serves by itself.
    ...(status.fleet === null ? [] : [{ name: 'fleet', isOk: true, detail: fleetDetail(status.fleet) }]),
    { name: 'ready', isOk: status.ready, detail: status.ready ? 'taking traffic' : status.notReadyBecause },
  ];
}

/** `revision 3, gateway.yaml`; what differs from the sources fails nothing: it serves as well. */
function configDetail({ config, revisions }: Status): string {
  const difference = revisions.difference === '' ? '' : `; ${revisions.difference}`;
  return `revision ${revisions.number}, ${config.file}${difference}`;
}

/** `in /var/lib/sluice, 96 KiB, all written at …`; `in memory`; `in memory only: …`. */
export function stateDetail({ kind, directory, because, flushedAt, rowsPending, fileBytes }: StateStatus): string {
  if (kind === 'memory') return 'in memory, as no state.directory is configured';
  const pending = `${rowsPending} rows pending`;
  if (kind === 'unavailable') return `in memory only, ${pending}: ${directory} is unavailable: ${because}`;
  const size = fileBytes === null ? '' : `, ${Math.ceil(fileBytes / 1024)} KiB`;
  return `in ${directory}${size}, ${pending}${flushedAt === null ? '' : `, all written at ${flushedAt}`}`;
}

/** `normal, memory 34 %, descriptors 1 %`; `shedding, …: worker-0: its event loop is 312 ms late`. */
export function saturationDetail({ grade, because, acts, memory, descriptors }: SaturationStatus): string {
  const parts = [grade, `memory ${percentOf(memory)} of ${Math.round(memory.max / MIB)} MiB`];
  if (descriptors !== null) parts.push(`descriptors ${percentOf(descriptors)} of ${descriptors.max}`);
  if (!acts) parts.push('only observed');
  return because === '' ? parts.join(', ') : `${parts.join(', ')}: ${because}`;
}

function percentOf({ used, max }: UsedLimit): string {
  return `${Math.round((used / max) * 100)} %`;
}

/** `shop, 3 gateways, leads 1 of 2 rollouts`; `shop, alone: …`. */
export function fleetDetail({ name, mode, because, members, rollouts }: FleetStatus): string {
  if (mode === 'alone')
    return `${name}, alone, judging its own traffic only: ${because === '' ? 'no answer' : because}`;
  if (mode === 'joining') return `${name}, joining`;
  const led = rollouts.filter(({ role }) => role === 'leader').length;
  return `${name}, ${members.length} gateways, leads ${led} of ${rollouts.length} rollouts`;
}

/**
 * `watching, 12 documents, confirmed 3 s ago`; after a stale start `backing-off, 0 documents, no answer since the start`, of a lookup
 * whose endpoints were kept `backing-off, 3 documents, no answer since the start, confirmed 90 s ago to the process before`, or, where
 * it has answered with a loss, `not confirmed since the start`.
 */
function sourceDetail({ state, pieces, staleMs, staleStart, confirmedAt, lastError, shrink }: SourceStatus): string {
  const confirmed = `confirmed ${Math.round(staleMs / 1000)} s ago`;
  const silent = shrink === null ? 'no answer since the start' : 'not confirmed since the start';
  const parts = [state, `${pieces} documents`, confirmedAt === '' ? silent : confirmed];
  if (staleStart !== null) parts.push(`${confirmed} to the process before`);
  if (shrink !== null) parts.push(`a sudden loss to ${shrink.pieces} is not believed`);
  if (lastError !== '') parts.push(lastError);
  return parts.join(', ');
}

/** Whether start-up is over: a configuration is in force and a worker has come up. */
export function hasStarted(status: Status): boolean {
  return status.config.revision > 0 && (status.ready || status.workers.some((worker) => worker.state !== 'starting'));
}

/** `[+]workers ok: 2 of 2 serving`, `[-]workers failed: 0 of 2 serving`. */
export function formatCheck(check: Check): string {
  return `${check.isOk ? '[+]' : '[-]'}${check.name} ${check.isOk ? 'ok' : 'failed'}: ${check.detail}`;
}

/**
 * What the process is about to do. Another one serves at its addresses while it is `taking`, until it does itself, or `leaving`, as that
 * one has taken over.
 */
export type Phase = 'starting' | 'taking' | 'serving' | 'leaving' | 'draining' | 'closed';

/** Why the gateway should get no traffic; empty when it should. */
export function notReadyBecause(phase: Phase, workers: readonly WorkerStatus[]): string {
  if (phase === 'draining' || phase === 'closed') return 'draining';
  if (phase === 'starting') return 'the workers are starting';
  if (phase === 'taking' || phase === 'leaving') return '';
  return workers.some(({ state }) => state === 'serving') ? '' : 'no worker is serving';
}
