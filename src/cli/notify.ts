/**
 * `sluice notify`: who is told of alerts, whether that works, and what could not be delivered.
 */

import { visibleLines } from '../lib/text/visible.ts';
import { SluiceError } from '../model/problem.ts';
import type { AlertsStatus, ChannelStatus } from '../model/threads/load/alerts.ts';
import { adminOf, asking, refuse } from './admin/ask/asking.ts';
import { DEFAULT_ADMIN } from './admin/ask/client.ts';
import { fetchAlerts, sendNotify } from './admin/ask/notify-client.ts';
import { table } from './admin/table.ts';
import { readArgs, readChoice } from './args.ts';
import { type CliDeps, type Command, EXIT } from './deps.ts';

const USAGE = `sluice notify [list] [-o json] [--admin URL]
sluice notify test CHANNEL [-o json] [--admin URL]
sluice notify retry [CHANNEL] [-o json] [--admin URL]

Shows what is wrong now and how the channels of alerts stand; sends a test message to one; tries again what could not be
delivered, of one channel or of all.

  -o, --output FORMAT  text, json; default text
  --admin URL          admin server; default $SLUICE_ADMIN, else ${DEFAULT_ADMIN}
  -h, --help           this text

test and retry need the token of the admin server in $SLUICE_ADMIN_TOKEN.
Exit codes: 0 done, 1 refused or the channel did not take it (list: a channel fails), 2 wrong usage, 3 cannot reach the admin server.
`;

const OPTIONS = { admin: { type: 'string' }, output: { type: 'string', short: 'o' } } as const;

/** The command `notify`. */
export const notifyCommand: Command = { usage: USAGE, run };

/** For the status: what goes on, and channels that fail or could not deliver; nothing while all is well. */
export function alertLines(alerts: AlertsStatus | null): string[] {
  if (alerts === null) return [];
  const { active, activeCount, channels } = alerts;
  const pages = active.filter(({ severity }) => severity === 'page').length;
  const failing = channels.filter(({ state, deadLetters }) => {
    return state === 'retrying' || state === 'unusable' || deadLetters.length > 0;
  });
  return [
    ...(activeCount === 0 ? [] : [`ALERTS   ${activeCount} go on, ${pages} of them pages: sluice notify`]),
    ...failing.map(({ name, state, queued, deadLetters, lastError }) => {
      const because = lastError === '' ? '' : `: ${lastError}`;
      return `ALERTS   channel ${name} is ${state}, ${queued} wait, ${deadLetters.length} could not be delivered${because}`;
    }),
  ];
}

async function run(argv: readonly string[], deps: CliDeps): Promise<number> {
  const { values, positionals } = readArgs(argv, OPTIONS, 2);
  const isJson = readChoice('--output', values.output, ['text', 'json']) === 'json';
  const adminUrl = adminOf(values.admin, deps);
  const [action = 'list', channel = null] = positionals;
  if (action === 'list' && channel === null) return list(adminUrl, isJson, deps);
  if (action === 'test' && channel !== null) return send({ name: 'test', channel }, { adminUrl, isJson }, deps);
  if (action === 'retry') return send({ name: 'retry', channel }, { adminUrl, isJson }, deps);
  throw new SluiceError('SLU_USAGE', 'notify takes list, test CHANNEL, or retry with a channel or none');
}

async function list(adminUrl: string, isJson: boolean, deps: CliDeps): Promise<number> {
  const asked = await asking(adminUrl, deps, fetchAlerts);
  if ('exit' in asked) return asked.exit;
  const { answer } = asked;
  if (isJson) deps.stdout.write(`${JSON.stringify(answer)}\n`);
  else deps.stdout.write(visibleLines(`${linesOf(answer).join('\n')}\n`));
  const isFailing = answer?.channels.some(({ state }) => state === 'retrying' || state === 'unusable') === true;
  return isFailing ? EXIT.failed : EXIT.ok;
}

async function send(
  wish: { readonly name: 'test' | 'retry'; readonly channel: string | null },
  { adminUrl, isJson }: { readonly adminUrl: string; readonly isJson: boolean },
  deps: CliDeps,
): Promise<number> {
  const token = deps.env['SLUICE_ADMIN_TOKEN'];
  const asked = await asking(adminUrl, deps, (url) => sendNotify(url, { ...wish, token }));
  if ('exit' in asked) return asked.exit;
  const { answer } = asked;
  if ('refused' in answer) return refuse(answer.refused, deps, answer.status);
  if (isJson) deps.stdout.write(`${JSON.stringify(answer)}\n`);
  else if ('tested' in answer) deps.stdout.write(`${answer.tested.channel} took it in ${answer.tested.tookMs} ms\n`);
  else deps.stdout.write(`${answer.retried.letters} back in the queue\n`);
  return EXIT.ok;
}

function linesOf(alerts: AlertsStatus | null): string[] {
  if (alerts === null) return ['no alerts are configured'];
  const header = ['CHANNEL', 'TYPE', 'STATE', 'QUEUED', 'SENT', 'DEAD', 'LAST ERROR'];
  const { active, activeCount, channels } = alerts;
  return [
    ...table([header, ...channels.map(rowOf)]),
    ...channels.flatMap(lettersOf),
    `${activeCount} alerts go on`,
    ...active.map(({ severity, kind, since, sentence }) => `${severity} ${kind} since ${since}: ${sentence}`),
  ];
}

function rowOf({ name, type, state, queued, counts, deadLetters, lastError }: ChannelStatus): string[] {
  return [name, type, state, String(queued), String(counts.sent), String(deadLetters.length), lastError];
}

function lettersOf({ name, deadLetters }: ChannelStatus): string[] {
  return deadLetters.map(({ at, title, because }) => `dead ${name} ${at} ${title}: ${because}`);
}
