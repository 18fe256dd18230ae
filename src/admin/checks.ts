/**
 * The probes' answers in words: what was checked, and why a check failed.
 */

import type { Status, WorkerStatus } from '../model/status.ts';

/** One line of `?verbose`. `detail` says what was seen; for a failed check it is the reason. */
export interface Check {
  readonly name: string;
  readonly isOk: boolean;
  readonly detail: string;
}

/** Everything that readiness rests on. The last check, `ready`, is the gateway's own verdict and decides. */
export function readinessChecks(status: Status): readonly Check[] {
  const { config, workers } = status;
  const serving = workers.filter((worker) => worker.state === 'serving').length;
  return [
    {
      name: 'configuration',
      isOk: config.revision > 0,
      detail: config.revision > 0 ? `revision ${config.revision}, ${config.file}` : 'none was accepted yet',
    },
    { name: 'workers', isOk: serving > 0, detail: `${serving} of ${workers.length} serving` },
    { name: 'ready', isOk: status.ready, detail: status.ready ? 'taking traffic' : status.notReadyBecause },
  ];
}

/** Whether start-up is over: a configuration is in force and a worker has come up. */
export function hasStarted(status: Status): boolean {
  return status.config.revision > 0 && status.workers.some((worker) => worker.state !== 'starting');
}

/** `[+]workers ok: 2 of 2 serving`, `[-]workers failed: 0 of 2 serving`. */
export function formatCheck(check: Check): string {
  return `${check.isOk ? '[+]' : '[-]'}${check.name} ${check.isOk ? 'ok' : 'failed'}: ${check.detail}`;
}

/** What the process is about to do. */
export type Phase = 'starting' | 'serving' | 'draining' | 'closed';

/** Why the gateway should get no traffic; empty when it should. */
export function notReadyBecause(phase: Phase, workers: readonly WorkerStatus[]): string {
  if (phase === 'draining' || phase === 'closed') return 'draining';
  if (phase === 'starting') return 'the workers are starting';
  return workers.some(({ state }) => state === 'serving') ? '' : 'no worker is serving';
}
