/**
 * Collects the faults of a document, merged from several or not, and turns them into problems with file, line and column.
 *
 * At most 1,000 are kept; a last problem says how many more there are, so that a 10,000-route file with one wrong
 * template does not flood logs and status pages.
 */

import type { Problem } from '../../model/problem.ts';
import { codeOf } from './codes.ts';
import { describe, type Fault } from './fault.ts';

/** Steps from the document's root to a value: field names and list indexes. */
export type Path = readonly (string | number)[];

/** What of the value at a path a problem points at. */
export type Spot = 'key' | 'value';

/** Where things stand in the document, and what they are. */
export interface Locator {
  /** 1-based position of a path; of its nearest existing ancestor when the path does not exist. */
  locate(path: Path, spot: Spot): Position;
  /** The value at a path, undefined where there is none. */
  valueAt(path: Path): unknown;
}

export interface Position {
  readonly line: number;
  readonly column: number;
  /** Where the document is merged from several: the one that this place is in. Without it, the report's own. */
  readonly piece?: PiecePlace;
}

/** A document among several. */
export interface PiecePlace {
  /** What problems call it. */
  readonly name: string;
  /** Its place among the documents. */
  readonly order: number;
  /** Path inside it. */
  readonly path: Path;
}

/** Collects faults; `problems()` gives them in the order of the document. */
export interface Report {
  add(path: Path, fault: Fault, spot?: Spot): void;
  /** Adds a fault whose place is known; its `got` is that of the value at the path unless it says so itself. */
  addAt(position: Position, path: Path, fault: Fault): void;
  readonly count: number;
  /** A path in words, for messages about another place: `routes[1]`, or `routes[1] of conf.d/a.yaml`. */
  nameOf(path: Path): string;
  problems(): Problem[];
}

export const PROBLEMS_MAX = 1000;

/** An empty report on the document that `locator` describes. */
export function createReport(file: string, locator: Locator): Report {
  const found: { readonly problem: Problem; readonly order: number }[] = [];
  let count = 0;
  return {
    add(path, fault, spot = 'value') {
      if (found.length < PROBLEMS_MAX) this.addAt(locator.locate(path, spot), path, fault);
      else count += 1;
    },
    addAt({ line, column, piece }, path, fault) {
      count += 1;
      if (found.length >= PROBLEMS_MAX) return;
      const hint = typeof fault.hint === 'function' ? fault.hint() : (fault.hint ?? '');
      const got = fault.got ?? describe(locator.valueAt(path));
      const code = codeOf(fault.kind);
      const shown = formatPath(piece?.path ?? path);
      const problem = {
        code,
        file: piece?.name ?? file,
        line,
        column,
        path: shown,
        expected: fault.expected,
        got,
        hint,
      };
      found.push({ problem, order: piece?.order ?? 0 });
    },
    nameOf(path) {
      const { piece } = locator.locate(path, 'value');
      const shown = formatPath(piece?.path ?? path);
      if (piece === undefined || piece.order === 0) return shown;
      return shown === '' ? piece.name : `${shown} of ${piece.name}`;
    },
    get count() {
      return count;
    },
    problems() {
      const sorted = found
        .toSorted((a, b) => a.order - b.order || a.problem.line - b.problem.line || a.problem.column - b.problem.column)
        .map(({ problem }) => problem);
      if (count > found.length) sorted.push(moreProblems(file, count - found.length));
      return sorted;
    },
  };
}

function moreProblems(file: string, count: number): Problem {
  const expected = `at most ${PROBLEMS_MAX} problems to show`;
  const got = `${count} more`;
  return { code: codeOf('moreProblems'), file, line: 0, column: 0, path: '', expected, got, hint: '' };
}

/** `['routes', 0, 'backendRefs', 1]` as `routes[0].backendRefs[1]`; unusual keys are quoted: `versions["1.0"]`. */
export function formatPath(path: Path): string {
  let text = '';
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`;
    else if (!/^[A-Za-z_][A-Za-z0-9_-]*$/.test(step)) text += `[${JSON.stringify(step)}]`;
    else text += text === '' ? step : `.${step}`;
  }
  return text;
}
