/**
 * A store that is asked for what changed since a listing: the answer must be the listing that everybody else gets.
 */

import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { Listing, Store } from '#src/sources/follow/source.ts';
import type { Keys } from '../keys.ts';

const COUNT = 300;

/** Changes keys of a real store in all ways, looked ahead for or not, and compares after each. `open` opens the store anew. */
export async function assertSince(t: TestContext, keys: Keys, open: () => Store): Promise<void> {
  const never = new AbortController().signal;
  const [followed, other] = [open(), open()];
  t.after(() => followed.close());
  t.after(() => other.close());
  for (let n = 0; n < COUNT; n++) await keys.put(`routes/r${n}`, `# ${n}`);
  let listing: Listing = await followed.list(never);
  let isAhead = false;
  /** As often as the store says that nothing has changed: who writes may be slow. */
  const changed = async (): Promise<unknown> => {
    for (;;) {
      const word = await followed.watch(listing.revision, never, () => undefined);
      if (word.kind !== 'same') return word;
    }
  };
  const change = async (what: string, act: () => Promise<void>): Promise<void> => {
    const told = changed();
    await act();
    assert.deepEqual(await told, { kind: 'changed' }, what);
    const before = listing;
    isAhead = !isAhead;
    if (isAhead) followed.lookAhead?.(before);
    listing = await followed.list(never, before);
    assert.deepEqual(listing, await other.list(never), what);
    const kept = listing.pieces.filter((piece) => before.pieces.includes(piece)).length;
    assert.ok(kept >= COUNT - 5, `${what}: ${kept} of ${listing.pieces.length} pieces are those of before`);
  };
  await change('a change', () => keys.put('routes/r77', 'changed'));
  await change('a new key', () => keys.put('routes/s', 'new'));
  await change('a new folder', () => keys.put('services/a', 'new'));
  await change('a key less', () => keys.remove('routes/r5'));
  await change('the key again', () => keys.put('routes/r5', 'again'));
  await change('a folder less', () => keys.remove('services/a'));
  for (let n = 0; n < 10; n++) await change(`change ${n}`, () => keys.put(`routes/r${n}`, `changed ${n}`));
  // What comes after the word of a change, at whatever moment, is listed with it or told next.
  for (let n = 0; n < 10; n++) {
    const told = changed();
    await keys.put(`routes/r${n}`, `once more ${n}`);
    await told;
    followed.lookAhead?.(listing);
    const later = keys.put(`routes/r${n + 100}`, `later ${n}`);
    listing = await followed.list(never, listing);
    await later;
    const now = await other.list(never);
    if (listing.revision !== now.revision) {
      await changed();
      listing = await followed.list(never, listing);
    }
    assert.deepEqual(listing, now, `two changes ${n}`);
  }
}
