/**
 * One random history of a store and its follower on virtual time, with everything that must hold while it lasts and after.
 */

import assert from 'node:assert/strict';
import { Random } from '#src/lib/random.ts';
import { type FollowEvent, Follower } from '#src/sources/follow/follower.ts';
import { isShrunk } from '#src/sources/follow/guard.ts';
import type { Piece } from '#src/sources/follow/source.ts';
import { LATENCY_MS_MAX, ModelStore, TIMEOUT_MS, WAIT_MS } from './model.ts';
import { VirtualTime } from './virtual.ts';

const SETTINGS = { startTimeoutMs: 10_000, shrinkConfirmMs: 8000, compareMs: 7000, changesWarn: 50 };
const STEPS = 40;
const NAMES = 8;
/** The longest backoff, a frozen question, the guard's wait and a comparison, one after the other. */
const CALM_LISTS_MAX = 40;
const CALM_MS = 10_000 + 2 * TIMEOUT_MS + 2 * SETTINGS.shrinkConfirmMs + 2 * SETTINGS.compareMs + 2000;

/** What happened, for a look at what the schedules cover. */
export interface Course {
  readonly events: readonly FollowEvent['kind'][];
  /** Listings that were made of what changed since another one. */
  readonly partial: number;
  /** Of these, the ones that were begun before they were asked for. */
  readonly ahead: number;
  /** Looks ahead that were void. */
  readonly voids: number;
}

/** Runs the history of a seed. @throws AssertionError that names the seed */
export async function runSchedule(seed: number): Promise<Course> {
  const random = new Random(seed);
  const time = new VirtualTime();
  const store = new ModelStore(time, random);
  const events: FollowEvent['kind'][] = [];
  const faults: string[] = [];
  let before: readonly Piece[] = [];
  let shrunkAtMs = Number.POSITIVE_INFINITY;
  let isConfirmed = false;
  const follower = new Follower({
    store,
    settings: SETTINGS,
    timers: time,
    nowMs: () => time.nowMs,
    wallTime: () => `at ${time.nowMs}`,
    draw: () => random.nextFloat(),
    onEvent: (event) => {
      events.push(event.kind);
      if (event.kind === 'shrunk') shrunkAtMs = time.nowMs;
      if (event.kind !== 'changed') return;
      const { pieces } = follower;
      if (!store.hasHeld(event.revision, pieces)) faults.push(`the store never held this at ${event.revision}`);
      if (isShrunk(before, pieces) && !isConfirmed) {
        const lastedMs = time.nowMs - shrunkAtMs;
        if (lastedMs < SETTINGS.shrinkConfirmMs) faults.push(`a loss was believed after ${lastedMs} ms`);
      }
      isConfirmed = false;
      before = pieces;
    },
  });
  let seen = '';
  const look = (): void => {
    assert.deepEqual(faults, [], `seed ${seed}`);
    const { staleMs, hash, shrink, confirmedAt } = follower.status();
    assert.ok(Number.isFinite(staleMs) && staleMs >= 0, `seed ${seed}: staleness ${staleMs}`);
    assert.ok(shrink === null || shrink.forMs >= 0);
    if (confirmedAt === '' || seen === confirmedAt + hash) return;
    seen = confirmedAt + hash;
    // Whatever is said to be confirmed was so when the answer was made.
    const atMs = time.nowMs - staleMs;
    const isTrue = store.heldWithin(hash, atMs - LATENCY_MS_MAX, atMs);
    assert.ok(isTrue, `seed ${seed}: what is held was not what the store had ${staleMs} ms before ${time.nowMs}`);
  };
  follower.start();
  for (let step = 0; step < STEPS; step++) {
    if (happen(store, random)) {
      isConfirmed = follower.status().shrink !== null;
      follower.reload();
    }
    await time.pass(random.nextFloat() ** 3 * 6000, look);
  }
  store.setMode('up');
  store.isSilent = false;
  store.isJumpy = false;
  const listsBefore = store.lists;
  await time.pass(CALM_MS, look);
  assert.ok(
    store.lists - listsBefore <= CALM_LISTS_MAX,
    `seed ${seed}: ${store.lists - listsBefore} questions in calm`,
  );
  const { state, hash, staleMs, shrink, failures } = follower.status();
  assert.equal(hash, store.hash, `seed ${seed}: an update was lost`);
  assert.deepEqual([shrink, failures], [null, 0], `seed ${seed}`);
  assert.ok(['watching', 'reloading', 'debounced'].includes(state), `seed ${seed}: ${state}`);
  assert.ok(staleMs <= WAIT_MS + 10 * LATENCY_MS_MAX, `seed ${seed}: ${staleMs} ms stale in calm`);
  follower.close();
  assert.equal(follower.status().state, 'idle');
  assert.ok(store.isClosed);
  const { partial, ahead, voids } = store;
  return { events, partial, ahead, voids };
}

/** Something happens to the store, or to the operator's patience: true = he reloads. */
function happen(store: ModelStore, random: Random): boolean {
  const name = `r${Math.floor(random.nextFloat() * NAMES)}`;
  const deed = random.nextFloat();
  if (deed < 0.4) store.put(name, String(random.nextUint32()));
  else if (deed < 0.5) store.remove(name);
  else if (deed < 0.54) store.wipe();
  else if (deed < 0.58) store.backUp();
  else if (deed < 0.62) store.restore();
  else if (deed < 0.69) store.setMode('down');
  else if (deed < 0.76) store.setMode('frozen');
  else if (deed < 0.9) store.setMode('up');
  else if (deed < 0.91) store.isJumpy = !store.isJumpy;
  else if (deed < 0.93) store.isSilent = !store.isSilent;
  else if (deed < 0.95) for (const one of store.names) store.remove(one);
  else return deed < 0.98;
  return false;
}
