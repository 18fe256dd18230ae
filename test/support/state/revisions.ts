/**
 * Revisions around a store whose snapshots go nowhere, of one process and of those that come after it.
 */

import assert from 'node:assert/strict';
import { Revisions } from '#src/compose/config/revisions/revisions.ts';
import { lastIn } from '#src/compose/config/start/stale-start.ts';
import type { SavedBudget } from '#src/model/threads/state.ts';
import { Totals } from '#src/slo/totals/totals.ts';
import { createDials } from '#src/snapshot/dials.ts';
import { type OfferResult, Store } from '#src/snapshot/store.ts';
import { configOf, SOUND } from '../config.ts';

export interface Rig {
  readonly revisions: Revisions;
  readonly store: Store;
  readonly applied: OfferResult[];
  readonly logged: string[];
  /** Rows by key, as the state store has them. */
  readonly rows: Map<string, SavedBudget>;
  /** A restart is under way. */
  readonly held: { is: boolean };
}

export function rig(release = '1'): Rig {
  const wallTime = (): string => '2026-01-01T00:00:00.000Z';
  const store = new Store({ file: 'f', dials: createDials(), wallTime, mayRecycle: () => false });
  const [applied, logged]: [OfferResult[], string[]] = [[], []];
  const rows = new Map<string, SavedBudget>();
  const say = (event: string): void => void logged.push(event);
  const held = { is: false };
  const revisions = new Revisions({
    store,
    isHeld: () => held.is,
    totals: new Totals(),
    log: { debug: say, info: say, warn: say, error: say, flush: () => Promise.resolve() } as never,
    release,
    apply: (result) => {
      applied.push(result);
      revisions.applied();
      return Promise.resolve();
    },
    durable: () => ({
      keep: (news) => {
        for (const [key, row] of news) rows.set(key, row);
      },
      reverted: () => assert.fail('nothing is watched here'),
    }),
  });
  return { revisions, store, applied, logged, rows, held };
}

export const parsed = (weight: number, more = '') =>
  ({
    ok: true,
    config: configOf(`${more}${SOUND.replace('weight: 5}', `weight: ${weight}}`)}`),
    warnings: [],
  }) as const;
export const weightOf = ({ store }: Rig): number | undefined => store.current?.config.routes[0]?.backendRefs[1]?.weight;
export const rollback = (to: string) => ({ name: 'rollback', to, by: 'api', reason: 'why' }) as const;
/** Lets what is packed be packed. */
export const packed = async (rig: Rig, count: number): Promise<void> => {
  rig.revisions.applied();
  while ([...rig.rows.keys()].filter((key) => /\d$/.test(key)).length < count) await new Promise(setImmediate);
};

/** The process after another one, whose sources hold `weight`. @param prints of keys, where documents must be verified */
export async function after(
  before: Rig,
  weight: number,
  release = '1',
  prints: readonly string[] | null = null,
): Promise<Rig> {
  const next = rig(release);
  next.revisions.verifyBy(() => prints);
  next.revisions.offer(parsed(weight));
  for (const [key, row] of before.rows) assert.equal(next.revisions.recall(key, row), true);
  next.revisions.recalled();
  await next.revisions.ready;
  return next;
}

/** The process after another one, whose sources do not answer. `late`: rows that came only when the state was opened. */
export async function stale(
  before: Rig,
  late: ReadonlyMap<string, SavedBudget> = before.rows,
  prints: readonly string[] | null = null,
): Promise<Rig> {
  const next = rig();
  next.revisions.verifyBy(() => prints);
  const last = lastIn(before.rows, '1', prints);
  next.revisions.startStale(last, { ok: true, config: last.config, warnings: [] }, 'no answer');
  for (const [key, row] of late) next.revisions.recall(key, row);
  next.revisions.recalled();
  await next.revisions.ready;
  return next;
}
