/**
 * `sluice config sign` and `sluice config verify`: the signature of one document.
 */

import { formatProblem, type Problem, SluiceError } from '../../model/problem.ts';
import { readArgs, readChoice } from '../args.ts';
import { EXIT } from '../deps.ts';
import type { ConfigIo } from './command.ts';

/** A document, what it is called where it is kept, and where keys and signature are; null: the default. */
export interface SigningQuestion {
  readonly file: string;
  readonly subject: string | null;
  readonly keyFile: string | null;
  readonly signatureFile: string | null;
}

/** What other sections do with signatures. All throw SluiceError SLU_USAGE (keys, names) and SLU_CONFIG_UNREADABLE. */
export interface SigningTools {
  /** Whether there are keys: of the file, or else of the environment. */
  hasKeys(keyFile: string | null): Promise<boolean>;
  /** Signs a document and writes the signature down. */
  sign(question: SigningQuestion & { readonly keyId: string | null; readonly revision: number | null }): Promise<{
    readonly subject: string;
    readonly signatureFile: string;
    readonly keyId: string;
    readonly revision: number;
  }>;
  /** `signature` null: `problems` says why. */
  verify(question: SigningQuestion): Promise<{
    readonly subject: string;
    readonly signatureFile: string;
    readonly signature: { readonly keyId: string; readonly revision: number } | null;
    readonly problems: readonly Problem[];
  }>;
}

const OPTIONS = {
  'config-key-file': { type: 'string' },
  name: { type: 'string' },
  signature: { type: 'string' },
  output: { type: 'string', short: 'o' },
} as const;
const SIGN_OPTIONS = { ...OPTIONS, key: { type: 'string' }, revision: { type: 'string' } } as const;

/** Runs `config sign`. @returns the exit code */
export async function signCommand(args: readonly string[], io: ConfigIo, tools: SigningTools): Promise<number> {
  const { values, positionals } = readArgs(args, SIGN_OPTIONS, 1);
  const format = readChoice('--output', values.output, ['text', 'json']);
  const revision = values.revision === undefined ? null : readRevision(values.revision);
  const question = questionOf('sign', positionals[0], values);
  const answer = await tools.sign({ ...question, keyId: values.key ?? null, revision });
  const { subject, keyId, signatureFile } = answer;
  const facts = { file: question.file, name: subject, revision: answer.revision, keyId, signature: signatureFile };
  const text = `${question.file}: signed as ${subject}, revision ${answer.revision}, key ${keyId}: ${signatureFile}\n`;
  io.stdout(format === 'json' ? `${JSON.stringify(facts, null, 2)}\n` : text);
  return EXIT.ok;
}

/** Runs `config verify`. @returns the exit code: 1 when the signature is not good */
export async function verifySignature(args: readonly string[], io: ConfigIo, tools: SigningTools): Promise<number> {
  const { values, positionals } = readArgs(args, OPTIONS, 1);
  const format = readChoice('--output', values.output, ['text', 'json']);
  const question = questionOf('verify', positionals[0], values);
  const { subject, signature, problems } = await tools.verify(question);
  const { file } = question;
  const ok = signature !== null;
  if (format === 'json') {
    const { revision = null, keyId = null } = signature ?? {};
    io.stdout(`${JSON.stringify({ file, ok, name: subject, revision, keyId, problems }, null, 2)}\n`);
  } else if (ok) {
    io.stdout(`${file}: signed as ${subject}, revision ${signature.revision}, key ${signature.keyId}\n`);
  } else io.stdout(problems.map((problem) => `${formatProblem(problem)}\n`).join(''));
  return ok ? EXIT.ok : EXIT.failed;
}

interface Values {
  readonly name?: string | undefined;
  readonly signature?: string | undefined;
  readonly 'config-key-file'?: string | undefined;
}

function questionOf(action: string, file: string | undefined, values: Values): SigningQuestion {
  if (file === undefined) throw new SluiceError('SLU_USAGE', `${action} takes a file`);
  const { name: subject = null, signature: signatureFile = null } = values;
  if (subject !== null && !/^[^\s/][^\n\r]*$/.test(subject)) {
    throw new SluiceError('SLU_USAGE', '--name is what the key is called after the prefix, such as routes/shop');
  }
  return { file, subject, signatureFile, keyFile: values['config-key-file'] ?? null };
}

function readRevision(text: string): number {
  const revision = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(revision) && revision >= 1) return revision;
  throw new SluiceError('SLU_USAGE', `--revision takes a whole number from 1, got ${text}`);
}
