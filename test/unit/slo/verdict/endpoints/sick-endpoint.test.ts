/** One sick endpoint of several is found by its share of the excess; a sick version, noise and the distant past are not. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ENDPOINTS_TOLD_APART_MAX } from '#src/model/rollout.ts';
import type { EndpointName } from '#src/model/slo.ts';
import { type Followed, followedOf, SickEndpoint } from '#src/slo/verdict/endpoints/sick-endpoint.ts';

function setup(endpoints = [1, 2, 3]) {
  const sick = new SickEndpoint(followedOf({ endpoints }), 0);
  const empty = () => endpoints.map(() => ({ finished: 0, bad: 0 }));
  let news = empty();
  const attempt = (endpoint: number, finished: number, bad: number): void => {
    const counts = news[endpoints.indexOf(endpoint)] as { finished: number; bad: number };
    counts.finished += finished;
    counts.bad += bad;
  };
  const take = (nowMs: number): void => {
    sick.take(news, nowMs);
    news = empty();
  };
  const find = (ratio: number): EndpointName | null => {
    take(1);
    return sick.find(ratio)?.name ?? null;
  };
  return { attempt, take, find, sick };
}

describe('one endpoint that fails', () => {
  it('is found when the others do not', () => {
    const { attempt, find } = setup();
    attempt(2, 4, 4);
    attempt(1, 3, 0);
    attempt(3, 3, 0);
    assert.equal(find(0.001), 2);
  });

  it('is found beside the usual failures of the others', () => {
    const { attempt, find } = setup();
    attempt(1, 1000, 11);
    attempt(2, 1000, 300);
    attempt(3, 1000, 12);
    assert.equal(find(0.01), 2);
  });

  it('is not blamed before the others had the chance to fail', () => {
    const { attempt, find } = setup();
    attempt(2, 4, 4);
    attempt(1, 1, 0);
    assert.equal(find(0.001), null);
  });

  it('is not told from its version when there are only two', () => {
    const { attempt, find } = setup([1, 2]);
    attempt(2, 40, 40);
    attempt(1, 40, 0);
    assert.equal(find(0.001), null);
  });
});

describe('a version that fails', () => {
  it('has no endpoint to blame', () => {
    const { attempt, find } = setup();
    for (const endpoint of [1, 2, 3]) attempt(endpoint, 10, 5);
    assert.equal(find(0.001), null);
  });

  it('nor has one that does not', () => {
    const { attempt, find } = setup();
    for (const endpoint of [1, 2, 3]) attempt(endpoint, 1000, 1);
    assert.equal(find(0.001), null);
  });
});

describe('what failed long ago', () => {
  it('hides nothing', () => {
    const { attempt, take, find, sick } = setup();
    for (const endpoint of [1, 3]) attempt(endpoint, 1000, 200);
    for (const atMs of [30_000, 60_000, 90_000]) {
      assert.equal(sick.isDue(atMs - 1), false);
      assert.equal(sick.isDue(atMs), true);
      take(atMs);
    }
    attempt(2, 5, 5);
    attempt(1, 5, 0);
    attempt(3, 5, 0);
    assert.equal(find(0), 2);
  });
});

/** Endpoints by their numbers: their names, and slots. */
function followed(...names: readonly number[]): Followed[] {
  return names.map((slot) => ({ name: `10.0.0.${slot}:80`, slot }));
}

/** Takes `finished` and `bad` of each endpoint, by number; nothing of the others. */
function took(sick: SickEndpoint, nowMs: number, counts: Readonly<Record<number, readonly [number, number]>>): void {
  const attempts = sick.followed.map(({ name }) => {
    const [finished, bad] = counts[Number(String(name).slice(7, -3))] ?? [0, 0];
    return { finished, bad };
  });
  sick.take(attempts, nowMs);
}

function numbersOf({ followed: list }: SickEndpoint): number[] {
  return list.map(({ name }) => Number(String(name).slice(7, -3)));
}

