/** The admissions of a worker: kept, replaced and shown across snapshots. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ConcurrencyLimit } from '#src/model/overload.ts';
import type { TargetSpec } from '#src/model/snapshot.ts';
import { CELL, CELL_WORDS } from '#src/model/tallies.ts';
import { reservePool } from '#src/model/threads/load/pool.ts';
import { CURB, createStandings, type Standings } from '#src/model/threads/load/standing.ts';
import { Admission, type Admitted } from '#src/proxy/decide/admission/admission.ts';
import { Admissions } from '#src/proxy/decide/admission/admissions.ts';
import { NONE, SHED, WAITING } from '#src/proxy/decide/admission/permit.ts';
import { Pool, Seat } from '#src/proxy/decide/admission/pool.ts';
import type { WaitEvents } from '#src/proxy/decide/admission/queue.ts';
import { TOLD } from '#src/proxy/decide/admission/ring.ts';
import type { Exchange } from '#src/proxy/exchange.ts';
import { bench, exchangeOn } from '../../../../support/proxy/parts.ts';

const NOTHING = { admitted: () => undefined, shed: () => undefined };

function version(name: string, limit: ConcurrencyLimit): TargetSpec {
  return { name, limit, breaker: null, balancer: 'peakEwma', endpoints: [], weights: [] };
}

function admissionsOf(): { admissions: Admissions; standings: Standings; shown: (cell: number) => number[] } {
  const standings = createStandings();
  const words = new Int32Array(10 * CELL_WORDS);
  const shown = (cell: number): number[] =>
    [CELL.limit, CELL.admitted, CELL.queued].map((word) => words[cell * CELL_WORDS + word] as number);
  return { admissions: new Admissions(words, standings), standings, shown };
}

describe('admissions', () => {
  it('are one for a version, by whatever route it is reached, and none where it is off', () => {
    const { admissions } = admissionsOf();
    const [v1, v2] = [version('shop/v1', 5), version('shop/v2', 'off')];
    const links = admissions.link(
      new Map([
        [v1, 1],
        [v2, 2],
      ]),
      0,
    );
    assert.equal(links.of(v1)?.limit, 5);
    assert.equal(links.of(v2), null);
    assert.equal(links.of(version('shop/v3', 5)), null);
  });

  it('outlive a snapshot that limits their version alike', () => {
    const { admissions } = admissionsOf();
    const [before, after, other] = [version('shop/v1', 5), version('shop/v1', 5), version('shop/v1', 6)];
    const first = admissions.link(new Map([[before, 1]]), 0).of(before);
    assert.equal(admissions.link(new Map([[after, 1]]), 0).of(after), first);
    assert.notEqual(admissions.link(new Map([[other, 1]]), 0).of(other), first);
  });

  it('show how they stand in one cell of their version, and nothing once they are gone', () => {
    const { admissions, shown } = admissionsOf();
    const v1 = version('shop/v1', 1);
    const admission = admissions.link(new Map([[v1, 4]]), 0).of(v1) as Admission<Exchange>;
    const on = bench();
    for (let n = 0; n < 3; n++) admission.admit(exchangeOn(on), 0, NOTHING);
    admissions.tick(50);
    assert.deepEqual(
      [shown(1), shown(4)],
      [
        [0, 0, 0],
        [1, 1, 2],
      ],
    );
    admissions.link(new Map(), 100);
    assert.deepEqual(
      [shown(1), shown(4)],
      [
        [0, 0, 0],
        [0, 0, 0],
      ],
    );
  });

  it('are curbed as the byte of the cell says in which they are shown, within a tick', () => {
    const { admissions, standings } = admissionsOf();
    const [v1, v2] = [version('shop/v1', 4), version('shop/v2', 4)];
    const links = admissions.link(
      new Map([
        [v1, 1],
        [v2, 2],
      ]),
      0,
    );
    const curbed = () => [v1, v2].map((spec) => links.of(spec)?.isCurbed);
    Atomics.store(standings, 2, CURB | 3);
    assert.deepEqual(curbed(), [false, false]);
    admissions.tick(50);
    assert.deepEqual(curbed(), [false, true]);
    Atomics.store(standings, 2, 3);
    admissions.tick(100);
    assert.deepEqual(curbed(), [false, false]);
  });

  it('that a snapshot drops still let through those that wait at them', () => {
    const { admissions } = admissionsOf();
    const v1 = version('shop/v1', 1);
    const admission = admissions.link(new Map([[v1, 1]]), 0).of(v1) as Admission<Exchange>;
    const on = bench();
    const [held, waiting] = [exchangeOn(on), exchangeOn(on)];
    const admitted: Exchange[] = [];
    const events = { admitted: (x: Exchange) => void admitted.push(x), shed: () => undefined };
    admission.admit(held, 0, events);
    admission.admit(waiting, 0, events);
    admissions.link(new Map(), 10);
    admission.release(held, 20, false);
    admissions.tick(50);
    assert.deepEqual(admitted, [waiting]);
  });
});

describe('admissions of workers that share their limits', () => {
  /** Two workers. */
  function sharing(): {
    admissions: Admissions[];
    shown: (worker: number, cell: number) => number[];
    seat: (cell: number) => Seat;
  } {
    const memory = reservePool(2).buffer;
    const words = [0, 1].map(() => new Int32Array(10 * CELL_WORDS));
    const pools = [0, 1].map((place) => new Pool({ memory, workers: 2, place }));
    return {
      admissions: words.map((own, place) => new Admissions(own, createStandings(), pools[place] as Pool)),
      shown: (worker, cell) =>
        [CELL.limit, CELL.admitted, CELL.queued].map((word) => words[worker]?.[cell * CELL_WORDS + word] as number),
      seat: (cell) => new Seat(pools[1] as Pool, cell),
    };
  }

  function linked(admissions: Admissions, spec: TargetSpec, cell: number): Admission<Exchange> {
    return admissions.link(new Map([[spec, cell]]), 0).of(spec) as Admission<Exchange>;
  }

  it('show what each has, and the limit once', () => {
    const { admissions, shown } = sharing();
    const v1 = version('shop/v1', 'auto');
    const [first, second] = admissions.map((one) => linked(one, v1, 4));
    const on = bench();
    for (let n = 0; n < 3; n++) second?.admit(exchangeOn(on), 0, NOTHING);
    first?.admit(exchangeOn(on), 0, NOTHING);
    for (const one of admissions) one.tick(50);
    assert.deepEqual(
      [shown(0, 4), shown(1, 4)],
      [
        [4, 1, 0],
        [0, 3, 0],
      ],
    );
  });

  it('with a number are each worker’s own, and so is what it shows', () => {
    const { admissions, shown } = sharing();
    const v1 = version('shop/v1', 1);
    const both = admissions.map((one) => linked(one, v1, 4));
    const on = bench();
    for (const one of both) assert.equal(one.admit(exchangeOn(on), 0, NOTHING), true);
    for (const one of admissions) one.tick(50);
    assert.deepEqual(
      [shown(0, 4), shown(1, 4)],
      [
        [1, 1, 0],
        [1, 1, 0],
      ],
    );
  });

  it('take what they have to another cell with their version, and nothing back when it is gone', () => {
    const { admissions, seat } = sharing();
    const v1 = version('shop/v1', 'auto');
    const both = admissions.map((one) => linked(one, v1, 4));
    const on = bench();
    for (const one of both) one.admit(exchangeOn(on), 0, NOTHING);
    assert.equal(seat(4).inFlight, 2);
    linked(admissions[1] as Admissions, v1, 7);
    assert.deepEqual([seat(4).inFlight, seat(7).inFlight], [1, 1]);
    linked(admissions[0] as Admissions, v1, 7);
    assert.deepEqual([seat(4).inFlight, seat(7).inFlight], [0, 2]);
    for (const one of admissions) one.link(new Map(), 0);
    assert.equal(seat(7).inFlight, 0);
    for (const one of admissions) one.tick(50);
    assert.deepEqual([seat(7).inFlight, seat(7).limit], [0, 0]);
  });

  it('hear of one another by the cell of the version, and not of versions that they do not have', () => {
    const { admissions, seat } = sharing();
    const v1 = version('shop/v1', 'auto');
    const both = admissions.map((one) => linked(one, v1, 4));
    seat(9).tell(TOLD.ended, 10);
    const on = bench();
    const all = Array.from({ length: 4 }, () => exchangeOn(on));
    for (const x of all) assert.equal(both[1]?.admit(x, 0, NOTHING), true);
    for (const x of all) both[1]?.release(x, 10, false);
    for (const one of admissions) one.tick(50);
    assert.deepEqual(
      both.map(({ limit }) => limit),
      [8, 8],
    );
  });
});

