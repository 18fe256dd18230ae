import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Random } from '#src/lib/random.ts';
import {
  type Asking,
  changeOfTree,
  type Entry,
  type Known,
  knownOf,
  searchTree,
  type TreeChange,
} from '#src/sources/stores/consul/narrow.ts';
import { samples } from '../../../../support/runner/depth.ts';

const ROOT = 'p/';
const ROUNDS = samples(150, 30);

/** A tree as Consul keeps it: an index for every key, and for every deletion. */
class Keys {
  readonly entries = new Map<string, Entry>();
  readonly #deleted = new Map<string, number>();
  index = 1;
  questions = 0;
  valuesRead = 0;
  namesRead = 0;
  /** The list that was told last. */
  #names: readonly string[] = [];
  /** Called before each answer. */
  before: () => void = () => undefined;

  put(key: string, value: string): void {
    this.index += 1;
    this.entries.set(key, { key, value, index: this.index });
  }

  remove(key: string): void {
    this.index += 1;
    if (this.entries.delete(key)) this.#deleted.set(key, this.index);
  }

  get known(): Known {
    return knownOf([...this.entries.values()]);
  }

  readonly asking: Asking = {
    root: ROOT,
    names: async (path) => {
      const { index, entries } = this.#below(path);
      this.namesRead += entries.length;
      const names = entries.map(({ key }) => key).toSorted();
      if (names.join() !== this.#names.join()) this.#names = names;
      return { index, names: this.#names };
    },
    index: async (path) => {
      const { index, entries } = this.#below(path);
      this.namesRead += entries.length;
      return index;
    },
    tree: async (path) => {
      const tree = this.#below(path);
      this.valuesRead += tree.entries.length;
      return tree;
    },
  };

  #below(path: string) {
    this.questions += 1;
    this.before();
    const entries = [...this.entries.values()].filter(({ key }) => key.startsWith(path));
    const deleted = [...this.#deleted].filter(([key]) => key.startsWith(path)).map(([, index]) => index);
    const index = Math.max(0, ...entries.map((entry) => entry.index), ...deleted);
    return { index: index === 0 ? this.index : index, entries };
  }
}

function filled(count: number): Keys {
  const keys = new Keys();
  for (let n = 0; n < count; n++) keys.put(`${ROOT}routes/r${String(n).padStart(5, '0')}`, `v${n}`);
  return keys;
}

/** What the change makes of the values of before. */
function applied(before: ReadonlyMap<string, Entry>, { changed, gone }: TreeChange): Map<string, Entry> {
  const all = new Map([...before, ...changed.map((entry) => [entry.key, entry] as const)]);
  for (const key of gone) assert.ok(all.delete(key), `${key} was there`);
  return all;
}

describe('what changed in a tree', () => {
  test('is found from names that were told, unless something has changed since', async () => {
    const keys = filled(3000);
    const [before, entries] = [keys.known, new Map(keys.entries)];
    keys.put(`${ROOT}routes/r01234`, 'new');
    const told = await keys.asking.names(ROOT);
    keys.questions = 0;
    const change = await changeOfTree(keys.asking, before, told);
    assert.deepEqual([change?.changed.map(({ value }) => value), change?.gone], [['new'], []]);
    const questions = keys.questions;
    assert.deepEqual(await changeOfTree(keys.asking, before), change);
    assert.equal(keys.questions, 2 * questions + 1, 'the names are not asked for');
    // In a part that is looked at, and in one that is not there in the names.
    keys.put(`${ROOT}routes/r02999`, 'later');
    keys.put(`${ROOT}routes/r09999`, 'later still');
    const later = await changeOfTree(keys.asking, before, told);
    assert.deepEqual(later?.changed.map(({ value }) => value).toSorted(), ['later', 'later still', 'new']);
    assert.ok(later !== null);
    assert.deepEqual(applied(entries, later), keys.entries);
  });

  test('is found with few questions and few values', async () => {
    const keys = filled(3000);
    const before = keys.known;
    keys.put(`${ROOT}routes/r01234`, 'new');
    const change = await changeOfTree(keys.asking, before);
    assert.deepEqual(
      change?.changed.map(({ key, value }) => [key, value]),
      [[`${ROOT}routes/r01234`, 'new']],
    );
    assert.deepEqual(change.gone, []);
    assert.ok(keys.questions <= 30 && keys.valuesRead <= 128, `${keys.questions} questions, ${keys.valuesRead} values`);
  });

  test('is found where the first key is gone, the last one, and both', async () => {
    const keys = filled(300);
    for (const names of [['r00000'], ['r00299'], ['r00001', 'r00298']]) {
      const before = keys.known;
      for (const name of names) keys.remove(`${ROOT}routes/${name}`);
      const change = await changeOfTree(keys.asking, before);
      const gone = names.map((name) => `${ROOT}routes/${name}`);
      assert.deepEqual([change?.changed, change?.gone, change?.known], [[], gone, keys.known]);
    }
  });

  test('is found without asking for a part that holds most of the names', async () => {
    const keys = filled(3000);
    for (let n = 0; n < 200; n++) keys.put(`${ROOT}services/s${n}`, `v${n}`);
    const before = keys.known;
    keys.put(`${ROOT}routes/r01234`, 'new');
    keys.put(`${ROOT}services/s7`, 'new too');
    const told = await keys.asking.names(ROOT);
    keys.namesRead = 0;
    const change = await changeOfTree(keys.asking, before, told);
    assert.deepEqual(change?.changed.map(({ value }) => value).toSorted(), ['new', 'new too']);
    assert.deepEqual(change.gone, []);
    // Each once in a part, and those of the parts in which something changed once more in smaller ones.
    assert.ok(keys.namesRead <= 3200 + 1000 + 200, `${keys.namesRead} names`);
  });

  test('is told whatever happened, or it is not told at all', async () => {
    const seed = 5;
    const random = new Random(seed);
    const below = (count: number): number => Math.floor(random.nextFloat() * count);
    let told = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const keys = filled(300 + below(300));
      let known = keys.known;
      for (let turn = 0; turn < 3; turn++) {
        const before = new Map(keys.entries);
        for (let edits = 1 + below(5); edits > 0; edits--) {
          const key = `${ROOT}routes/r${String(below(700)).padStart(5, '0')}`;
          const deed = below(6);
          if (deed === 0) keys.remove(key);
          else if (deed < 3 || keys.entries.has(key)) keys.put(key, `new ${edits}`);
        }
        const change = await changeOfTree(keys.asking, known, await keys.asking.names(ROOT));
        const place = `seed ${seed}, round ${round}, turn ${turn}`;
        if (change !== null) {
          told += 1;
          assert.deepEqual(applied(before, change), keys.entries, place);
          assert.deepEqual(change.known, keys.known, place);
        }
        known = change?.known ?? keys.known;
      }
    }
    assert.ok(told > (8 / 3) * ROUNDS, `${told} told`);
  });

  test('is not certain when something changes between two questions', async () => {
    for (let at = 2; at < 12; at++) {
      const keys = filled(3000);
      const before = keys.known;
      keys.put(`${ROOT}routes/r01234`, 'new');
      // Where the search looks last.
      keys.before = () => {
        if (keys.questions === at) keys.put(`${ROOT}routes/r01235`, 'later');
      };
      const change = await changeOfTree(keys.asking, before);
      const values = change?.changed.map(({ value }) => value);
      assert.ok(change === null || !values?.includes('later'), `at question ${at}: ${values?.join(' ')}`);
    }
  });

  test('is overtaken by what changes while it is looked for, and what was known stays as it was', async () => {
    const keys = filled(3000);
    const before = keys.known;
    keys.put(`${ROOT}routes/r01234`, 'new');
    const told = await keys.asking.names(ROOT);
    const first = await searchTree(keys.asking, before, told);
    assert.ok(first !== null && first !== 'overtaken');
    keys.put(`${ROOT}routes/r01235`, 'later');
    assert.equal(await searchTree(keys.asking, before, told), 'overtaken');
    // The same list of names: of what is known, only the indexes are another.
    const again = await keys.asking.names(ROOT);
    const { keys: names, indexes } = structuredClone(first.known);
    assert.equal(again.names, first.known.keys);
    for (const from of [before, first.known]) {
      const second = await searchTree(keys.asking, from, again);
      assert.ok(second !== null && second !== 'overtaken');
      assert.deepEqual(second.known, keys.known);
      assert.equal(second.changed.length, from === before ? 2 : 1);
    }
    assert.deepEqual(first.known, { keys: names, indexes });
  });

  test('is not certain in another tree of the same names', async () => {
    const keys = filled(3000);
    const other = new Keys();
    for (const { key } of [...keys.entries.values()].toReversed()) other.put(key, 'other');
    assert.equal(await changeOfTree(other.asking, keys.known), null);
  });

  test('is left to a listing where a key would have to be encoded, is the beginning of others, or there are few', async () => {
    for (const odd of ['a b', 'a/../b', 'a//b', 'ä', 'a?b']) {
      const keys = filled(300);
      keys.put(`${ROOT}${odd}`, '');
      assert.equal(await changeOfTree(keys.asking, keys.known), null, odd);
    }
    const nested = filled(300);
    nested.put(`${ROOT}routes/r`, '');
    nested.put(`${ROOT}routes/r00001`, 'x');
    assert.equal(await changeOfTree(nested.asking, filled(300).known), null);
    assert.equal(await changeOfTree(filled(100).asking, filled(100).known), null);
  });
});
