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
  /** Of its last change. */
  readonly index: number;
}

/** Every key below a path. */
export interface Tree {
  readonly index: number;
  readonly entries: readonly Entry[];
}

export interface Names {
  readonly index: number;
  readonly names: readonly string[];
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
}

/** So many keys are read at once. */
const LEAF_KEYS = 128;
/** Questions under way at a time. */
const AT_ONCE = 16;
/** Parts that are read with their values; more are sooner read as a whole. */
const LEAVES_MAX = 16;
/** What a path would have to be encoded for, or a server would take for a way up. */
const ODD = /[^A-Za-z0-9_@~:./-]|\/[/.]|^$/;

/**
 * What became different; null where that is not certain, or not worth it.
 * @param before index of every key that was there
 * @param told names that are known already, of a moment since then; null: they are asked for
 */
export async function changeOfTree(
  asking: Asking,
  before: ReadonlyMap<string, number>,
  told: Names | null = null,
): Promise<TreeChange | null> {
  if (before.size <= LEAF_KEYS) return null;
  const change = told === null ? 'overtaken' : await changeBetween(asking, before, told);
  if (change !== 'overtaken') return change;
  const asked = await changeBetween(asking, before, await asking.names(asking.root));
  return asked === 'overtaken' ? null : asked;
}

/** `overtaken`: something has changed since the names were told. */
async function changeBetween(
  asking: Asking,
  before: ReadonlyMap<string, number>,
  { index, names }: Names,
): Promise<TreeChange | 'overtaken' | null> {
  if (names.some((name) => ODD.test(name))) return null;
  const search = new Search(asking, before, index);
  const isCertain = await search.visit(asking.root, names.toSorted());
  if (search.isOvertaken) return 'overtaken';
  const { changed, seen } = search;
  if (!isCertain || seen !== names.length) return null;
  const added = changed.filter(({ key }) => !before.has(key)).length;
  return { index, changed, gone: before.size + added === names.length ? [] : goneOf(before, names) };
}

function goneOf(before: ReadonlyMap<string, number>, names: readonly string[]): string[] {
  const there = new Set(names);
  return [...before.keys()].filter((key) => !there.has(key));
}

/** Keys with a beginning in common. */
interface Part {
  readonly path: string;
  readonly keys: readonly string[];
}

class Search {
  readonly changed: Entry[] = [];
  /** Keys whose index is certain. */
  seen = 0;
  /** An answer is of a later moment than the names. */
  isOvertaken = false;
  readonly #asking: Asking;
  readonly #before: ReadonlyMap<string, number>;
  readonly #index: number;
  #leaves = 0;

  constructor(asking: Asking, before: ReadonlyMap<string, number>, index: number) {
    this.#asking = asking;
    this.#before = before;
    this.#index = index;
  }

  /** Takes in what is below a path; false: nothing is certain any more. `keys` are sorted. */
  async visit(path: string, keys: readonly string[]): Promise<boolean> {
    if (keys.length <= LEAF_KEYS) return this.#read(path, keys);
    const parts = smallPartsOf(keys);
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
    for (const part of different) if (!(await this.visit(part.path, part.keys))) return false;
    return true;
  }

  /** Whether the keys of a part are what they were, and counts them. */
  #isKnown({ keys }: Part, index: number): boolean {
    let newest = 0;
    for (const key of keys) {
      const known = this.#before.get(key);
      if (known === undefined) return false;
      newest = Math.max(newest, known);
    }
    if (newest !== index) return false;
    this.seen += keys.length;
    return true;
  }

  #isOfThen(index: number): boolean {
    this.isOvertaken ||= index > this.#index;
    return !this.isOvertaken;
  }

  async #read(path: string, keys: readonly string[]): Promise<boolean> {
    this.#leaves += 1;
    if (this.#leaves > LEAVES_MAX) return false;
    const { index, entries } = await this.#asking.tree(path);
    const there = entries.map(({ key }) => key).toSorted();
    if (!this.#isOfThen(index)) return false;
    if (there.length !== keys.length || there.some((key, n) => key !== keys[n])) return false;
    for (const entry of entries) if (this.#before.get(entry.key) !== entry.index) this.changed.push(entry);
    this.seen += entries.length;
    return true;
  }
}

/** Parts of which none holds more than half of the keys, unless it cannot be parted; null: as below. */
function smallPartsOf(keys: readonly string[]): Part[] | null {
  const parts = partsOf(keys);
  const most = parts?.find((part) => part.keys.length * 2 > keys.length && part.keys.length > LEAF_KEYS);
  if (parts === null || most === undefined) return parts;
  const within = smallPartsOf(most.keys);
  return within === null ? parts : parts.flatMap((part) => (part === most ? within : [part]));
}

/** Parts by the first character in which keys differ; null: a key is the beginning of all others. */
function partsOf(keys: readonly string[]): Part[] | null {
  const [first = ''] = keys;
  const last = keys.at(-1) as string;
  let length = 0;
  while (length < first.length && first[length] === last[length]) length += 1;
  if (length === first.length) return null;
  const parts = new Map<string, string[]>();
  for (const key of keys) {
    const path = key.slice(0, length + 1);
    const part = parts.get(path);
    if (part === undefined) parts.set(path, [key]);
    else part.push(key);
  }
  return [...parts].map(([path, own]) => ({ path, keys: own }));
}
