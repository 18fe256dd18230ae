/**
 * Many writers of one document who each count it up: what one of them did may not be lost to another.
 */

import { Random } from '#src/lib/random.ts';
import { weightsText } from '#src/sources/document/weights/text.ts';
import { type Kept, NO_REVISION, type WeightsStore, type Written } from '#src/sources/stores/write/writer.ts';

/** How often each kind of outcome came. */
export type Outcomes = Record<Written['kind'], number> & { unreadable: number };

const never = new AbortController().signal;

/** The count in a document; 0 where there is none. */
export function countOf({ text }: Kept): number {
  return text === null ? 0 : (JSON.parse(text) as { weights: { v1: number } }).weights.v1;
}

/** Counts a route's weight up until `attempts` were made by each of `writers`, in an order that `seed` decides. */
export async function countUp(
  open: () => WeightsStore,
  { route, writers, attempts, seed }: { route: string; writers: number; attempts: number; seed: number },
): Promise<Outcomes> {
  const outcomes: Outcomes = { written: 0, conflict: 0, refused: 0, unconfirmed: 0, unreadable: 0 };
  const random = new Random(seed);
  const one = async (): Promise<void> => {
    const store = open();
    for (let attempt = 0; attempt < attempts; attempt++) {
      let kept: Kept;
      try {
        kept = await store.read(route, never);
      } catch {
        outcomes.unreadable += 1;
        continue;
      }
      for (let turns = random.nextUint32() % 8; turns > 0; turns--) await new Promise((next) => setImmediate(next));
      const { kind } = await store.write(route, weightsText({ v1: countOf(kept) + 1 }, ''), kept.revision, never);
      outcomes[kind] += 1;
    }
    store.close();
  };
  await Promise.all(Array.from({ length: writers }, one));
  return outcomes;
}

/**
 * Counts a route's weight up by `writers` times `updates`; whoever has a conflict looks again and tries again. All have looked
 * before one of them writes, so that they meet.
 * @returns conflicts
 * @throws Error when a write is neither done nor in conflict
 */
export async function addUp(
  open: () => WeightsStore,
  { route, writers, updates }: { route: string; writers: number; updates: number },
): Promise<number> {
  let conflicts = 0;
  const one = async (store: WeightsStore, first: Kept): Promise<void> => {
    let kept = first;
    for (let left = updates; left > 0; ) {
      const written = await store.write(route, weightsText({ v1: countOf(kept) + 1 }, ''), kept.revision, never);
      if (written.kind === 'written') left -= 1;
      else if (written.kind === 'conflict') conflicts += 1;
      else throw new Error(written.because);
      kept = await store.read(route, never);
    }
    store.close();
  };
  const stores = Array.from({ length: writers }, open);
  const looks = await Promise.all(stores.map((store) => store.read(route, never)));
  await Promise.all(stores.map((store, n) => one(store, looks[n] as Kept)));
  return conflicts;
}

/** What nobody has written yet. */
export const NOTHING: Kept = { text: null, revision: NO_REVISION };
