/** The monotonic clock: comparable between threads, and deaf to the wall clock. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { Worker } from 'node:worker_threads';
import { beginTurn, bothClocks, httpDate, isoTime, nowMs, turnMs, wallTime } from '#src/lib/clock.ts';
import { Random } from '#src/lib/random.ts';
import { bytesPerCall, COUNTED } from '../../support/proxy/allocation.ts';

const SEED = 20_261_123;
const CLOCK = new URL('../../../src/lib/clock.ts', import.meta.url);

describe('the clock', () => {
  it('never goes back', () => {
    let last = nowMs();
    for (let i = 0; i < 10_000; i++) {
      const now = nowMs();
      assert.ok(now >= last);
      last = now;
    }
  });

  it('reads the same in every thread', async () => {
    const code = `import(${JSON.stringify(CLOCK.href)}).then(({ nowMs }) =>
      require('node:worker_threads').parentPort.postMessage(nowMs()))`;
    const before = nowMs();
    const worker = new Worker(code, { eval: true });
    const [reading] = (await once(worker, 'message')) as [number];
    const after = nowMs();
    assert.ok(reading > before && reading < after, `${before} < ${reading} < ${after}`);
  });

  it('is the system’s monotonic clock', () => {
    const before = nowMs();
    const system = Number(process.hrtime.bigint()) / 1e6;
    const after = nowMs();
    assert.ok(before - system < 50 && system - after < 50, `${before}, ${system}, ${after}`);
  });

  it('tells people the time in ISO 8601', () => {
    assert.match(wallTime(), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  });

  it(`writes any time as the system does, in whatever order (seed ${SEED})`, () => {
    const random = new Random(SEED);
    const around = [
      0, -1, 999, 1000, 999.999, -0.5, -1000.5, 1_700_000_000_000, 253_402_300_799_999, 253_402_300_800_000,
    ];
    const drawn = Array.from({ length: 5000 }, () => 1_700_000_000_000 + random.nextFloat() * 5000);
    for (const wallMs of [...around, ...drawn]) assert.equal(isoTime(wallMs), new Date(wallMs).toISOString());
    assert.throws(() => isoTime(Number.NaN), RangeError);
    assert.equal(isoTime(0), '1970-01-01T00:00:00.000Z');
  });

  it('is read without a word on the heap but the number itself', COUNTED, () => {
    let kept = 0;
    assert.ok(bytesPerCall(() => (kept = nowMs()), 5000, 32) <= 32, String(kept));
  });
});

describe('a turn', () => {
  it('has one time, that of the event it began with', () => {
    const before = nowMs();
    const began = beginTurn();
    assert.ok(began >= before);
    assert.equal(turnMs(), began);
    assert.equal(turnMs(), began);
    assert.ok(beginTurn() >= began);
  });

  it('costs nothing to ask for', COUNTED, () => {
    beginTurn();
    assert.ok(bytesPerCall(turnMs) < 1);
  });
});

it('both clocks are read at once', () => {
  const before = nowMs();
  const { nowMs: steadyMs, wallMs } = bothClocks();
  assert.ok(steadyMs >= before && steadyMs <= nowMs());
  assert.ok(Math.abs(wallMs - Date.parse(wallTime())) < 5000);
});

it('an HTTP date is what HTTP calls the time of day', () => {
  assert.match(httpDate(), /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d (?:[A-Z][a-z]{2}) \d{4} \d\d:\d\d:\d\d GMT$/);
  assert.ok(Math.abs(Date.parse(httpDate()) - Date.parse(wallTime())) < 5000);
});
