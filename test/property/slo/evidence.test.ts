/** Evidence read from shared memory equals what happened, for any interleaving of work, deaths of workers and readings. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { CELL } from '#src/model/tallies.ts';
import { RegionRoll } from '#src/slo/regions.ts';
import { REST_DOUBLINGS_MAX, USER_REST_SECONDS, UserWindow } from '#src/slo/users.ts';
import { CellWindow } from '#src/slo/window.ts';
import { samples } from '../../support/runner/depth.ts';
import { FakeWorker } from '../../support/simulate/worker.ts';

const CELL_ID = 2;
const UNIT = 1;
const RUNS = samples(300, 40);

type Step =
  | {
      readonly kind: 'finish';
      readonly worker: number;
      readonly isBad: boolean;
      readonly isPinned: boolean;
      readonly user: number;
    }
  /** A writer is seen between two words: this one now, the rest at the next step of any kind. */
  | { readonly kind: 'half'; readonly worker: number; readonly isPinned: boolean }
  | { readonly kind: 'replace'; readonly worker: number }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'read' };

const worker = fc.nat({ max: 2 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('finish' as const),
      worker,
      isBad: fc.boolean(),
      isPinned: fc.boolean(),
      user: fc.nat({ max: 9 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('half' as const), worker, isPinned: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('replace' as const), worker }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.nat({ max: 1500 }) }) },
  { weight: 3, arbitrary: fc.constant({ kind: 'read' as const }) },
);

/** Three workers that can die, read as the controller reads them. */
class Fleet {
  readonly workers = [1, 2, 3].map((id) => new FakeWorker(id));
  readonly #roll = new RegionRoll();
  #lastId = 3;
  #rest: (() => void) | null = null;

  at(index: number): FakeWorker {
    return this.workers[index] as FakeWorker;
  }

  replace(index: number): void {
    this.#lastId += 1;
    this.workers[index] = new FakeWorker(this.#lastId);
  }

  regions() {
    return this.#roll.turn(this.workers.map(({ region }) => region));
  }

  /** Ends what `half` began. */
  settle(): void {
    this.#rest?.();
    this.#rest = null;
  }

  half(index: number, isPinned: boolean): void {
    const one = this.at(index);
    one.add(CELL_ID, CELL.finished, 1);
    this.#rest = () => {
      one.add(CELL_ID, CELL.bad, 1);
      if (!isPinned) return;
      one.add(CELL_ID, CELL.pinned, 1);
      one.add(CELL_ID, CELL.pinnedBad, 1);
    };
  }
}

/** Reads a cell while exchanges go on, and keeps the true count beside it. */
class Ledger {
  readonly fleet = new Fleet();
  readonly #window = new CellWindow(CELL_ID, this.fleet.regions());
  readonly sum = { finished: 0, bad: 0 };
  readonly truth = { finished: 0, bad: 0 };

  read(): void {
    const out = { finished: 0, bad: 0 };
    this.#window.read(this.fleet.regions(), out);
    assert.ok(out.bad >= 0 && out.bad <= out.finished, `${out.bad} of ${out.finished}`);
    this.sum.finished += out.finished;
    this.sum.bad += out.bad;
  }

  play(one: Step): void {
    if (one.kind === 'read' || one.kind === 'replace') this.read();
    this.fleet.settle();
    if (one.kind === 'replace') this.fleet.replace(one.worker);
    if (one.kind === 'finish') this.finish(one);
    if (one.kind !== 'half') return;
    this.fleet.half(one.worker, one.isPinned);
    if (!one.isPinned) this.#count(true);
  }

  finish(one: {
    readonly worker: number;
    readonly isBad: boolean;
    readonly isPinned: boolean;
    readonly user: number;
  }): void {
    this.fleet.at(one.worker).finish({ ...one, cell: CELL_ID, unit: UNIT, nowMs: 10_000 });
    if (!one.isPinned) this.#count(one.isBad);
  }

  #count(isBad: boolean): void {
    this.truth.finished += 1;
    if (isBad) this.truth.bad += 1;
  }
}

describe('requests read from a cell', () => {
  it('add up to what happened, and are a possible pair every time', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const ledger = new Ledger();
        for (const one of steps) ledger.play(one);
        ledger.fleet.settle();
        // What was seen before its pin is taken off later exchanges, what was seen after its end added: let there be some.
        for (let n = 0; n < 2 * steps.length; n++) {
          ledger.finish({ worker: 0, isBad: n % 2 === 0, isPinned: false, user: 1 });
        }
        ledger.read();
        assert.deepEqual(ledger.sum, ledger.truth);
      }),
      { numRuns: RUNS },
    );
  });
});

/** The rule of `slo/users.ts`, said with sets. */
class NaiveUsers {
  readonly #seen = new Set<string>();
  readonly #restsUntil = new Map<number, number>();
  readonly #rests = new Map<number, number>();
  #tick: { readonly user: number; readonly second: number; readonly isBad: boolean }[] = [];

  mark(user: number, second: number, isBad: boolean): void {
    this.#tick.push({ user, second, isBad });
  }

  read(): { finished: number; bad: number } {
    const out = { finished: 0, bad: 0 };
    const marks = this.#tick.toSorted((a, b) => a.second - b.second);
    for (const { user, second } of marks) {
      if (this.#seen.has(`${user}/${second}`)) continue;
      this.#seen.add(`${user}/${second}`);
      if ((this.#restsUntil.get(user) ?? 0) >= second) continue;
      out.finished += 1;
      if (!marks.some((mark) => mark.user === user && mark.second === second && mark.isBad)) continue;
      out.bad += 1;
      const rests = this.#rests.get(user) ?? 0;
      this.#rests.set(user, Math.min(rests + 1, REST_DOUBLINGS_MAX));
      this.#restsUntil.set(user, second + USER_REST_SECONDS * 2 ** rests);
    }
    this.#tick = [];
    return out;
  }
}

describe('user-seconds read from bitmaps', () => {
  it('are those that sets would give', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 150 }), (steps) => {
        const fleet = new Fleet();
        const window = new UserWindow([{ unit: UNIT, cell: -1 }], fleet.regions());
        const naive = new NaiveUsers();
        let nowMs = 30_000;
        let readAtMs = nowMs;
        const read = (): void => {
          const out = { finished: 0, bad: 0 };
          window.read(fleet.regions(), out);
          assert.deepEqual(out, naive.read());
          readAtMs = nowMs;
        };
        for (const one of steps) {
          if (one.kind === 'finish') {
            fleet.at(one.worker).mark({ unit: UNIT, user: one.user, isBad: one.isBad, nowMs });
            naive.mark(one.user, Math.floor(nowMs / 1000), one.isBad);
          }
          if (one.kind === 'replace') fleet.replace(one.worker);
          if (one.kind === 'read' || one.kind === 'replace') read();
          if (one.kind === 'wait') {
            if (nowMs + one.ms - readAtMs > 1900) read();
            nowMs += one.ms;
          }
        }
        read();
      }),
      { numRuns: RUNS },
    );
  });
});
