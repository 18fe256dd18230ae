/**
 * `sluice restart`: has a running gateway hand over to a process of what stands on the disk now.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { nowMs } from '../../../lib/clock.ts';
import type { Status } from '../../../model/status.ts';
import { readArgs, readChoice } from '../../args.ts';
import { type CliDeps, type Command, EXIT } from '../../deps.ts';
import { adminOf, asking, refuse } from '../ask/asking.ts';
import { DEFAULT_ADMIN, fetchStatus, reasonOf, sendRestart } from '../ask/client.ts';

const POLL_MS = 200;

const USAGE = `sluice restart [--admin URL] [-o json]

Starts the program of a running gateway anew, from the same command line. The new process takes over the listening
sockets when it is ready and the old one drains; when it cannot serve, the old one goes on. Waits until one of them is so, no
longer than the gateway says that it can take: --restart-timeout of sluice run, and 40 s for what comes before and after.

  --admin URL          admin server; default $SLUICE_ADMIN, else ${DEFAULT_ADMIN}
  -o, --output FORMAT  text, json (once it is over); default text
  -h, --help           this text

Needs the token of the admin server in $SLUICE_ADMIN_TOKEN.
Exit codes: 0 the new process serves, 1 refused, failed or not known in time, 2 wrong usage, 3 cannot reach the admin server.
`;

/** The command `restart`. */
export const restartCommand: Command = { usage: USAGE, run };

async function run(argv: readonly string[], deps: CliDeps): Promise<number> {
  const { values } = readArgs(argv, { admin: { type: 'string' }, output: { type: 'string', short: 'o' } });
  const isJson = readChoice('--output', values.output, ['text', 'json']) === 'json';
  const adminUrl = adminOf(values.admin, deps);
  const asked = await asking(adminUrl, deps, async () => {
    return { status: await fetchStatus(adminUrl), begun: await sendRestart(adminUrl, deps.env['SLUICE_ADMIN_TOKEN']) };
  });
  if ('exit' in asked) return asked.exit;
  const { status, begun } = asked.answer;
  if ('refused' in begun) return refuse(begun.refused, deps, begun.status);
  if (!isJson) deps.stdout.write(`process ${begun.pid} starts\n`);
  const { limitMs } = begun;
  return follow(adminUrl, { before: status.pid, failures: status.restart.failures, limitMs, isJson }, deps);
}

/** A restart that is under way. */
interface Begun {
  /** The old process, and how many restarts of its had failed. */
  readonly before: number;
  readonly failures: number;
  /** As the gateway says it. */
  readonly limitMs: number;
  readonly isJson: boolean;
}

/** Asks until another process answers, or the old one says that it failed. */
async function follow(adminUrl: string, { before, failures, limitMs, isJson }: Begun, deps: CliDeps): Promise<number> {
  const endMs = nowMs() + limitMs;
  while (nowMs() + POLL_MS <= endMs) {
    await sleep(POLL_MS);
    const asked = await asking(adminUrl, deps, (url) => statusWithin(url, endMs - nowMs()));
    if ('exit' in asked) return asked.exit;
    const { answer: status } = asked;
    if (status === null) continue;
    if (status.pid !== before) {
      const { pid, version } = status;
      const text = `process ${pid} serves, release ${version}; process ${before} drains\n`;
      deps.stdout.write(isJson ? `${JSON.stringify({ pid, version, before }, null, 2)}\n` : text);
      return EXIT.ok;
    }
    if (status.restart.failures <= failures) continue;
    deps.stderr.write(
      `sluice: the restart failed: ${status.restart.lastFailure?.because}; process ${before} serves on\n`,
    );
    return EXIT.failed;
  }
  return refuse(`process ${before} has not said within ${limitMs / 1000} s what came of it: ask sluice status`, deps);
}

/** Null where the old process closed the connection on its way out, or is silent; an admin server that is gone for good rejects. */
async function statusWithin(adminUrl: string, leftMs: number): Promise<Status | null> {
  const silence = sleep(Math.max(0, leftMs), null, { ref: false });
  try {
    return await Promise.race([fetchStatus(adminUrl), silence]);
  } catch (error) {
    if (/ECONNREFUSED/.test(reasonOf(error))) throw error;
    return null;
  }
}
