/**
 * Finds what changed in a tree of Consul without reading all of it.
 *
 * The answer for a part of the tree carries the highest index of the keys in it, or of those that were deleted there. Names are
 * asked for the whole, then the index of ever smaller parts, as long as it is not the one that their keys had; only what is small and
 * different is read with its values. A part that holds most of the keys is not asked for: whatever changed, it is likely in there, and
 * Consul lists all names of what it is asked for. 10,000 keys of which one changed take about 25 small questions, not 3 MiB.
 *
 * All answers must be of one moment: as soon as one has an index above that of the names, or says something else than they do,
 * nothing is certain. Names that a watch brought are then asked for again; names that were just asked for mean that everything
 * has to be listed.
 */

/** One key as it is. */
export interface Entry {
  readonly key: string;
  /** Base64; null: empty. */
  readonly value: string | null;
  /** Of its last change; above 0. */
  readonly index: number;
}

/** Every key below a path. */
export interface Tree {
  readonly index: number;
  readonly entries: readonly Entry[];
}

export interface Names {
  readonly index: number;
  /** In the order of strings. The same list again, as an object, where it says the same. */
  readonly names: readonly string[];
}

/** Every key that was there and the index of its last change, in the order of keys. Never changed in place. */
export interface Known {
  readonly keys: readonly string[];
  readonly indexes: readonly number[];
}

/** How to ask; paths are beginnings of keys. */
export interface Asking {
  readonly root: string;
  readonly names: (path: string) => Promise<Names>;
  readonly index: (path: string) => Promise<number>;
  readonly tree: (path: string) => Promise<Tree>;
}

/** What is different. */
export interface TreeChange {
  readonly index: number;
  /** With those that came. */
  readonly changed: readonly Entry[];
  readonly gone: readonly string[];
  /** What is there now. */
  readonly known: Known;
}

/** So many keys are read at once. */
const LEAF_KEYS = 128;
/** Questions under way at a time. */
const AT_ONCE = 16;
/** Parts that are read with their values; more are sooner read as a whole. */
const LEAVES_MAX = 16;
/** What a path would have to be encoded for, or a server would take for a way up. */
const ODD = /[^A-Za-z0-9_@~:./-]|\/[/.]|^$/;

/** What is known of a whole tree. */
export function knownOf(entries: readonly Entry[]): Known {
  const sorted = entries.toSorted(byKey);
  return { keys: sorted.map(({ key }) => key), indexes: sorted.map(({ index }) => index) };
}

/**
 * What became different; null where that is not certain, or not worth it.
 * @param told names that are known already, of a moment since then; null: they are asked for
 */
export async function changeOfTree(
  asking: Asking,
  before: Known,
  told: Names | null = null,
): Promise<TreeChange | null> {
  if (!isWorthIt(before)) return null;
  const change = told === null ? 'overtaken' : await searchTree(asking, before, told);
  if (change !== 'overtaken') return change;
  const asked = await searchTree(asking, before, await asking.names(asking.root));
  return asked === 'overtaken' ? null : asked;
}

/** Whether there is more than is read at once anyway. */
export function isWorthIt({ keys }: Known): boolean {
  return keys.length > LEAF_KEYS;
}

/** What became different up to the moment of `told`; null as above. `overtaken`: something has changed since that moment. */
export async function searchTree(
  asking: Asking,
  before: Known,
  { index, names }: Names,
): Promise<TreeChange | 'overtaken' | null> {
  // Those of before were looked at when they came.
  if (names !== before.keys && names.some((name) => ODD.test(name))) return null;
  const { indexes, gone } = matched(before, names);
  const search = new Search(asking, index, names, indexes);
  const isCertain = await search.visit({ path: asking.root, from: 0, to: names.length });
  if (search.isOvertaken) return 'overtaken';
  const { changed, seen } = search;
  if (!isCertain || seen !== names.length) return null;
  return { index, changed, gone, known: { keys: names, indexes } };
}

/** What is known of each of the names, 0 of one that was not there, as a list of its own; and the keys that are none of them. */
function matched({ keys, indexes }: Known, names: readonly string[]): { indexes: number[]; gone: string[] } {
  if (names === keys) return { indexes: [...indexes], gone: [] };
  const [own, gone]: [number[], string[]] = [[], []];
  let at = 0;
  for (const name of names) {
    for (let key = keys[at]; key !== undefined && key < name; key = keys[++at]) gone.push(key);
    const isThere = keys[at] === name;
    own.push(isThere ? (indexes[at] as number) : 0);
    if (isThere) at += 1;
  }
  return { indexes: own, gone: gone.concat(keys.slice(at)) };
}

