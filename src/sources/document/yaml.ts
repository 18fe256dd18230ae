/**
 * Reads and writes YAML that is no configuration of ours: files of several documents, as other tools write them; gives documents one form.
 *
 * Strict YAML 1.2, values as they are: no variables, no merging. Tags, aliases and keys that are not text are refused, like documents
 * above 16 MiB in all.
 */

import { isDeepStrictEqual } from 'node:util';
import { Document, Lexer, LineCounter, parseAllDocuments, parseDocument, visit } from 'yaml';
import { DOCUMENT_BYTES_MAX } from './read.ts';

/** A place in a file, 1-based. */
export interface YamlPlace {
  readonly line: number;
  readonly column: number;
}

/** One document of a file. */
export interface YamlDocument {
  readonly value: unknown;
  /** Where a path is; its nearest existing ancestor when it does not exist. */
  placeOf(path: readonly (string | number)[]): YamlPlace;
}

export type YamlFile =
  | { readonly ok: true; readonly documents: readonly YamlDocument[] }
  | { readonly ok: false; readonly place: YamlPlace; readonly because: string };

/** Every document of a text that is not empty. Never throws. */
export function readYaml(text: string): YamlFile {
  if (Buffer.byteLength(text) > DOCUMENT_BYTES_MAX) return refused(`more than ${DOCUMENT_BYTES_MAX} bytes (16 MiB)`);
  const lines = new LineCounter();
  const placeAt = (offset: number): YamlPlace => {
    const { line, col } = lines.linePos(offset);
    return { line, column: col };
  };
  const options = { version: '1.2', strict: true, prettyErrors: false, logLevel: 'error', lineCounter: lines } as const;
  const parsed = parseAllDocuments(text, options);
  const documents: Document[] = Array.isArray(parsed) ? parsed : [];
  for (const document of documents) {
    const [error] = [...document.errors, ...document.warnings];
    if (error !== undefined) return { ok: false, place: placeAt(error.pos[0]), because: error.message };
  }
  try {
    const read = documents.flatMap((document) => {
      const value: unknown = document.toJS({ maxAliasCount: 0 });
      return value === null ? [] : [{ value, placeOf: (path: readonly (string | number)[]) => place(document, path) }];
    });
    return { ok: true, documents: read };
  } catch (error) {
    return refused(error instanceof Error ? error.message : String(error));
  }

  function place(document: Document, path: readonly (string | number)[]): YamlPlace {
    for (let length = path.length; length >= 0; length--) {
      const node = length === 0 ? document.contents : document.getIn(path.slice(0, length), true);
      const range = (node as { readonly range?: readonly number[] | null } | null | undefined)?.range;
      if (range !== undefined && range !== null) return placeAt(range[0] as number);
    }
    return { line: 1, column: 1 };
  }
}

function refused(because: string): YamlFile {
  return { ok: false, place: { line: 1, column: 1 }, because };
}

/**
 * Documents as YAML, each after a line of dashes but the first. Safe for a terminal: characters that are not to be seen are escaped, so
 * that the values stay what they are. Text that YAML 1.1 takes for something else (`no`, `on`, `012`) is quoted.
 */
export function writeYaml(documents: readonly unknown[]): string {
  return documents.map(writtenOf).join('---\n');
}

/** Controls, formats and separators of lines, but for the ends of lines and tabs of a text. */
const UNSEEN = /[[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]--[\n\t]]/v;
const EVERY_UNSEEN = new RegExp(UNSEEN, 'gv');

function writtenOf(value: unknown): string {
  const document = new Document(value, { compat: 'yaml-1.1', aliasDuplicateObjects: false });
  visit(document, {
    Scalar: (_, scalar) => {
      const { value: text } = scalar;
      // Blocks of nothing but blanks and ends of lines read as something else.
      if (typeof text === 'string' && (UNSEEN.test(text) || text.trim() === '')) scalar.type = 'QUOTE_DOUBLE';
    },
  });
  // What is left of them stands between double quotes: nowhere else does YAML have escapes.
  return document.toString({ lineWidth: 0 }).replace(EVERY_UNSEEN, escaped);
}

function escaped(character: string): string {
  const code = (character.codePointAt(0) as number).toString(16);
  return code.length <= 4 ? `\\u${code.padStart(4, '0')}` : `\\U${code.padStart(8, '0')}`;
}

/** A document in the one form, or why it has none. */
export type FormattedYaml =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly because: string };

/**
 * One document in the one form: indented by two spaces, one space before a comment, no padding in braces, at most one empty line in a
 * row, order and quotes as they are. What would not say the same afterwards, or would lose a comment, is refused. Never throws.
 */
export function formatYaml(text: string): FormattedYaml {
  if (Buffer.byteLength(text) > DOCUMENT_BYTES_MAX) return { ok: false, because: 'it has more than 16 MiB' };
  const before = parseDocument(text, FORMAT_OPTIONS);
  const [error] = before.errors;
  if (error !== undefined) return { ok: false, because: error.message };
  try {
    const formatted = withoutSpare(before.toString({ indent: 2, lineWidth: 0, flowCollectionPadding: false }));
    const after = parseDocument(formatted, FORMAT_OPTIONS);
    const isSame =
      after.errors.length === 0 &&
      isDeepStrictEqual(after.toJS(), before.toJS()) &&
      isDeepStrictEqual(commentsIn(formatted), commentsIn(text));
    return isSame ? { ok: true, text: formatted } : { ok: false, because: 'it would not say the same afterwards' };
  } catch (error) {
    // Aliases of nothing, or of too much.
    return { ok: false, because: error instanceof Error ? error.message : String(error) };
  }
}

const FORMAT_OPTIONS = { version: '1.2', strict: true, prettyErrors: false, logLevel: 'error' } as const;

/** Marks that the lexer puts between the parts of a text: begin of a document, end of a flow, begin of a scalar. */
const MARKS: ReadonlySet<string> = new Set(['\u0002', '\u0018', '\u001f']);

/** Spaces behind comments are the printer's only spare ones. */
function withoutSpare(text: string): string {
  const parts = [...new Lexer().lex(text)].filter((part) => !MARKS.has(part));
  return parts.map((part) => (part.startsWith('#') ? part.trimEnd() : part)).join('');
}

function commentsIn(text: string): string[] {
  return [...new Lexer().lex(text)].filter((lexeme) => lexeme.startsWith('#')).map((comment) => comment.trimEnd());
}
