/**
 * Tells code, comments and string contents of a TypeScript text apart, without a parser.
 *
 * A single pass over the characters with a stack for template literals. What is not wanted is blanked with spaces, so
 * offsets and lines stay those of the original. Known limit: a regular expression right after `)` is read as a
 * division, which at worst leaves its text in the code half.
 */

/** The same text three times, each with the rest blanked. */
export interface Scan {
  /** Code with comments, string contents, template texts and regular expressions blanked; quotes stay. */
  readonly code: string;
  /** Comments only. */
  readonly comments: string;
}

/** One import, export-from, dynamic import, require or `new URL(…, import.meta.url)`. */
export interface ImportSite {
  readonly specifier: string;
  readonly offset: number;
}

const REGEX_AFTER = new Set(['', ...'(,=:[!&|?{};+-*%~^<>'.split('')]);
const REGEX_AFTER_WORDS = /\b(?:return|typeof|case|in|of|new|delete|void|throw|instanceof|do|else|await|yield)$/;
/** Of the longest of them, `instanceof`. */
const WORD_LENGTH_MAX = 10;

/** A run of characters that begin nothing. */
const ORDINARY = /[^/'"`{}]+/y;

/** End offset (exclusive) of a quoted string or regular expression that starts at `start`. */
function endOfLiteral(text: string, start: number, close: string): number {
  let inClass = false;
  for (let at = start + 1; at < text.length; at++) {
    const char = text[at];
    if (char === '\\') at += 1;
    else if (char === '\n') return at;
    else if (close === '/' && char === '[') inClass = true;
    else if (close === '/' && char === ']') inClass = false;
    else if (char === close && !inClass) return at + 1;
  }
  return text.length;
}

/** End offset of template text: after the closing backtick, or after `${`. */
function endOfTemplate(text: string, start: number): { end: number; opensExpression: boolean } {
  for (let at = start; at < text.length; at++) {
    const char = text[at];
    if (char === '\\') at += 1;
    else if (char === '`') return { end: at + 1, opensExpression: false };
    else if (char === '$' && text[at + 1] === '{') return { end: at + 2, opensExpression: true };
  }
  return { end: text.length, opensExpression: false };
}

function blank(text: string): string {
  if (!text.includes('\n')) return ' '.repeat(text.length);
  const spaces = (line: string): string => ' '.repeat(line.length);
  return text.split('\n').map(spaces).join('\n');
}

/** Blanks the inside of a literal and keeps its first and last character. */
function hollow(text: string): string {
  return text.length < 2 ? text : `${text[0]}${blank(text.slice(1, -1))}${text.at(-1)}`;
}

/** State of one pass; `depths` holds the brace depth of every `${` that is open. */
class Scanner {
  /** The code so far. */
  readonly code: string[] = [];
  /** Where comments begin and end, by turns. */
  readonly comments: number[] = [];
  at = 0;
  depth = 0;
  readonly depths: number[] = [];
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  /** Leaves the text up to `end` to the comments. */
  comment(end: number): void {
    this.comments.push(this.at, end);
    this.take(end, blank(this.text.slice(this.at, end)));
  }

  /** Moves the text up to `end` into the code as `shown`. */
  take(end: number, shown: string): void {
    this.code.push(shown);
    this.at = end;
  }

  template(start: number): void {
    const { end, opensExpression } = endOfTemplate(this.text, start);
    if (opensExpression) this.depths.push(this.depth);
    this.take(end, hollow(this.text.slice(this.at, end)));
  }

  step(): void {
    const { text, at } = this;
    const char = text[at] ?? '';
    const next = text[at + 1];
    if (char === '/' && next === '/') this.comment(endOr(text, text.indexOf('\n', at)));
    else if (char === '/' && next === '*') this.comment(endOr(text, text.indexOf('*/', at + 2) + 2, 1));
    else if (char === "'" || char === '"') this.literal(char);
    else if (char === '`') this.template(at + 1);
    else if (char === '/' && this.startsRegex()) this.literal('/');
    else if (char === '}' && this.depths.at(-1) === this.depth) {
      this.depths.pop();
      this.template(at + 1);
    } else this.plain(char);
  }

  /** Takes a brace, a lone slash, or the run of ordinary characters up to the next special one. */
  plain(char: string): void {
    if (char === '{') this.depth += 1;
    if (char === '}') this.depth -= 1;
    ORDINARY.lastIndex = this.at;
    const run = ORDINARY.exec(this.text)?.[0] ?? char;
    this.take(this.at + run.length, run);
  }

  literal(close: string): void {
    const end = endOfLiteral(this.text, this.at, close);
    this.take(end, hollow(this.text.slice(this.at, end)));
  }

  /** Whether a slash here begins one: as far back as a word of `REGEX_AFTER_WORDS` and what is before it. */
  startsRegex(): boolean {
    let before = '';
    for (let n = this.code.length - 1; n >= 0 && before.length <= WORD_LENGTH_MAX; n--) {
      before = `${this.code[n]}${before}`.trimEnd();
    }
    return REGEX_AFTER.has(before.at(-1) ?? '') || REGEX_AFTER_WORDS.test(before.slice(-WORD_LENGTH_MAX - 1));
  }
}

/** `offset`, or the text's end when the search behind it found nothing (gave `missing` or less). */
function endOr(text: string, offset: number, missing = -1): number {
  return offset <= missing ? text.length : offset;
}

/** A text with all but its comments blanked. @param bounds where they begin and end, by turns */
function commentsOf(text: string, bounds: readonly number[]): string {
  const edges = [0, ...bounds, text.length];
  const parts = edges.slice(1).map((end, n) => text.slice(edges[n], end));
  return parts.map((part, n) => (n % 2 === 0 ? blank(part) : part)).join('');
}

const scans = new Map<string, Scan>();

/** Splits a text into its code and its comments. Cost: one pass, remembered for the next rule that asks. */
export function scan(text: string): Scan {
  const known = scans.get(text);
  if (known !== undefined) return known;
  const scanner = new Scanner(text);
  // A shebang is neither.
  if (text.startsWith('#!')) scanner.comment(endOr(text, text.indexOf('\n')));
  while (scanner.at < text.length) scanner.step();
  // In one piece: a collection of garbage would walk through the hundreds of each file.
  const code = scanner.code.join('');
  const bounds = scanner.comments;
  let comments: string | null = null;
  const result: Scan = {
    code,
    get comments() {
      comments ??= commentsOf(text, bounds);
      return comments;
    },
  };
  scans.set(text, result);
  return result;
}

const MODULE_URL = /\bnew\s+URL\s*\(\s*(['"])(?=[^)]*\bimport\.meta\.url)/g;
const IMPORTS = [
  /\b(?:import|export)\b[^;'"`()]*?\bfrom\s*(['"])/g,
  /\bimport\s*(['"])/g,
  /\b(?:import|require)\s*\(\s*(['"])/g,
  MODULE_URL,
];

const imports = new Map<string, readonly ImportSite[]>();

/** Every place where a text names another module by a literal, remembered as scans are. */
export function importsOf(text: string): readonly ImportSite[] {
  const known = imports.get(text);
  if (known !== undefined) return known;
  const sites = findImports(text);
  imports.set(text, sites);
  return sites;
}

function findImports(text: string): ImportSite[] {
  const { code } = scan(text);
  const sites: ImportSite[] = [];
  for (const pattern of IMPORTS) {
    for (const match of code.matchAll(pattern)) {
      const quote = match[1] ?? '';
      const open = match.index + match[0].length - 1;
      const specifier = text.slice(open + 1, code.indexOf(quote, open + 1));
      // A URL of something else than a module is data.
      if (pattern !== MODULE_URL || specifier.endsWith('.ts')) sites.push({ specifier, offset: open });
    }
  }
  return sites.sort((a, b) => a.offset - b.offset);
}
