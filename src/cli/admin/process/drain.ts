/**
 * `sluice drain`: has a running gateway finish what is under way and end, and waits until it has.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import type { Status } from '../../../model/status.ts';
import { readArgs, readChoice } from '../../args.ts';
import { type CliDeps, type Command, EXIT } from '../../deps.ts';
import { endingOf, untilEnd } from '../../live/ending.ts';
import { progressOn } from '../../live/progress.ts';
import { adminOf, asking, refuse } from '../ask/asking.ts';
import { DEFAULT_ADMIN, fetchStatus, reasonOf } from '../ask/client.ts';
import { sendDrain } from '../ask/process-client.ts';

const POLL_MS = 200;
/** What a gateway may take beyond its own limits: state is written, logs are flushed. */
const GRACE_MS = 30_000;

const USAGE = `sluice drain [--no-wait] [--admin URL] [-o json]

Has a running gateway fail its readiness, let the requests under way finish within its limits (drain.delay, drain.timeout) and end,
as SIGTERM does; waits until it has ended. On a terminal the requests that are under way are shown meanwhile.

  --no-wait            only begin
  --admin URL          admin server; default $SLUICE_ADMIN, else ${DEFAULT_ADMIN}
  -o, --output FORMAT  text, json; default text
  -h, --help           this text

Needs the token of the admin server in $SLUICE_ADMIN_TOKEN. What is interrupted goes on draining.
Exit codes: 0 it has ended (with --no-wait: begun), 1 refused, or it goes on after its limits, 2 wrong usage,
3 cannot reach the admin server, 130 interrupted.
`;

const OPTIONS = {
  'no-wait': { type: 'boolean' },
  admin: { type: 'string' },
  output: { type: 'string', short: 'o' },
} as const;

/** The command `drain`. */
export const drainCommand: Command = { usage: USAGE, run };

/** What is told at the end. */
interface Told {
  readonly pid: number;
  readonly state: 'draining' | 'ended';
  /** Requests that were under way when it was seen last. */
  readonly inFlight: number;
}

async function run(argv: readonly string[], deps: CliDeps): Promise<number> {
  const { values } = readArgs(argv, OPTIONS);
  const isJson = readChoice('--output', values.output, ['text', 'json']) === 'json';
  const token = deps.env['SLUICE_ADMIN_TOKEN'];
  const adminUrl = adminOf(values.admin, deps);
  const asked = await asking(adminUrl, deps, async () => {
    return { status: await fetchStatus(adminUrl), begun: await sendDrain(adminUrl, token) };
  });
  if ('exit' in asked) return asked.exit;
  const { status, begun } = asked.answer;
  if ('refused' in begun) return refuse(begun.refused, deps, begun.status);
  const { pid } = status;
  if (values['no-wait'] === true) return tell({ pid, state: 'draining', inFlight: inFlightOf(status) }, isJson, deps);
  return waitFor(adminUrl, { status, limitMs: begun.delayMs + begun.timeoutMs + GRACE_MS, isJson }, deps);
}

function tell(told: Told, isJson: boolean, { stdout }: CliDeps): number {
  const under = told.inFlight === 0 ? '' : `, ${told.inFlight} requests were under way`;
  const text = told.state === 'ended' ? `process ${told.pid} has ended${under}` : `process ${told.pid} drains${under}`;
  stdout.write(isJson ? `${JSON.stringify(told)}\n` : `${text}\n`);
  return EXIT.ok;
}

function inFlightOf({ routes }: Status): number {
  return routes.reduce((sum, { inFlight }) => sum + inFlight, 0);
}

async function waitFor(
  adminUrl: string,
  { status, limitMs, isJson }: { readonly status: Status; readonly limitMs: number; readonly isJson: boolean },
  deps: CliDeps,
): Promise<number> {
  const { pid } = status;
  const ending = endingOf(deps);
  const progress = progressOn(deps.stderr);
  let last = status;
  try {
    for (let polls = 0; polls * POLL_MS < limitMs; polls++) {
      const now = await untilEnd(ending, statusOf(adminUrl));
      if (ending.signal.aborted || now === null) return ending.code();
      // Another process at the same address: this one has let go of it.
      if (now === 'gone' || (now !== 'silent' && now.pid !== pid)) {
        progress.clear();
        return tell({ pid, state: 'ended', inFlight: 0 }, isJson, deps);
      }
      if (now !== 'silent') last = now;
      progress.show(`process ${pid} drains, ${inFlightOf(last)} requests under way`);
      await untilEnd(ending, sleep(POLL_MS));
    }
  } finally {
    progress.clear();
    ending.release();
  }
  return refuse(`process ${pid} goes on, ${inFlightOf(last)} requests under way: end it by a second SIGTERM`, deps);
}

/** `gone`: nobody listens there any more. `silent`: it listens and does not answer. */
async function statusOf(adminUrl: string): Promise<Status | 'gone' | 'silent'> {
  try {
    return await fetchStatus(adminUrl);
  } catch (error) {
    return /ECONNREFUSED/.test(reasonOf(error)) ? 'gone' : 'silent';
  }
}
