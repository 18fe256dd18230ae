import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Random } from '#src/lib/random.ts';
import {
  downstreamOf,
  forgetDownstream,
  reserveDownstream,
  TRACE_SETS,
  TRACE_WAYS,
} from '#src/model/threads/load/downstream.ts';
import { Downstream, REMEMBERED_S } from '#src/proxy/decide/color/downstream.ts';
import { bytesPerCall, COUNTED } from '../../../../support/proxy/allocation.ts';

const SEED = 20_261_122;
const NOW_MS = 5_000_000;
const CELL = 17;

function traceOf(random: Random): string {
  const digits = (count: number): string =>
    Array.from({ length: count / 8 }, () => random.nextUint32().toString(16).padStart(8, '0')).join('');
  return `00-${digits(32)}-${digits(16)}-01`;
}

describe('traces of requests that a color pinned', () => {
  const random = new Random(SEED);

  it('are known to every worker until they are forgotten', () => {
    const memory = reserveDownstream();
    const [one, other] = [new Downstream(memory), new Downstream(memory)];
    const trace = traceOf(random);
    assert.equal(other.isOn(NOW_MS), false);
    one.remember(trace, CELL, NOW_MS);
    const child = `${trace.slice(0, 36)}ffffffffffffffff-00`;
    assert.deepEqual(
      [other.isOn(NOW_MS), other.cellOf(trace, NOW_MS), other.cellOf(child, NOW_MS)],
      [true, CELL, CELL],
    );
    assert.equal(other.cellOf(traceOf(random), NOW_MS), -1);
    const laterMs = NOW_MS + (REMEMBERED_S + 1) * 1000;
    assert.deepEqual([other.isOn(laterMs), other.cellOf(trace, laterMs)], [false, -1]);
  });

  it('belong to the version that had the last colored request of them', () => {
    const downstream = new Downstream(reserveDownstream());
    const trace = traceOf(random);
    downstream.remember(trace, CELL, NOW_MS);
    downstream.remember(trace, CELL + 1, NOW_MS);
    assert.equal(downstream.cellOf(trace, NOW_MS), CELL + 1);
  });

  it('are no more than there is room for: the oldest go', () => {
    const downstream = new Downstream(reserveDownstream());
    const room = TRACE_SETS * TRACE_WAYS;
    const traces = Array.from({ length: 4 * room }, () => traceOf(random));
    // A second apart at the end of each quarter: what is older is forgotten first.
    for (const [n, trace] of traces.entries())
      downstream.remember(trace, n % 100, NOW_MS + Math.floor(n / room) * 1000);
    const known = traces.map((trace) => downstream.cellOf(trace, NOW_MS + 3000) >= 0);
    const quarters = [0, 1, 2, 3].map((at) => known.slice(at * room, (at + 1) * room).filter(Boolean).length);
    const sum = quarters.reduce((all, count) => all + count, 0);
    assert.ok(sum <= room && sum > room * 0.9, `${quarters.join(' ')}, seed ${SEED}`);
    assert.ok(
      (quarters[3] as number) > room * 0.7 && (quarters[0] as number) < room * 0.05,
      `${quarters.join(' ')}, seed ${SEED}`,
    );
  });

  it('are none where the field is no trace', () => {
    const downstream = new Downstream(reserveDownstream());
    for (const bad of ['', 'x', '00-zz', '0'.repeat(55), 'g'.repeat(55)]) {
      downstream.remember(bad, CELL, NOW_MS);
      assert.equal(downstream.cellOf(bad, NOW_MS), -1, bad);
    }
    assert.deepEqual([downstream.isOn(NOW_MS), downstream.cellOf(null, NOW_MS)], [false, -1]);
  });

  it('count by cell what followed, and a cell begins anew with another version', () => {
    const memory = reserveDownstream();
    const words = new Int32Array(memory);
    const downstream = new Downstream(memory);
    for (let n = 0; n < 5; n++) downstream.count(CELL, n < 2);
    assert.deepEqual(downstreamOf(words, CELL), { kept: 2, lost: 3 });
    assert.deepEqual(downstreamOf(words, CELL + 1), { kept: 0, lost: 0 });
    forgetDownstream(words, CELL);
    assert.deepEqual(downstreamOf(words, CELL), { kept: 0, lost: 0 });
  });

  it('cost requests nothing while there are none', COUNTED, () => {
    const downstream = new Downstream(reserveDownstream());
    assert.equal(
      bytesPerCall(() => downstream.isOn(NOW_MS)),
      0,
    );
  });
});
