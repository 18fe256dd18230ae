/**
 * `sluice verify`: derives every decision of a log again and finds a row that was changed.
 */

import { SluiceError } from '../../../model/problem.ts';
import { readArgs, readChoice } from '../../args.ts';
import { type CliDeps, type Command, EXIT } from '../../deps.ts';
import { type Audit, audit, type Finding, type KnownHead, type Result } from './audit.ts';

const USAGE = `sluice verify LOG [--head SEQ:HASH] [-o json]
sluice verify --state DIR [--head SEQ:HASH] [-o json]

Checks the chain of hashes of a decision log, and derives every decision again from the evidence that it rests on, with
code of its own. The gateway may run meanwhile.

  LOG                  a file that sluice decisions export made, or a state directory
  --state DIR          the same, as an option
  --head SEQ:HASH      a decision that the log must have, from the gateway's own log (decision_recorded)
  -o, --output FORMAT  text, json; default text
  -h, --help           this text

Exit codes: 0 every decision is what its evidence says, 1 one is not, a row was changed, or the log cannot be read,
2 wrong usage.
`;

const OPTIONS = {
  state: { type: 'string' },
  head: { type: 'string' },
  output: { type: 'string', short: 'o' },
} as const;
/** Faults of one decision that people are shown. */
const FAULTS_SHOWN = 3;

/** The command `verify`. */
export const verifyCommand: Command = { usage: USAGE, run };

async function run(argv: readonly string[], deps: CliDeps): Promise<number> {
  const { values, positionals } = readArgs(argv, OPTIONS, 1);
  const format = readChoice('--output', values.output, ['text', 'json']);
  const path = onlyOne(values.state, positionals[0]);
  const result = audit((await deps.log()).read(path), readHead(values.head));
  deps.stdout.write(format === 'json' ? `${JSON.stringify(result, null, 2)}\n` : formatAudit(path, result));
  return result.ok ? EXIT.ok : EXIT.failed;
}

function onlyOne(state: string | undefined, file: string | undefined): string {
  const path = state ?? file;
  if (path === undefined) throw new SluiceError('SLU_USAGE', 'verify takes a log or --state');
  if (state !== undefined && file !== undefined) throw new SluiceError('SLU_USAGE', 'a log or --state, not both');
  return path;
}

function readHead(text: string | undefined): KnownHead | null {
  if (text === undefined) return null;
  const [, seq, hash] = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text) ?? [];
  if (seq === undefined || hash === undefined) {
    throw new SluiceError('SLU_USAGE', `--head takes a number and 64 hex digits, as 12:ab…, got ${text}`);
  }
  return { seq: Number(seq), hash };
}

/** The audit in lines, ending in a newline. */
export function formatAudit(path: string, { ok, damages, decisions, tapes, looks, head }: Audit): string {
  const count = (result: Result): number => decisions.filter((finding) => finding.result === result).length;
  const refuted = count('refuted') === 0 ? '' : `, ${count('refuted')} refuted`;
  const unfounded = count('unfounded') === 0 ? '' : `, ${count('unfounded')} without evidence any more`;
  return [
    ...damages.map(({ where, what }) => `${path}: ${where}: ${what}`),
    ...decisions.map(lineOf),
    `${path}: ${ok ? 'ok' : 'not ok'}, ${count('verified')} of ${decisions.length} decisions verified${refuted}${unfounded}`,
    `tapes ${tapes}, looks ${looks}, head ${head.seq}:${head.hash}`,
    '',
  ].join('\n');
}

function lineOf({ seq, result, sentence, faults, at }: Finding): string {
  const why = faults.slice(0, FAULTS_SHOWN).map((fault) => `\n      ${fault}`);
  const more = faults.length > FAULTS_SHOWN ? `\n      and ${faults.length - FAULTS_SHOWN} more` : '';
  return `${String(seq).padStart(4)}  ${at}  ${result.padEnd(9)}  ${sentence}${why.join('')}${more}`;
}
