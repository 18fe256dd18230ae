/**
 * `sluice config history`, `diff`, `rollback` and `unpin`: accepted configurations of a running gateway.
 */

import { SluiceError } from '../../model/problem.ts';
import type { FieldChange, RevisionDiff, RevisionEntry } from '../../model/threads/revision.ts';
import { readArgs, readChoice } from '../args.ts';
import { type CliDeps, EXIT } from '../deps.ts';
import { DEFAULT_ADMIN, fetchDiff, fetchRevisions, fetchStatus, reasonOf, sendConfigCommand } from './client.ts';

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
  const adminUrl = values.admin ?? deps.env['SLUICE_ADMIN'] ?? DEFAULT_ADMIN;
  const isJson = readChoice('--output', values.output, ['text', 'json']) === 'json';
  const asked: Asked = { adminUrl, isJson, reason: values.reason ?? '', names: positionals };
  try {
    if (action === 'history') return await history(asked, deps);
    if (action === 'diff') return await diff(asked, deps);
    return await command(action, asked, deps);
  } catch (error) {
    deps.stderr.write(`sluice: cannot reach the admin server at ${adminUrl}: ${reasonOf(error)}\n`);
    return EXIT.unreachable;
  }
}

async function history({ adminUrl, isJson }: Asked, deps: CliDeps): Promise<number> {
  const revisions = await fetchRevisions(adminUrl);
  const { difference } = (await fetchStatus(adminUrl)).revisions;
  if (isJson) deps.stdout.write(`${JSON.stringify({ revisions, difference }, null, 2)}\n`);
  else deps.stdout.write(formatHistory(revisions, difference));
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
  const table = [header, ...rows];
  const widths = header.map((_, column) => Math.max(...table.map((row) => (row[column] ?? '').length)));
  const lines = table.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  return `${[...lines, ...(difference === '' ? [] : [difference])].join('\n')}\n`;
}

async function diff({ adminUrl, isJson, names }: Asked, deps: CliDeps): Promise<number> {
  const [before = '', after = ''] = names;
  const result = await fetchDiff(adminUrl, before, after);
  if (result.kind !== 'done') {
    deps.stderr.write(`sluice: ${result.detail}\n`);
    return EXIT.failed;
  }
  deps.stdout.write(isJson ? `${JSON.stringify(result.diff, null, 2)}\n` : formatDiff(result.diff));
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
  const answer = await sendConfigCommand(adminUrl, name, { token, reason, ...(revision === '' ? {} : { revision }) });
  if ('refused' in answer) {
    const hint = answer.status === 401 ? '; set SLUICE_ADMIN_TOKEN' : '';
    deps.stderr.write(`sluice: ${answer.refused}${hint}\n`);
    return EXIT.failed;
  }
  deps.stdout.write(isJson ? `${JSON.stringify(answer, null, 2)}\n` : `${answer.sentence}\n`);
  return EXIT.ok;
}
