/**
 * `sluice config history`, `diff`, `rollback` and `unpin`: accepted configurations of a running gateway.
 */

import { visibleLines } from '../../lib/text/visible.ts';
import { SluiceError } from '../../model/problem.ts';
import type { FieldChange, RevisionDiff, RevisionEntry } from '../../model/threads/revision.ts';
import { readArgs, readChoice } from '../args.ts';
import { type CliDeps, EXIT } from '../deps.ts';
import { adminOf, asking, refuse } from './ask/asking.ts';
import { fetchDiff, fetchRevisions, fetchStatus, reasonOf, sendConfigCommand, wasSent } from './ask/client.ts';
import { table } from './table.ts';

/** What `sluice config` asks a running gateway for. */
export const REVISION_ACTIONS = ['history', 'diff', 'rollback', 'unpin'] as const;
export type RevisionAction = (typeof REVISION_ACTIONS)[number];

const OPTIONS = {
  admin: { type: 'string' },
  output: { type: 'string', short: 'o' },
  reason: { type: 'string' },
} as const;
/** Arguments without a dash. */
const TAKES: Readonly<Record<RevisionAction, number>> = { history: 0, diff: 2, rollback: 1, unpin: 0 };
const HASH_SHOWN = 12;
const VALUE_SHOWN = 200;

interface Asked {
  readonly adminUrl: string;
  readonly isJson: boolean;
  readonly reason: string;
  readonly names: readonly string[];
}

/**
 * Runs one of `REVISION_ACTIONS` with the arguments after it.
 * @returns the exit code. @throws SluiceError SLU_USAGE
 */
export async function revisionCommand(action: RevisionAction, argv: readonly string[], deps: CliDeps): Promise<number> {
  const { values, positionals } = readArgs(argv, OPTIONS, TAKES[action]);
  const isCommand = action === 'rollback' || action === 'unpin';
  if (!isCommand && values.reason !== undefined) {
    throw new SluiceError('SLU_USAGE', `${action} does not take --reason`);
  }
  if (action === 'rollback' && (values.reason ?? '').trim() === '') {
    throw new SluiceError('SLU_USAGE', 'rollback needs --reason: it is logged, and shown while the pin holds');
  }
  const adminUrl = adminOf(values.admin, deps);
  const isJson = readChoice('--output', values.output, ['text', 'json']) === 'json';
  const asked: Asked = { adminUrl, isJson, reason: values.reason ?? '', names: positionals };
  if (action === 'history') return history(asked, deps);
  return action === 'diff' ? diff(asked, deps) : command(action, asked, deps);
}

async function history({ adminUrl, isJson }: Asked, deps: CliDeps): Promise<number> {
  const asked = await asking(adminUrl, deps, async () => {
    return { revisions: await fetchRevisions(adminUrl), status: await fetchStatus(adminUrl) };
  });
  if ('exit' in asked) return asked.exit;
  const { revisions, status } = asked.answer;
  const { difference } = status.revisions;
  if (isJson) deps.stdout.write(`${JSON.stringify({ revisions, difference }, null, 2)}\n`);
  else deps.stdout.write(visibleLines(formatHistory(revisions, difference)));
  return EXIT.ok;
}

/** The table, newest first, ending in a newline. */
export function formatHistory(revisions: readonly RevisionEntry[], difference: string): string {
  const header = ['', 'hash', 'accepted', 'routes', 'bytes', 'changed'];
  const rows = revisions.map((entry, index) => [
    `${index === 0 ? '*' : ' '} ${entry.number}`,
    entry.hash.slice(0, HASH_SHOWN),
    entry.at,
    String(entry.routes),
    entry.isKept ? String(entry.bytes) : 'let go',
    `${entry.origin.join(', ')}${entry.contentOf === entry.number ? '' : ` (content of ${entry.contentOf})`}`,
  ]);
  return `${[...table([header, ...rows]), ...(difference === '' ? [] : [difference])].join('\n')}\n`;
}

async function diff({ adminUrl, isJson, names }: Asked, deps: CliDeps): Promise<number> {
  const [before = '', after = ''] = names;
  const asked = await asking(adminUrl, deps, () => fetchDiff(adminUrl, before, after));
  if ('exit' in asked) return asked.exit;
  const { answer: result } = asked;
  if (result.kind !== 'done') return refuse(result.detail, deps);
  deps.stdout.write(isJson ? `${JSON.stringify(result.diff, null, 2)}\n` : visibleLines(formatDiff(result.diff)));
  return EXIT.ok;
}

/** One line for each field, ending in a newline. */
export function formatDiff({ before, after, changes, more }: RevisionDiff): string {
  const lines = [`${before} -> ${after}`];
  if (changes.length === 0) lines.push('  the same');
  let place = '';
  for (const change of changes) {
    const { scope, name } = change;
    const title = name === '' ? scope : `${scope} ${name}`;
    if (title !== place) lines.push(title);
    place = title;
    lines.push(`  ${changeLine(change)}`);
  }
  if (more > 0) lines.push(`and ${more} more`);
  return `${lines.join('\n')}\n`;
}

function changeLine({ field, before, after }: FieldChange): string {
  const subject = field === '' ? '' : `${field}: `;
  if (before === undefined) return `+ ${subject}${shown(after)}`;
  if (after === undefined) return `- ${subject}${shown(before)}`;
  return `~ ${subject}${shown(before)} -> ${shown(after)}`;
}

function shown(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length <= VALUE_SHOWN ? text : `${text.slice(0, VALUE_SHOWN)}...`;
}

async function command(
  name: 'rollback' | 'unpin',
  { adminUrl, isJson, reason, names }: Asked,
  deps: CliDeps,
): Promise<number> {
  const [revision = ''] = names;
  const token = deps.env['SLUICE_ADMIN_TOKEN'];
  const wishes = { token, reason, ...(revision === '' ? {} : { revision }) };
  const asked = await asking(adminUrl, deps, async () => {
    try {
      return await sendConfigCommand(adminUrl, name, wishes);
    } catch (error) {
      if (!wasSent(error)) throw error;
      const because = `no answer from ${adminUrl} (${reasonOf(error)})`;
      return { refused: `unknown whether it was done, look again with sluice config history: ${because}`, status: 0 };
    }
  });
  if ('exit' in asked) return asked.exit;
  const { answer } = asked;
  if ('refused' in answer) return refuse(answer.refused, deps, answer.status);
  deps.stdout.write(isJson ? `${JSON.stringify(answer, null, 2)}\n` : visibleLines(`${answer.sentence}\n`));
  return EXIT.ok;
}