describe('admissions that share places', () => {
  interface One extends Admitted {
    readonly name: string;
  }

  function one(name: string, priority = 1): One {
    return { name, permit: NONE, priority, userKey: 7, split: null };
  }

  function told(): { events: WaitEvents<One>; log: string[] } {
    const log: string[] = [];
    const events: WaitEvents<One> = {
      admitted: ({ name }) => log.push(`${name} admitted`),
      shed: ({ name }) => log.push(`${name} shed`),
    };
    return { log, events };
  }

  /** One in each of so many workers. */
  function shared(workers: number): { admissions: Admission<One>[]; pass: (untilMs: number) => void } {
    const memory = reservePool(workers).buffer;
    const pools = Array.from({ length: workers }, (_, place) => new Pool({ memory, workers, place }));
    const admissions = pools.map((pool) => new Admission<One>('auto', 0, createStandings(), new Seat(pool, 5)));
    let nowMs = 0;
    const pass = (untilMs: number): void => {
      for (; nowMs < untilMs; nowMs += 50) {
        for (const [place, admission] of admissions.entries()) {
          pools[place]?.tick(nowMs, (_, told, ms) => admission.hear(told, ms));
          admission.tick(nowMs);
        }
      }
    };
    return { admissions, pass };
  }

  it('let those wait first who came first, when another worker gave back a place', () => {
    const { events, log } = told();
    const [first, second] = shared(2).admissions as [Admission<One>, Admission<One>];
    const holders = Array.from({ length: 4 }, (_, n) => one(`holder${n}`));
    for (const x of holders.slice(0, 2)) assert.equal(first.admit(x, 0, events), true);
    for (const x of holders.slice(2)) assert.equal(second.admit(x, 0, events), true);
    assert.equal(second.admit(one('waits'), 0, events), false);
    first.release(holders[0] as One, 10, false);
    assert.deepEqual(log, [], 'the other worker does not know yet');
    const late = one('late');
    assert.equal(second.admit(late, 20, events), false);
    assert.deepEqual(log, ['waits admitted']);
    assert.equal(late.permit, WAITING);
  });

  it('have none to spare while another worker has the last', () => {
    const { events } = told();
    const [first, second] = shared(2).admissions as [Admission<One>, Admission<One>];
    for (let n = 0; n < 4; n++) assert.equal(first.admit(one(`holder${n}`), 0, events), true);
    assert.deepEqual([second.isPressed, second.admitSpare(one('hedge'), 0)], [true, false]);
    assert.equal(second.admit(one('own'), 0, events), true, 'though its share is its own');
  });

  it('refuse in all workers while the queue of one stands', () => {
    const { events } = told();
    const { admissions, pass } = shared(2);
    const [first, second] = admissions as [Admission<One>, Admission<One>];
    for (let n = 0; n < 4; n++) first.admit(one(`holder${n}`), 0, events);
    for (let nowMs = 0; nowMs < 4000; nowMs += 50) {
      for (let n = 0; n < 4; n++) first.admit(one(`${nowMs}`, 3), nowMs, events);
      pass(nowMs + 50);
    }
    assert.ok(first.refusedRatio > 0.5, `${first.refusedRatio}`);
    assert.ok(Math.abs(second.refusedRatio - first.refusedRatio) < 0.2, `${second.refusedRatio}`);
    assert.equal(second.isPressed, true);
  });

  it('leave a curb’s places to others in all workers', () => {
    const { events } = told();
    const [first, second] = shared(2).admissions as [Admission<One>, Admission<One>];
    for (const admission of [first, second]) admission.isCurbed = true;
    assert.equal(first.admit(one('a', 3), 0, events), true);
    assert.equal(second.admit(one('b', 3), 0, events), true);
    const least = one('c', 3);
    assert.equal(first.admit(least, 0, events), false);
    assert.equal(least.permit, SHED);
    assert.equal(first.admit(one('d'), 0, events), true);
  });
});
