/** Coarse timeouts on virtual time: what is due fires once, whatever it does to the set while it fires. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Deadlines, type Timed } from '#src/lib/deadlines.ts';
import { Random } from '#src/lib/random.ts';
import { bytesPerCall, COUNTED } from '../../support/proxy/allocation.ts';

class Item implements Timed {
  deadlineAtMs: number;
  slot = -1;
  fired: number[] = [];
  onExpire: (nowMs: number) => void = () => {};

  constructor(deadlineAtMs: number) {
    this.deadlineAtMs = deadlineAtMs;
  }

  expire(nowMs: number): void {
    this.fired.push(nowMs);
    this.deadlineAtMs = Number.POSITIVE_INFINITY;
    this.onExpire(nowMs);
  }
}

function setOf(...deadlines: number[]): { set: Deadlines; items: Item[] } {
  const set = new Deadlines();
  const items = deadlines.map((deadline) => new Item(deadline));
  for (const item of items) set.add(item);
  return { set, items };
}

describe('a sweep', () => {
  it('expires what is due, at its instant and not before', () => {
    const { set, items } = setOf(10, 20, Number.POSITIVE_INFINITY);
    set.sweep(9.99);
    assert.deepEqual(
      items.map(({ fired }) => fired.length),
      [0, 0, 0],
    );
    set.sweep(10);
    assert.deepEqual(
      items.map(({ fired }) => fired.length),
      [1, 0, 0],
    );
    set.sweep(60);
    assert.deepEqual(
      items.map(({ fired }) => fired.length),
      [1, 1, 0],
    );
  });

  it('that comes late expires nothing: what came in meanwhile is read first', () => {
    const { set, items } = setOf(20, 3000, 3030);
    assert.equal(set.sweep(0), true);
    assert.equal(set.sweep(3001), false, 'and says so');
    assert.deepEqual(
      items.map(({ fired }) => fired),
      [[], [], []],
    );
    (items[0] as Item).deadlineAtMs = 9000;
    set.sweep(3002);
    assert.deepEqual(
      items.map(({ fired }) => fired),
      [[], [3002], []],
      'its answer was there',
    );
    set.sweep(3077);
    assert.deepEqual((items[2] as Item).fired, [3077], 'half an interval is not late yet');
  });

  it('expires what is due with every second sweep where all are late', () => {
    const { set, items } = setOf(1);
    const [item] = items as [Item];
    item.onExpire = (nowMs) => (item.deadlineAtMs = nowMs + 1);
    for (let nowMs = 0; nowMs <= 4000; nowMs += 500) set.sweep(nowMs);
    assert.deepEqual(item.fired, [1000, 2000, 3000, 4000]);
  });

  it('follows a deadline that moved', () => {
    const { set, items } = setOf(10);
    (items[0] as Item).deadlineAtMs = 30;
    set.sweep(20);
    assert.deepEqual((items[0] as Item).fired, []);
    set.sweep(30);
    assert.deepEqual((items[0] as Item).fired, [30]);
  });

  it('expires every due item though each removes itself', () => {
    const { set, items } = setOf(...new Array<number>(100).fill(1));
    for (const item of items) item.onExpire = () => set.remove(item);
    set.sweep(1);
    assert.ok(items.every(({ fired }) => fired.length === 1));
    assert.equal(set.size, 0);
  });

  it('expires every due item though each removes any others', () => {
    const random = new Random(5);
    for (let round = 0; round < 200; round++) {
      const { set, items } = setOf(...Array.from({ length: 20 }, () => random.nextUint32() % 3));
      const due = new Set(items.filter(({ deadlineAtMs }) => deadlineAtMs <= 1));
      for (const item of items) {
        item.onExpire = () => {
          set.remove(item);
          const other = items[random.nextUint32() % items.length] as Item;
          set.remove(other);
          if (other.fired.length === 0) due.delete(other);
        };
      }
      set.sweep(1);
      for (const item of due) assert.equal(item.fired.length, 1, `round ${round}`);
      for (const item of items) assert.ok(item.fired.length <= 1);
    }
  });

  it('goes on behind a defect in the time of one, which ends, or is due again a second later', () => {
    const { set, items } = setOf(1, 1, 1);
    const [first, ends, stays] = items as [Item, Item, Item & Timed];
    const fail = (): void => {
      throw new Error('nobody expected this');
    };
    for (const one of [ends, stays]) one.onExpire = fail;
    Object.assign(ends, { broke: () => set.remove(ends) });
    set.sweep(1);
    assert.deepEqual([first.fired, set.size], [[1], 2]);
    Object.assign(stays, { broke: fail });
    stays.onExpire = fail;
    set.sweep(1000);
    set.sweep(1001);
    set.sweep(1001);
    assert.deepEqual([ends.fired, stays.fired], [[1], [1, 1001]]);
  });

  it('leaves what is added meanwhile to the next', () => {
    const { set, items } = setOf(1);
    const late = new Item(1);
    (items[0] as Item).onExpire = () => set.add(late);
    set.sweep(1);
    assert.equal(late.fired.length, 0);
    set.sweep(1);
    assert.equal(late.fired.length, 1);
  });

  it('allocates nothing', COUNTED, () => {
    const { set } = setOf(...new Array<number>(50).fill(Number.POSITIVE_INFINITY));
    assert.equal(
      bytesPerCall(() => set.sweep(1)),
      0,
    );
  });
});

describe('removing', () => {
  it('twice, or what was never added, does nothing', () => {
    const { set, items } = setOf(1, 2, 3);
    set.remove(new Item(1));
    set.remove(items[0] as Item);
    set.remove(items[0] as Item);
    assert.equal(set.size, 2);
    set.sweep(3);
    assert.deepEqual(
      items.map(({ fired }) => fired.length),
      [0, 1, 1],
    );
  });
});
