/** Who takes in configurations: a part that fails costs no other, and tries again. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Defects } from '#src/compose/watches/defects.ts';
import { type Follower, Followers, RETRY_MS } from '#src/compose/watches/followers.ts';
import type { Current } from '#src/snapshot/store.ts';

const FIRST = { snapshot: { revision: 1 } } as Current;
const SECOND = { snapshot: { revision: 2 } } as Current;
const THIRD = { snapshot: { revision: 3 } } as Current;

/** Three parts; those whose names are in `broken` throw. */
function rig({ isServing = true } = {}) {
  const defects = new Defects({ log: { error: () => undefined } });
  if (isServing) defects.begin();
  const told: string[] = [];
  const broken = new Set<string>();
  const parts = (['rollouts', 'drifts', 'endpoints'] as const).map((part): Follower => {
    const follow = (current: Current, before: Current | null): void => {
      if (broken.has(part)) throw new TypeError(part);
      told.push(`${part} ${before?.snapshot.revision ?? 0}-${current.snapshot.revision}`);
    };
    return [part, follow];
  });
  const followers = new Followers(defects, parts);
  /** What they were told since the last time. */
  const news = (): string[] => told.splice(0);
  return { followers, broken, news, defects };
}

describe('a configuration', () => {
  it('is taken in by all of them in their order, once', () => {
    const { followers, news } = rig();
    followers.take(FIRST, null, 0);
    followers.take(SECOND, FIRST, 5);
    followers.turn(10 * RETRY_MS);
    assert.deepEqual(news(), [
      ...['rollouts 0-1', 'drifts 0-1', 'endpoints 0-1'],
      ...['rollouts 1-2', 'drifts 1-2', 'endpoints 1-2'],
    ]);
  });

  it('that one part fails at is taken in by the others, and by that one as soon as it can', () => {
    const { followers, broken, news, defects } = rig();
    broken.add('drifts');
    followers.take(SECOND, FIRST, 0);
    assert.deepEqual(news(), ['rollouts 1-2', 'endpoints 1-2']);
    followers.turn(RETRY_MS - 1);
    assert.equal(defects.status.counts.drifts, 1, 'not before it is time');
    followers.turn(RETRY_MS);
    followers.turn(RETRY_MS + 1);
    assert.equal(defects.status.counts.drifts, 2, 'and then once in so long');
    broken.clear();
    followers.turn(2 * RETRY_MS);
    followers.turn(9 * RETRY_MS);
    assert.deepEqual(news(), ['drifts 1-2']);
  });

  it('that was overtaken by another is not tried again', () => {
    const { followers, broken, news } = rig();
    broken.add('rollouts');
    followers.take(SECOND, FIRST, 0);
    broken.clear();
    followers.take(THIRD, SECOND, 100);
    news();
    followers.turn(9 * RETRY_MS);
    assert.deepEqual(news(), []);
  });

  it('that overtakes one that a part failed at is told to that part as following what it has taken in', () => {
    const { followers, broken, news } = rig();
    followers.take(FIRST, null, 0);
    news();
    broken.add('rollouts');
    followers.take(SECOND, FIRST, 10);
    followers.take(THIRD, SECOND, 20);
    followers.turn(20 + RETRY_MS);
    assert.deepEqual(news(), ['drifts 1-2', 'endpoints 1-2', 'drifts 2-3', 'endpoints 2-3']);
    broken.clear();
    followers.turn(20 + 2 * RETRY_MS);
    assert.deepEqual(news(), ['rollouts 1-3']);
    followers.take(FIRST, THIRD, 20 + 2 * RETRY_MS);
    assert.deepEqual(news(), ['rollouts 3-1', 'drifts 3-1', 'endpoints 3-1'], 'and is with the others again');
  });

  it('that a part failed at as its first is followed by one that is its first', () => {
    const { followers, broken, news } = rig();
    broken.add('rollouts');
    followers.take(FIRST, null, 0);
    broken.clear();
    news();
    followers.take(SECOND, FIRST, 10);
    assert.deepEqual(news(), ['rollouts 0-2', 'drifts 1-2', 'endpoints 1-2']);
  });

  it('that one part fails at before the gateway serves ends the start', () => {
    const { followers, broken } = rig({ isServing: false });
    broken.add('drifts');
    assert.throws(() => followers.take(FIRST, null, 0), /drifts/);
  });

  it('that there is none of is nobody’s', () => {
    const { followers, news } = rig();
    followers.turn(0);
    assert.deepEqual(news(), []);
  });
});
