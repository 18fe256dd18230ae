/** The admissions of a worker: kept, replaced and shown across snapshots. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ConcurrencyLimit } from '#src/model/overload.ts';
import type { TargetSpec } from '#src/model/snapshot.ts';
import { CELL, CELL_WORDS } from '#src/model/tallies.ts';
import { CURB, createStandings, type Standings } from '#src/model/threads/load/standing.ts';
import type { Admission } from '#src/proxy/decide/admission/admission.ts';
import { Admissions } from '#src/proxy/decide/admission/admissions.ts';
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