/** The names from `from` to before `to`, which have a beginning in common that no other has. */
interface Part {
  readonly path: string;
  readonly from: number;
  readonly to: number;
}

class Search {
  readonly changed: Entry[] = [];
  /** Keys whose index is certain. */
  seen = 0;
  /** An answer is of a later moment than the names. */
  isOvertaken = false;
  readonly #asking: Asking;
  readonly #index: number;
  readonly #names: readonly string[];
  /** Of each name: what was known, and then what is. */
  readonly #indexes: number[];
  #leaves = 0;

  constructor(asking: Asking, index: number, names: readonly string[], indexes: number[]) {
    this.#asking = asking;
    this.#index = index;
    this.#names = names;
    this.#indexes = indexes;
  }

  /** Takes in what is below a path; false: nothing is certain any more. */
  async visit(whole: Part): Promise<boolean> {
    if (sizeOf(whole) <= LEAF_KEYS) return this.#read(whole);
    const parts = smallPartsOf(this.#names, whole);
    if (parts === null) return false;
    const different: Part[] = [];
    for (let at = 0; at < parts.length; at += AT_ONCE) {
      const some = parts.slice(at, at + AT_ONCE);
      const answers = await Promise.all(some.map((part) => this.#asking.index(part.path)));
      for (const [n, index] of answers.entries()) {
        if (!this.#isOfThen(index)) return false;
        const part = some[n] as Part;
        if (!this.#isKnown(part, index)) different.push(part);
      }
    }
    for (const part of different) if (!(await this.visit(part))) return false;
    return true;
  }

  /** Whether the keys of a part are what they were, and counts them. */
  #isKnown(part: Part, index: number): boolean {
    let newest = 0;
    for (let at = part.from; at < part.to; at++) {
      const known = this.#indexes[at] as number;
      if (known === 0) return false;
      if (known > newest) newest = known;
    }
    if (newest !== index) return false;
    this.seen += sizeOf(part);
    return true;
  }

  #isOfThen(index: number): boolean {
    this.isOvertaken ||= index > this.#index;
    return !this.isOvertaken;
  }

  async #read(part: Part): Promise<boolean> {
    this.#leaves += 1;
    if (this.#leaves > LEAVES_MAX) return false;
    const { index, entries } = await this.#asking.tree(part.path);
    if (!this.#isOfThen(index)) return false;
    const there = entries.toSorted(byKey);
    if (there.length !== sizeOf(part)) return false;
    if (there.some(({ key }, n) => key !== this.#names[part.from + n])) return false;
    for (const [n, entry] of there.entries()) {
      if (this.#indexes[part.from + n] === entry.index) continue;
      this.#indexes[part.from + n] = entry.index;
      this.changed.push(entry);
    }
    this.seen += there.length;
    return true;
  }
}

/** Parts of which none holds more than half of the names, unless it cannot be parted; null: as below. */
function smallPartsOf(names: readonly string[], whole: Part): Part[] | null {
  const parts = partsOf(names, whole);
  const most = parts?.find((part) => sizeOf(part) * 2 > sizeOf(whole) && sizeOf(part) > LEAF_KEYS);
  if (parts === null || most === undefined) return parts;
  const within = smallPartsOf(names, most);
  return within === null ? parts : parts.flatMap((part) => (part === most ? within : [part]));
}

/** Parts by the first character in which names differ; null: a name is the beginning of all others. */
function partsOf(names: readonly string[], { from, to }: Part): Part[] | null {
  const first = names[from] as string;
  const last = names[to - 1] as string;
  let length = 0;
  while (length < first.length && first[length] === last[length]) length += 1;
  if (length === first.length) return null;
  const parts: Part[] = [];
  for (let at = from; at < to; ) {
    const end = endOf(names, { at, to, length });
    parts.push({ path: (names[at] as string).slice(0, length + 1), from: at, to: end });
    at = end;
  }
  return parts;
}

/** Where, from `at` to `to`, the first name is whose character after `length` is another than that of the name at `at`. */
function endOf(names: readonly string[], { at, to, length }: { at: number; to: number; length: number }): number {
  const own = (names[at] as string)[length];
  let [low, high] = [at + 1, to];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((names[middle] as string)[length] === own) low = middle + 1;
    else high = middle;
  }
  return low;
}

function sizeOf({ from, to }: Part): number {
  return to - from;
}

function byKey(a: Entry, b: Entry): number {
  return a.key < b.key ? -1 : Number(a.key > b.key);
}
