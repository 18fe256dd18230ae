/**
 * Reads a command's arguments, and says what was meant when they are not understood.
 */

import { type ParseArgsOptionsConfig, parseArgs } from 'node:util';
import { similarTo } from '../lib/text/similar.ts';
import { SluiceError } from '../model/problem.ts';

const HELP = { help: { type: 'boolean', short: 'h' } } as const;

/**
 * Parses `argv` strictly. `--help` is always an option.
 * @param positionals how many arguments without a dash may stand there.
 * @throws SluiceError SLU_USAGE
 */
export function readArgs<const T extends ParseArgsOptionsConfig>(argv: readonly string[], options: T, positionals = 0) {
  const known = { ...options, ...HELP };
  refuseUnknown(argv, known);
  try {
    const parsed = parseArgs({ args: [...argv], options: known, allowPositionals: positionals > 0, strict: true });
    if (parsed.positionals.length <= positionals) return parsed;
  } catch (error) {
    throw new SluiceError('SLU_USAGE', firstSentence(error), { cause: error });
  }
  throw new SluiceError('SLU_USAGE', `too many arguments: ${argv.join(' ')}`);
}

/** Unknown options are found before parsing, because node's own message has no suggestion. */
function refuseUnknown(argv: readonly string[], known: ParseArgsOptionsConfig): void {
  const names = Object.keys(known);
  const shorts = Object.values(known).flatMap(({ short }) => (short === undefined ? [] : [short]));
  const { tokens } = parseArgs({
    args: [...argv],
    options: known,
    strict: false,
    tokens: true,
    allowPositionals: true,
  });
  for (const token of tokens) {
    if (token.kind !== 'option' || names.includes(token.name)) continue;
    const rawName = token.rawName;
    if (!rawName.startsWith('--') && shorts.includes(token.name)) continue;
    const meant = similarTo(token.name, names);
    throw new SluiceError('SLU_USAGE', `unknown option ${rawName}${didYouMean(meant === null ? null : `--${meant}`)}`);
  }
}

/** ` (did you mean x?)`, or nothing. */
export function didYouMean(meant: string | null): string {
  return meant === null ? '' : ` (did you mean ${meant}?)`;
}

function firstSentence(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const sentence = message.split(/\.\s|\n/)[0] ?? message;
  return sentence.charAt(0).toLowerCase() + sentence.slice(1);
}

/** A port number; `fallback` when the option was not given. @throws SluiceError SLU_USAGE */
export function readPort(option: string, text: string | undefined, fallback: number): number {
  if (text === undefined) return fallback;
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (port >= 1 && port <= 65_535) return port;
  throw new SluiceError('SLU_USAGE', `${option} takes a port from 1 to 65535, got ${text}`);
}

/** A number in a range, ends included; `fallback` when the option was not given. @throws SluiceError SLU_USAGE */
export function readNumber<T>(
  option: string,
  text: string | undefined,
  fallback: T,
  [least, most]: readonly [number, number],
): number | T {
  if (text === undefined) return fallback;
  const number = /^\d+(?:\.\d+)?(?:e-?\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (number >= least && number <= most) return number;
  throw new SluiceError('SLU_USAGE', `${option} takes a number from ${least} to ${most}, got ${text}`);
}

/** One of `choices`; the first when the option was not given. @throws SluiceError SLU_USAGE */
export function readChoice<const T extends readonly string[]>(
  option: string,
  text: string | undefined,
  choices: T,
): T[number] {
  if (text === undefined) return choices[0] as T[number];
  if (choices.includes(text)) return text;
  const hint = didYouMean(similarTo(text, choices));
  throw new SluiceError('SLU_USAGE', `${option} is one of ${choices.join(', ')}, got ${text}${hint}`);
}
