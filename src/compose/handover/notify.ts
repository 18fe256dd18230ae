/**
 * Tells systemd which process serves, and that it does: `Type=notify` with `NotifyAccess=all`.
 *
 * Node cannot open the kind of socket that systemd listens on, so its own `systemd-notify` says it.
 * Source: sd_notify(3), systemd-notify(1).
 */

import { execFile } from 'node:child_process';
import type { Log } from '../../lib/log.ts';

/** A manager that does not take the message must not hold up a start. */
const WITHIN_MS = 2000;

export interface NotifyOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly pid: number;
  readonly log: Pick<Log, 'warn'>;
}

/** Resolves when it is said, or told that it could not be; at once where nobody listens. */
export function notifyReady({ env, pid, log }: NotifyOptions): Promise<void> {
  if (env['NOTIFY_SOCKET'] === undefined || env['NOTIFY_SOCKET'] === '') return Promise.resolve();
  return new Promise((resolve) => {
    const options = { timeout: WITHIN_MS, env: { ...env } };
    execFile('systemd-notify', ['--ready', `--pid=${pid}`], options, (error) => {
      if (error !== null) log.warn('notify_failed', { error });
      resolve();
    });
  });
}
