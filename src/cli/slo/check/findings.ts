/**
 * Collects what is wrong with an SLO file: problems, and warnings that do not refuse it, each with its place.
 */

import { similarTo } from '../../../lib/text/similar.ts';
import type { Problem } from '../../../model/problem.ts';
import { didYouMean } from '../../args.ts';
import type { FileDocument, Path, SloProblemKind, SloTools } from '../tools.ts';

/** A problem before it has a place. */
export interface Flaw {
  readonly kind: SloProblemKind;
  readonly expected: string;
  /** Default: the value at the path. */
  readonly got?: string;
  readonly hint?: string;
}

/** Longest text that a message repeats. */
const SHOWN_MAX = 60;
/** Problems of one file; what is more is not told one by one. */
const PROBLEMS_MAX = 1000;

export class Findings {
  readonly problems: Problem[] = [];
  readonly warnings: Problem[] = [];
  readonly #file: string;
  readonly #tools: SloTools;
  #dropped = 0;

  constructor(file: string, tools: SloTools) {
    this.#file = file;
    this.#tools = tools;
  }

  /** How many were found and are not kept. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Something that refuses the file. */
  refuse(document: FileDocument, path: Path, flaw: Flaw): void {
    this.#add(this.problems, document, path, flaw);
  }

  /** Something that is probably not meant. */
  warn(document: FileDocument, path: Path, flaw: Flaw): void {
    this.#add(this.warnings, document, path, flaw);
  }

  #add(to: Problem[], document: FileDocument, path: Path, { kind, expected, got, hint = '' }: Flaw): void {
    if (to.length >= PROBLEMS_MAX) {
      this.#dropped += 1;
      return;
    }
    const { line, column } = document.placeOf(path);
    to.push({
      code: this.#tools.codeOf(kind),
      file: this.#file,
      line,
      column,
      path: pathText(path),
      expected,
      got: got ?? shown(valueAt(document.value, path)),
      hint,
    });
  }
}

/** The value at a path; undefined where there is none. */
export function valueAt(root: unknown, path: Path): unknown {
  let value = root;
  for (const step of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
    value = (value as Record<string | number, unknown>)[step];
  }
  return value;
}

/** A mapping, or null. */
export function mappingOf(value: unknown): Readonly<Record<string, unknown>> | null {
  const isMapping = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isMapping ? (value as Readonly<Record<string, unknown>>) : null;
}

/** `did you mean x?`, or nothing. */
export function meant(word: string, known: Iterable<string>): string {
  return didYouMean(similarTo(word, known))
    .trim()
    .replace(/^\(|\)$/g, '');
}

function pathText(path: Path): string {
  return path
    .map((step) => (typeof step === 'number' ? `[${step}]` : `.${step}`))
    .join('')
    .replace(/^\./, '');
}

function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object' && value !== null) return 'a mapping';
  const text = JSON.stringify(value);
  return text.length <= SHOWN_MAX ? text : `${text.slice(0, SHOWN_MAX)}…`;
}
