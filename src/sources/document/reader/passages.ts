/**
 * Takes the text of a whole document apart into passages that can be read by themselves, and reads those that changed.
 *
 * A passage is a field at the margin with everything below it, or, of `routes` and `services` as they are mostly written, one item:
 *
 * ```
 * drain: {delay: 5s}      ← a passage
 * routes:
 *   - name: shop          ← one, up to the next line with a dash under this one
 *     …
 *   - name: cart          ← another one
 * ```
 * Where the lines are only look-alikes (text that goes on at the margin, braces over several lines, an alias of an anchor elsewhere), at
 * least one passage cannot be read by itself, and with the first that is not perfect the text is read as a whole. YAML is read from the
 * front to the back: behind passages that are complete, the next begins as it would at the beginning of a text. Each but the last is read
 * with a field behind it, as there is one in the whole: the library refuses some texts only if they go on.
 */

import { once } from '../../../lib/once.ts';
import { rest } from '../../../lib/threads/rest.ts';
import type { Locator } from '../../problems/report.ts';
import { isMapping } from '../pieces.ts';
import { DOCUMENT_BYTES_MAX, findValue, type Reading } from '../read.ts';
import { VALUES_MAX } from '../tree.ts';

/** A part of a text that says what it says wherever it stands. */
export interface Passage {
  /** The field at the margin that it is, or has an item of. */
  readonly section: string;
  /** Of an item, below a line with its section; with `NEXT` behind it unless it is the last. */
  readonly text: string;
  readonly isItem: boolean;
  /** How many lines further down each of its lines is in the whole. */
  readonly linesBefore: number;
}

/** What may be thought of a passage's value: it is kept, used this once, or something is wrong with it. */
export type Verdict = 'sound' | 'passing' | 'faulty';

export interface PassagesOptions {
  readonly read: (text: string) => Reading;
  /** Looks at a mapping with one field, or completes it. */
  readonly judge: (value: Readonly<Record<string, unknown>>) => Verdict;
}

type Fields = Record<string, unknown>;
type Whole = Pick<Reading, 'locator'> & { readonly value: Readonly<Fields> };

interface Kept {
  readonly fields: Readonly<Fields>;
  /** How many values it has. */
  readonly size: number;
  readonly isSound: boolean;
}

/** A passage that was read. */
interface Read {
  readonly passage: Passage;
  readonly kept: Kept;
}

/** One document, as it changes: what did not change is the same object as before. */
export class Passages {
  readonly #options: PassagesOptions;
  /** Of the last text that could be read so, by their texts. */
  #known: ReadonlyMap<string, Kept> = new Map();

  constructor(options: PassagesOptions) {
    this.#options = options;
  }

  /** Null: it has to be read as a whole, and nothing is known of what is wrong with it, or whether anything is. */
  read(text: string): Whole | null {
    const passages = Buffer.byteLength(text) > DOCUMENT_BYTES_MAX ? null : passagesOf(text);
    if (passages === null) return null;
    const all: Read[] = [];
    const value: Fields = {};
    let [size, news] = [0, 0];
    for (const passage of passages) {
      const known = this.#known.get(passage.text);
      const kept = known ?? this.#readOne(passage);
      if (known === undefined) news += 1;
      if (kept === null || !add(value, passage, kept.fields)) {
        // Most often a slip in a text that was sound before; of one that never is, what was read up to here is not read again.
        if (news > this.#known.size / 2 || all.length > this.#known.size) this.#remember(all);
        return null;
      }
      all.push({ passage, kept });
      size += kept.size;
      rest();
    }
    this.#remember(all);
    // No less than the whole has: what is above an item is counted for each.
    if (size > VALUES_MAX) return null;
    return { value, locator: this.#locatorOf(text, all, value) };
  }

  #remember(all: readonly Read[]): void {
    this.#known = new Map(all.flatMap(({ passage: { text }, kept }) => (kept.isSound ? [[text, kept]] : [])));
  }

  #readOne({ section, text, isItem }: Passage): Kept | null {
    const { faults, value, size } = this.#options.read(text);
    if (faults.length > 0 || !isMapping(value)) return null;
    const { [NEXT_KEY]: _, ...fields } = value;
    const isAlone = Object.keys(fields).length === 1 && Object.hasOwn(fields, section);
    if (!isAlone || (isItem && countOf(fields[section]) !== 1)) return null;
    const verdict = this.#options.judge(fields);
    return verdict === 'faulty' ? null : { fields, size, isSound: verdict === 'sound' };
  }

  #locatorOf(text: string, all: readonly Read[], value: Fields): Locator {
    const { read } = this.#options;
    const whole = once(() => read(text).locator);
    const places = once(() => placesOf(all));
    const locators = new Map<Passage, Locator>();
    return {
      locate: (path, spot) => {
        const passage = places().get(placeOf(path[0])) ?? places().get(placeOf(path[0], path[1]));
        if (passage === undefined) return whole().locate(path, spot);
        const locator = locators.get(passage) ?? read(passage.text).locator;
        locators.set(passage, locator);
        const isListed = passage.isItem && passage.section === 'routes';
        const own = isListed ? ['routes', 0, ...path.slice(2)] : path;
        const { line, column } = locator.locate(own, spot);
        return { line: line + passage.linesBefore, column };
      },
      valueAt: (path) => findValue(value, path),
    };
  }
}

