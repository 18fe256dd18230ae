/** User-seconds against a slow reader of the same memory, over random histories. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '#src/lib/random.ts';
import {
  CELL,
  type Tallies,
  UNIT_BAD,
  UNIT_BITMAP_WORDS,
  UNIT_SECOND_WORDS,
  UNIT_SECONDS,
  UNIT_SEEN,
  UNIT_WORDS,
} from '#src/model/tallies.ts';
import type { Region } from '#src/slo/regions.ts';
import { REST_DOUBLINGS_MAX, USER_REST_SECONDS, UserWindow } from '#src/slo/users.ts';
import { FakeWorker } from '../../support/simulate/worker.ts';

const UNIT = 1;
const TALLY_CELL = 2;
const SEEDS = [31, 32, 33, 34, 35, 36];
const TICKS = 200;
/** Requests to one worker between two readings: it has more news than it keeps, where there are so many users. */
const BURST = 4000;

/** Reads whole bitmaps, bit by bit, and knows nothing of news, or of regions without. */
class SlowWindow {
  readonly #seen = new Map<number, Set<number>>();
  readonly #newest = new Map<number, number>();
  readonly #restsUntil = new Map<number, number>();
  readonly #rests = new Map<number, number>();

  read(regions: readonly Region[]): [finished: number, bad: number] {
    const stamps = regions.map(({ tallies }) =>
      Array.from({ length: UNIT_SECONDS }, (_, slot) => stampOf(tallies, slot)),
    );
    const newest = Math.max(0, ...stamps.flat());
    let [finished, bad] = [0, 0];
    for (let second = Math.max(1, newest - UNIT_SECONDS + 1); second <= newest; second++) {
      const have = regions.filter(({ id, tallies }) => {
        return stampOf(tallies, second % UNIT_SECONDS) === second && second >= (this.#newest.get(id) ?? 0);
      });
      const seen = this.#seen.get(second) ?? new Set();
      this.#seen.set(second, seen);
      const failed = new Set(have.flatMap(({ tallies }) => bitsOf(tallies, second, UNIT_BAD)));
      const fresh = new Set(have.flatMap(({ tallies }) => bitsOf(tallies, second, UNIT_SEEN)));
      for (const user of [...fresh].filter((one) => !seen.has(one))) {
        seen.add(user);
        if ((this.#restsUntil.get(user) ?? 0) >= second) continue;
        this.#restsUntil.delete(user);
        finished += 1;
        if (!failed.has(user)) continue;
        bad += 1;
        const rests = this.#rests.get(user) ?? 0;
        this.#rests.set(user, Math.min(REST_DOUBLINGS_MAX, rests + 1));
        this.#restsUntil.set(user, second + USER_REST_SECONDS * 2 ** rests);
      }
    }
    regions.forEach(({ id }, n) => this.#newest.set(id, Math.max(...(stamps[n] as number[]))));
    return [finished, bad];
  }
}

function stampOf({ units }: Tallies, slot: number): number {
  return units[UNIT * UNIT_WORDS + slot * UNIT_SECOND_WORDS] as number;
}

function bitsOf({ units }: Tallies, second: number, bitmap: number): number[] {
  const base = UNIT * UNIT_WORDS + (second % UNIT_SECONDS) * UNIT_SECOND_WORDS + bitmap;
  const bits: number[] = [];
  for (let word = 0; word < UNIT_BITMAP_WORDS; word++) {
    const set = units[base + word] as number;
    for (let bit = 0; set !== 0 && bit < 32; bit++) if ((set & (1 << bit)) !== 0) bits.push(32 * word + bit);
  }
  return bits;
}

for (const seed of SEEDS) {
  test(`who is new and who of them failed is what the bitmaps say, seed ${seed}`, () => {
    const random = new Random(seed);
    let nextId = 0;
    const workers = Array.from({ length: 1 + (random.nextUint32() % 9) }, () => new FakeWorker(nextId++));
    const regionsNow = (): Region[] => workers.map(({ region }) => region);
    const users = 1 << (8 + (random.nextUint32() % 7));
    const [quick, slow] = [new UserWindow([{ unit: UNIT, cell: TALLY_CELL }], regionsNow()), new SlowWindow()];
    let nowMs = 50_000;
    let total = 0;
    for (let tick = 0; tick < TICKS; tick++) {
      nowMs += random.nextUint32() % 20 === 0 ? 1500 : 100;
      const isBurst = random.nextUint32() % 40 === 0;
      const count = isBurst ? BURST : random.nextUint32() % 60;
      for (let n = 0; n < count; n++) {
        const worker = workers[isBurst ? 0 : random.nextUint32() % workers.length] as FakeWorker;
        const [user, isBad] = [random.nextUint32() % users, random.nextUint32() % 15 === 0];
        // Clocks of workers differ by a turn of their loops.
        const atMs = nowMs - (worker.region.id % 3) * 20;
        worker.add(TALLY_CELL, CELL.finished, 1);
        worker.mark({ unit: UNIT, user, isBad, nowMs: atMs });
      }
      const departed = random.nextUint32() % 30 === 0 ? workers.splice(0, 1, new FakeWorker(nextId++)) : [];
      const regions = [...regionsNow(), ...departed.map(({ region }) => region)];
      const out = { finished: -1, bad: -1 };
      quick.read(regions, out);
      assert.deepEqual([out.finished, out.bad], slow.read(regions), `tick ${tick}`);
      total += out.finished;
    }
    assert.ok(total > 1000, `${total} user-seconds`);
  });
}
