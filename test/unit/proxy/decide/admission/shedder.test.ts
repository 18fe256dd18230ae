/** What a worker does while the gateway itself is short of something. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { REASON } from '#src/model/reason.ts';
import { CELL, CELL_WORDS, GATEWAY_CELL } from '#src/model/tallies.ts';
import { GRADE, PRESSURE, PRESSURE_MS, reservePressure } from '#src/model/threads/load/saturation.ts';
import { Shedder } from '#src/proxy/decide/admission/shedder.ts';
import { decide } from '#src/proxy/decide/decide.ts';
import { bytesPerCall, COUNTED } from '../../../../support/proxy/allocation.ts';
import { bench, exchangeOn, get, peerOf, readHead, TWO_VERSIONS } from '../../../../support/proxy/parts.ts';

function shedderOf() {
  const words = new Int32Array(reservePressure());
  const shedder = new Shedder(words.buffer);
  let atMs = 0;
  const tick = (grade: number, refusedPerMille: number): void => {
    words[PRESSURE.grade] = grade;
    words[PRESSURE.refusedPerMille] = refusedPerMille;
    atMs += 50;
    shedder.tick(atMs);
  };
  return { shedder, tick };
}

/** Requests of each priority in turn, by many users; how many of each were refused, of 1000. */
function refusedOf(shedder: Shedder): number[] {
  return [0, 1, 2, 3].map((rank) => {
    let refused = 0;
    for (let user = 0; user < 1000; user++) if (shedder.refuses(rank, user * 7919, 0)) refused += 1;
    return refused;
  });
}

describe('a shedder', () => {
  it('does what its grade says, and what milder ones say', () => {
    const { shedder, tick } = shedderOf();
    const seen = [GRADE.normal, GRADE.lean, GRADE.shedding, GRADE.refusing].map((grade) => {
      tick(grade, grade >= GRADE.shedding ? 200 : 0);
      return [shedder.closesIdle, shedder.isOn, shedder.refusesConnections];
    });
    assert.deepEqual(seen, [
      [false, false, false],
      [true, false, false],
      [true, true, false],
      [true, true, true],
    ]);
    tick(GRADE.normal, 0);
    assert.deepEqual([shedder.closesIdle, shedder.isOn, shedder.refusesConnections], [false, false, false]);
  });

  it('refuses the least important first, all but the critical in the end', () => {
    const { shedder, tick } = shedderOf();
    const settle = (perMille: number): number[] => {
      for (let n = 0; n < 30; n++) {
        tick(GRADE.shedding, perMille);
        refusedOf(shedder);
      }
      return refusedOf(shedder);
    };
    const [critical, usual, degraded, least] = settle(300) as [number, number, number, number];
    assert.deepEqual([critical, usual, least], [0, 0, 1000]);
    assert.ok(degraded > 100 && degraded < 300, `${degraded} of the degraded`);
    assert.deepEqual(settle(950), [0, 1000, 1000, 1000]);
  });

  it('refuses nobody when it begins again, until it knows who comes', () => {
    const { shedder, tick } = shedderOf();
    for (let n = 0; n < 10; n++) {
      tick(GRADE.shedding, 900);
      refusedOf(shedder);
    }
    tick(GRADE.lean, 0);
    tick(GRADE.shedding, 900);
    assert.deepEqual(refusedOf(shedder), [0, 0, 0, 0]);
  });

  it('obeys a main thread that looks no more for so long, and again when it looks', () => {
    const words = new Int32Array(reservePressure());
    const shedder = new Shedder(words.buffer);
    const at = (ms: number): boolean[] => {
      shedder.tick(ms);
      return [shedder.closesIdle, shedder.isOn, shedder.refusesConnections];
    };
    words.set([GRADE.refusing, 500, 1]);
    for (const ms of [0, PRESSURE_MS]) assert.deepEqual(at(ms), [true, true, true], `${ms}`);
    assert.deepEqual(at(PRESSURE_MS + 1), [false, false, false]);
    words[PRESSURE.looks] = 2;
    assert.deepEqual(at(PRESSURE_MS + 50), [true, true, true]);
  });

  it('allocates nothing', COUNTED, () => {
    const { shedder, tick } = shedderOf();
    tick(GRADE.shedding, 500);
    let n = 0;
    assert.ok(bytesPerCall(() => void shedder.refuses(2, n++ & 0xffff, 1000)) < 0.5);
    assert.ok(bytesPerCall(() => tick(GRADE.shedding, 500), 500, 16) <= 16, 'numbers of the test itself');
  });
});

it('a request that is shed has its route, no version and a reason, and counts by its priority', () => {
  const on = bench({ routes: [{ ...TWO_VERSIONS, priority: 'degraded' }] });
  Object.assign(on.lane.shedder, { isOn: true, refuses: () => true });
  const x = exchangeOn(on);
  const reason = decide(x, readHead(on.table, get('/')), peerOf(), on.lane.random);
  assert.deepEqual([reason, x.route?.name, x.split], [REASON.shed, 'route0', null]);
  assert.equal(on.tallies.cells[GATEWAY_CELL * CELL_WORDS + CELL.shed + 2], 1);
  Object.assign(on.lane.shedder, { isOn: false });
  assert.equal(decide(exchangeOn(on), readHead(on.table, get('/')), peerOf(), on.lane.random), REASON.none);
});