/** Puts a passage's fields into the whole; false: it has them already. */
function add(whole: Fields, { section, isItem }: Passage, fields: Readonly<Fields>): boolean {
  const content = fields[section];
  const before = whole[section];
  if (before === undefined) {
    // Whoever has read the passage has its own list or mapping still.
    whole[section] = isItem ? copyOf(content) : content;
    return true;
  }
  if (!isItem) return false;
  if (Array.isArray(before) && Array.isArray(content)) before.push(content[0]);
  else if (isMapping(before) && isMapping(content)) {
    const [name] = Object.keys(content) as [string];
    if (Object.hasOwn(before, name)) return false;
    before[name] = content[name];
  } else return false;
  return true;
}

function copyOf(content: unknown): unknown {
  return Array.isArray(content) ? content.slice() : { ...(content as Fields) };
}

function countOf(content: unknown): number {
  return Array.isArray(content) ? content.length : isMapping(content) ? Object.keys(content).length : 0;
}

/** Passages by where their values are. */
function placesOf(all: readonly Read[]): ReadonlyMap<string, Passage> {
  let routes = 0;
  return new Map(
    all.map(({ passage, kept }) => {
      const { section, isItem } = passage;
      if (!isItem) return [placeOf(section), passage];
      const step = section === 'routes' ? routes++ : Object.keys(kept.fields[section] as object)[0];
      return [placeOf(section, step), passage];
    }),
  );
}

function placeOf(...path: readonly (string | number | undefined)[]): string {
  return path.join('\n');
}

const NEXT_KEY = '_';
const NEXT = `${NEXT_KEY}: 0\n`;
/** A field at the margin. It cannot be `NEXT_KEY`. */
const SECTION = /^([A-Za-z]\w*):(?:[ \r\n]|$)/;
/** One whose items stand below it. */
const OPEN = /^(?:routes|services):(?: +(?:#.*)?)?\r?\n?$/;
const NOTHING = /^ *(?:#.*)?\r?\n?$/;
const ITEM: Readonly<Record<string, RegExp>> = {
  routes: /^ *-(?:[ \r\n]|$)/,
  services: /^ +(?:\w[\w.-]*|"\w[\w.-]*"|'\w[\w.-]*'):(?:[ \r\n]|$)/,
};

/** A line of a text, with its end. */
interface Line {
  readonly text: string;
  readonly from: number;
}

/** All passages in their order; null: it is not all sections. Says nothing of whether they can be read. */
export function passagesOf(text: string): Passage[] | null {
  const lines = linesOf(text);
  const starts: [line: number, section: string][] = [];
  for (const [index, line] of lines.entries()) {
    const section = SECTION.exec(line.text)?.[1];
    if (section !== undefined) starts.push([index, section]);
    else if (starts.length === 0 ? !NOTHING.test(line.text) : /^[^ #\r\n-]|^-[^ \r\n]/.test(line.text)) return null;
  }
  const passages: Passage[] = [];
  for (const [n, [start, section]] of starts.entries()) {
    const end = starts[n + 1]?.[0] ?? lines.length;
    const items = itemsOf(text, lines, [start, end], section);
    for (const one of items ?? []) passages.push(one);
    if (items === null)
      passages.push({ section, text: textOf(text, lines, start, end), isItem: false, linesBefore: start });
  }
  const isTwice = new Set(starts.map(([, section]) => section)).size < starts.length;
  if (starts.length === 0 || isTwice) return null;
  return passages.map((one, n) => (n === passages.length - 1 ? one : { ...one, text: one.text + NEXT }));
}

/** The items of a section, each with what stands before the next; null: it is not all items. */
function itemsOf(
  text: string,
  lines: readonly Line[],
  [start, end]: [number, number],
  section: string,
): Passage[] | null {
  const item = ITEM[section];
  if (item === undefined || !OPEN.test((lines[start] as Line).text)) return null;
  const starts: number[] = [];
  let margin = -1;
  for (let index = start + 1; index < end; index++) {
    const line = (lines[index] as Line).text;
    if (NOTHING.test(line)) continue;
    const indent = line.search(/[^ ]/);
    if (margin < 0) margin = indent;
    if (indent > margin) continue;
    if (indent < margin || !item.test(line)) return null;
    starts.push(index);
  }
  return starts.length === 0
    ? null
    : starts.map((from, n) => {
        const own = textOf(text, lines, from, starts[n + 1] ?? end);
        return { section, text: `${section}:\n${own}`, isItem: true, linesBefore: from - 1 };
      });
}

function linesOf(text: string): Line[] {
  const lines: Line[] = [];
  for (let from = 0; from < text.length; ) {
    const end = text.indexOf('\n', from) + 1 || text.length;
    lines.push({ text: text.slice(from, end), from });
    from = end;
  }
  return lines;
}

function textOf(text: string, lines: readonly Line[], start: number, end: number): string {
  return text.slice(lines[start]?.from, lines[end]?.from ?? text.length);
}