describe('endpoints that come and go', () => {
  it('take nothing with them: one of those that stay is found by what it failed before and after', () => {
    const sick = new SickEndpoint(followed(1, 2, 3), 0);
    took(sick, 100, { 1: [5, 0], 2: [3, 3], 3: [5, 0] });
    sick.follow(followed(4, 2, 3), 200);
    took(sick, 300, { 2: [2, 2], 3: [1, 0], 4: [1, 0] });
    assert.deepEqual(sick.find(0.001), { name: '10.0.0.2:80', isEjectable: true });
  });

  it('are to blame after they have gone, and cannot be ejected any more', () => {
    const sick = new SickEndpoint(followed(1, 2, 3, 4), 0);
    took(sick, 100, { 1: [5, 0], 2: [5, 5], 3: [5, 0], 4: [5, 0] });
    sick.follow(followed(1, 3, 4), 200);
    assert.deepEqual(sick.find(0.001), { name: '10.0.0.2:80', isEjectable: false });
    sick.follow(followed(2, 1, 3), 300);
    assert.deepEqual(sick.find(0.001), { name: '10.0.0.2:80', isEjectable: true }, 'one that is back has what it did');
  });

  it('one after the other, each failing until it is replaced, are not one that is sick', () => {
    const sick = new SickEndpoint(followed(1, 2, 3), 0);
    took(sick, 100, { 1: [5, 5], 2: [20, 0], 3: [20, 0] });
    sick.follow(followed(2, 3, 4), 1000);
    took(sick, 1100, { 2: [20, 0], 3: [20, 0], 4: [5, 5] });
    assert.equal(sick.find(0.001), null);
  });

  it('had no chance to fail as one that came when they had gone already', () => {
    const sick = new SickEndpoint(followed(7, 8, 9), 0);
    took(sick, 100, { 7: [300, 0], 8: [300, 0], 9: [300, 0] });
    sick.follow(followed(1, 2, 3), 1000);
    took(sick, 1100, { 1: [100, 100], 2: [1, 0], 3: [1, 0] });
    assert.equal(sick.find(0.001), null, 'a bad build under the name of the one before');
    sick.follow(followed(2, 3, 4), 2000);
    took(sick, 2100, { 4: [3, 3], 2: [49, 0], 3: [50, 0] });
    assert.deepEqual(
      sick.find(0.001),
      { name: '10.0.0.1:80', isEjectable: false },
      'those that were there beside it had',
    );
  });

  it('are not ejectable where fewer than three are left', () => {
    const sick = new SickEndpoint(followed(1, 2, 3), 0);
    took(sick, 100, { 1: [5, 0], 2: [5, 5], 3: [5, 0] });
    sick.follow(followed(2, 3), 200);
    assert.deepEqual(sick.find(0.001), { name: '10.0.0.2:80', isEjectable: false });
  });

  it('are forgotten after a whole window without an attempt, and begin with nothing when they are back', () => {
    const sick = new SickEndpoint(followed(1, 2, 3, 4), 0);
    took(sick, 100, { 2: [5, 5] });
    sick.follow(followed(1, 3, 4), 200);
    const all = { 1: [9, 0], 3: [9, 0], 4: [9, 0] } as const;
    took(sick, 30_000, all);
    assert.deepEqual(numbersOf(sick), [1, 3, 4, 2], 'what it failed is in the window still');
    took(sick, 60_000, all);
    assert.deepEqual(numbersOf(sick), [1, 3, 4]);
    sick.follow(followed(1, 3, 4, 2), 60_100);
    assert.equal(sick.find(0), null);
  });

  it('are forgotten after two whole windows, though others have their slots and are attempted there', () => {
    const sick = new SickEndpoint(followed(1, 2, 3, 4), 0);
    const all = { 1: [9, 0], 2: [500, 0], 3: [9, 0], 4: [9, 0] } as const;
    sick.follow(followed(1, 3, 4), 10_000);
    for (const atMs of [30_000, 60_000]) took(sick, atMs, all);
    assert.deepEqual(numbersOf(sick), [1, 3, 4, 2], 'what is under way there may still end');
    sick.follow(followed(1, 3, 2), 70_000);
    sick.follow(followed(1, 3, 4), 80_000);
    for (const atMs of [90_000, 120_000]) took(sick, atMs, all);
    assert.deepEqual(numbersOf(sick), [1, 3, 4, 2], 'one that was back went anew');
    took(sick, 150_000, all);
    assert.deepEqual(numbersOf(sick), [1, 3, 4]);
  });

  it('that only other gateways know are told apart like any other', () => {
    const sick = new SickEndpoint(followed(1), 0);
    assert.deepEqual([sick.isAble, numbersOf(sick)], [false, []]);
    sick.meet(['10.0.0.2:80', '10.0.0.3:80', '10.0.0.1:80'], 50);
    assert.deepEqual(
      sick.followed.map(({ slot }) => slot),
      [null, null, 1],
      'one that is known here has its slot',
    );
    took(sick, 100, { 1: [5, 0], 2: [5, 5], 3: [5, 0] });
    assert.deepEqual(sick.find(0), { name: '10.0.0.2:80', isEjectable: true });
    sick.meet([], 200);
    assert.deepEqual(sick.find(0), { name: '10.0.0.2:80', isEjectable: false });
  });

  it('leave their slots to others', () => {
    const sick = new SickEndpoint(followed(1, 2, 3), 0);
    took(sick, 100, { 2: [5, 5], 1: [5, 0], 3: [5, 0] });
    sick.follow([...followed(1, 3), { name: '10.0.0.9:80', slot: 2 }], 200);
    assert.deepEqual(sick.followed.at(-1), { name: '10.0.0.2:80', slot: null });
  });

  it('begin with nothing, and a window of their own, once there are enough of them', () => {
    const sick = new SickEndpoint(followed(1, 2), 0);
    assert.equal(sick.isDue(1e9), false);
    sick.follow(followed(1, 2, 3), 100_000);
    assert.deepEqual([sick.isDue(129_999), sick.isDue(130_000)], [false, true]);
  });

  it('are told apart up to a limit; those that went first are forgotten first', () => {
    const many = (from: number, count: number): Followed[] =>
      followed(...Array.from({ length: count }, (_, n) => from + n));
    const sick = new SickEndpoint(many(0, 200), 0);
    sick.follow(many(200, 40), 100);
    sick.follow(many(240, ENDPOINTS_TOLD_APART_MAX - 40), 200);
    const names = numbersOf(sick);
    assert.deepEqual(
      [names.length, names.slice(-40)],
      [ENDPOINTS_TOLD_APART_MAX, many(200, 40).map(({ slot }) => slot)],
    );
    sick.follow(many(0, ENDPOINTS_TOLD_APART_MAX + 1), 300);
    assert.deepEqual([sick.isAble, sick.find(0)], [false, null]);
  });
});

it('endpoints have their addresses for names, and on tapes of earlier releases their slots', () => {
  assert.deepEqual(followedOf({ endpoints: [4, 7], addresses: ['a:1', 'b:2'] }), [
    { name: 'a:1', slot: 4 },
    { name: 'b:2', slot: 7 },
  ]);
  assert.deepEqual(followedOf({ endpoints: [4] }), [{ name: 4, slot: 4 }]);
});
