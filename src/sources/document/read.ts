/**
 * Reads the text of a configuration document: YAML 1.2 (and so JSON), one document, with places for every value.
 */

import {
  Composer,
  type CST,
  type Document,
  isAlias,
  isMap,
  isSeq,
  Lexer,
  LineCounter,
  type Node,
  Parser,
  type YAMLError,
  YAMLParseError,
} from 'yaml';
import { rest } from '../../lib/threads/rest.ts';
import { didYouMean, type Fault } from '../problems/fault.ts';
import type { Locator, Path, Position, Spot } from '../problems/report.ts';
import type { Environment } from './interpolate.ts';
import { keyText, offsetOf, readTree } from './tree.ts';

/** Largest document in bytes of UTF-8. Reading costs about 1.5 s per MiB. */
export const DOCUMENT_BYTES_MAX = 16 * 1024 * 1024;

/** A fault with its place. */
export interface PlacedFault {
  readonly position: Position;
  readonly path: Path;
  readonly fault: Fault;
}

/** A document's values, or why there are none. `faults` of a readable one spoil the values at their paths only. */
export interface Reading {
  readonly isReadable: boolean;
  readonly value: unknown;
  readonly faults: readonly PlacedFault[];
  readonly locator: Locator;
  /** How many values, with those that aliases repeat. */
  readonly size: number;
}

const NOWHERE: Position = { line: 0, column: 0 };

/** Reads `text`; `environment` null: from where no variable may be named. Never throws, whatever the text is. */
export function readDocument(text: string, environment: Environment | null): Reading {
  if (Buffer.byteLength(text) > DOCUMENT_BYTES_MAX) {
    const got = `${Buffer.byteLength(text)} bytes`;
    return unreadable(NOWHERE, { kind: 'tooLarge', expected: `at most ${DOCUMENT_BYTES_MAX} bytes (16 MiB)`, got });
  }
  const lines = new LineCounter();
  const document = compose(text, lines);
  const positionOf = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { line, column: col };
  };
  const refusals = syntaxFaults(document, text, positionOf);
  if (refusals.length > 0) return { isReadable: false, value: null, faults: refusals, locator: EMPTY_LOCATOR, size: 0 };
  const tree = readTree(document.contents, environment);
  if (tree.value === null) return unreadable(NOWHERE, emptyFault());
  return {
    isReadable: tree.isComplete,
    value: tree.value,
    faults: tree.faults.map(({ offset, path, fault }) => ({ position: positionOf(offset), path, fault })),
    locator: createLocator(document.contents, tree.targets, tree.value, positionOf),
    size: tree.size,
  };
}

/** As `parseDocument` of the library, step by step, with rests between them: the first document, with an error if there are more. */
function compose(text: string, lines: LineCounter): Document.Parsed {
  const options = { version: '1.2', strict: true, prettyErrors: false, logLevel: 'error', uniqueKeys: false } as const;
  const composer = new Composer(options);
  let first: Document.Parsed | null = null;
  for (const document of composer.compose(tokensOf(text, lines), true, text.length)) {
    if (first === null) first = document;
    else {
      first.errors.push(
        new YAMLParseError([document.range[0], document.range[1]], 'MULTIPLE_DOCS', 'several documents'),
      );
      break;
    }
  }
  if (first === null) throw new Error('the composer was told to give a document');
  return first;
}

function* tokensOf(text: string, lines: LineCounter): Generator<CST.Token, void> {
  const parser = new Parser(lines.addNewLine);
  lines.addNewLine(0);
  for (const lexeme of new Lexer().lex(text)) {
    rest();
    yield* parser.next(lexeme);
  }
  yield* parser.end();
}

const EMPTY_LOCATOR: Locator = { locate: () => NOWHERE, valueAt: () => undefined };

function unreadable(position: Position, fault: Fault): Reading {
  return { isReadable: false, value: null, faults: [{ position, path: [], fault }], locator: EMPTY_LOCATOR, size: 0 };
}

function emptyFault(): Fault {
  const hint = 'config/examples/minimal.yaml is a start';
  return { kind: 'empty', expected: 'a mapping with services and routes', got: 'an empty document', hint };
}

function syntaxFaults(document: Document, text: string, positionOf: (offset: number) => Position): PlacedFault[] {
  const errors: YAMLError[] = [...document.errors];
  // An unknown tag is a warning to the parser; the walk over the nodes refuses every tag, with a path.
  errors.push(...document.warnings.filter((warning) => warning.code !== 'TAG_RESOLVE_FAILED'));
  const faults = errors.map((error) => ({
    position: positionOf(error.pos[0]),
    path: [],
    fault: syntaxFault(error, text),
  }));
  const version = document.directives?.yaml.version ?? '1.2';
  if (version === '1.2') return faults;
  const fault: Fault = { kind: 'syntax', expected: 'YAML 1.2', got: `a %YAML ${version} directive` };
  return [{ position: { line: 1, column: 1 }, path: [], fault }, ...faults];
}

function syntaxFault(error: YAMLError, text: string): Fault {
  if (error.code === 'MULTIPLE_DOCS') return { kind: 'severalDocuments', expected: 'one document', got: 'another one' };
  const hint = /\$\{[^}]*$/.test(text.slice(0, error.pos[1]).slice(-80)) ? didYouMean('"${…}", quoted') : '';
  return { kind: 'syntax', expected: 'valid YAML', got: `an error: ${error.message}`, hint };
}

function createLocator(
  root: Node | null,
  targets: ReadonlyMap<Node, Node>,
  value: unknown,
  positionOf: (offset: number) => Position,
): Locator {
  return {
    locate: (path, spot) => positionOf(findOffset(root, targets, path, spot)),
    valueAt: (path) => findValue(value, path),
  };
}

/** Offset of a path's value or key; of its nearest ancestor when the path ends early. */
function findOffset(root: Node | null, targets: ReadonlyMap<Node, Node>, path: Path, spot: Spot): number {
  let node = root;
  let offset = root?.range?.[0] ?? 0;
  for (const step of path) {
    const parent = node !== null && isAlias(node) ? (targets.get(node) ?? node) : node;
    if (isSeq<Node | null>(parent) && typeof step === 'number' && step < parent.items.length) {
      node = parent.items[step] ?? null;
      offset = offsetOf(node, parent);
    } else if (isMap<unknown, Node | null>(parent)) {
      const pair = parent.items.find((item) => keyText(item.key) === step);
      if (pair === undefined) return offset;
      node = pair.value;
      const keyOffset = offsetOf(pair.key, parent);
      // A field that is named and left empty has no node of its own: its key is the place to look.
      offset = spot === 'key' || isAbsent(node) ? keyOffset : offsetOf(node, parent);
    } else return offset;
  }
  return offset;
}

function isAbsent(node: Node | null): boolean {
  return node === null || node.range?.[0] === node.range?.[1];
}

/** The value at a path; undefined where there is none. */
export function findValue(root: unknown, path: Path): unknown {
  let value = root;
  for (const step of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
    value = (value as Record<string | number, unknown>)[step];
  }
  return value;
}
