/** The limit of a version: fed with samples on a made-up clock. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LIMIT_MIN, Limiter, type Use } from '#src/proxy/decide/admission/limit.ts';
import { bytesPerCall, COUNTED } from '../../../../support/proxy/allocation.ts';

const IDLE = { inFlight: 0, answering: 0, peak: 0, isOverrun: false };

/** As many answers as the limit allows, each after `ms`, `rounds` times. */
function answer(limiter: Limiter, ms: number, rounds: number): void {
  for (let round = 0; round < rounds; round++) {
    for (let n = limiter.limit; n > 0; n--) {
      limiter.sample(ms);
      limiter.ended(ms, true);
    }
  }
}

interface Windows {
  readonly ms: number;
  readonly count: number;
  readonly fromMs: number;
  /** How long bodies take behind their heads. */
  readonly bodyMs?: number;
  /** As many fail besides, each after so long. */
  readonly failedMs?: number;
}

/** Windows of 60 samples of `ms` each, every 100 ms from `fromMs` on, with the limit full. Returns the time after. */
function windows(limiter: Limiter, { ms, count, fromMs, bodyMs = 0, failedMs }: Windows): number {
  let nowMs = fromMs;
  for (let n = 0; n < count; n++) {
    for (let i = 0; i < 60; i++) {
      limiter.sample(ms);
      limiter.ended(ms + bodyMs, true);
      if (failedMs !== undefined) limiter.ended(failedMs, true);
    }
    nowMs += 100;
    const { limit } = limiter;
    limiter.tick(nowMs, { inFlight: limit, answering: 0, peak: limit, isOverrun: true });
  }
  return nowMs;
}

/** A limiter that is steady: its baseline is 10 ms. */
function steady(): { limiter: Limiter; nowMs: number } {
  const limiter = new Limiter(0);
  answer(limiter, 10, 4);
  const half = { inFlight: 1, answering: 0, peak: 1, isOverrun: false };
  let nowMs = 0;
  for (let n = 0; n < 3; n++) {
    for (let i = 0; i < 60; i++) limiter.sample(10);
    nowMs += 100;
    limiter.tick(nowMs, half);
  }
  assert.equal(limiter.state, 'steady');
  return { limiter, nowMs };
}

describe('a limit that starts', () => {
  it('is four, and stays so while nothing is sent', () => {
    const limiter = new Limiter(0);
    for (let nowMs = 0; nowMs < 100_000; nowMs += 50) limiter.tick(nowMs, IDLE);
    assert.equal(limiter.limit, LIMIT_MIN);
    assert.equal(limiter.state, 'starting');
  });

  it('doubles with as many answers as it allows', () => {
    const limiter = new Limiter(0);
    const seen = Array.from({ length: 4 }, () => {
      answer(limiter, 10, 1);
      return limiter.limit;
    });
    assert.deepEqual(seen, [8, 16, 32, 64]);
  });

  it('does not grow beyond what is used', () => {
    const limiter = new Limiter(0);
    for (let n = 0; n < 1000; n++) limiter.ended(10, false);
    assert.equal(limiter.limit, LIMIT_MIN);
  });

  it('stops when answers take more than three times as long as the first ones, and goes back a step', () => {
    const limiter = new Limiter(0);
    answer(limiter, 10, 3);
    assert.equal(limiter.limit, 32);
    answer(limiter, 31, 1);
    assert.equal(limiter.limit, 16);
    assert.equal(limiter.state, 'steady');
  });

  it('goes back a step when a request is given up', () => {
    const limiter = new Limiter(0);
    answer(limiter, 10, 2);
    limiter.ended(10, true);
    limiter.sampleAtLeast(1000);
    assert.equal(limiter.limit, 8);
  });
});

describe('a steady limit', () => {
  it('is lowered while the median is above 1.35 times the baseline', () => {
    const { limiter, nowMs } = steady();
    const before = limiter.limit;
    windows(limiter, { ms: 20, count: 1, fromMs: nowMs });
    const g = 13.5 / 20;
    assert.ok(
      Math.abs(limiter.limit - (0.5 * before + 0.5 * (g * before + Math.sqrt(before)))) < 1.5,
      `${limiter.limit}`,
    );
  });

  it('starts from what was under way, not from what it allowed', () => {
    const { limiter, nowMs } = steady();
    for (let i = 0; i < 60; i++) limiter.sample(40);
    limiter.tick(nowMs + 100, { inFlight: 10, answering: 0, peak: 10, isOverrun: false });
    assert.ok(limiter.limit < 12, `${limiter.limit}`);
  });

  it('grows while more than half of it is used and answers come in time', () => {
    const { limiter, nowMs } = steady();
    const before = limiter.limit;
    windows(limiter, { ms: 10, count: 2, fromMs: nowMs });
    assert.ok(limiter.limit > before * 1.3, `${limiter.limit} of ${before}`);
  });

  it('stays where less than half of it is used', () => {
    const { limiter, nowMs } = steady();
    const before = limiter.limit;
    for (let n = 1; n < 20; n++) {
      for (let i = 0; i < 60; i++) limiter.sample(10);
      limiter.tick(nowMs + n * 100, { inFlight: 2, answering: 0, peak: 2, isOverrun: false });
    }
    assert.equal(limiter.limit, before);
  });

  it('never falls below four', () => {
    const { limiter, nowMs } = steady();
    windows(limiter, { ms: 10_000, count: 5, fromMs: nowMs });
    assert.ok(limiter.limit >= LIMIT_MIN);
  });

  it('does not move on fewer than 20 samples, however long they take', () => {
    const { limiter, nowMs } = steady();
    const before = limiter.limit;
    for (let i = 0; i < 19; i++) limiter.sample(900);
    assert.equal(limiter.tick(nowMs + 60_000, { inFlight: 5, answering: 0, peak: before, isOverrun: true }), false);
    assert.equal(limiter.limit, before);
  });

  it('takes requests that were given up for slow, and none that were given up soon', () => {
    const { limiter, nowMs } = steady();
    const before = limiter.limit;
    for (let i = 0; i < 100; i++) limiter.sampleAtLeast(5);
    limiter.tick(nowMs + 1000, { inFlight: before, answering: 0, peak: before, isOverrun: false });
    assert.equal(limiter.limit, before);
    for (let i = 0; i < 60; i++) limiter.sampleAtLeast(1000);
    limiter.tick(nowMs + 2000, { inFlight: before, answering: 0, peak: before, isOverrun: false });
    assert.ok(limiter.limit < before);
  });
});

describe('a probe', () => {
  /** Where full windows bring the limit when so many are under way while nothing queues. */
  const restOf = (busy: number): number => (0.5 + Math.sqrt(0.25 + 1.35 * busy)) ** 2;

  /** A limiter within its first probe, what was sent before being over. */
  function probing(besides: Partial<Windows> = {}): { limiter: Limiter; nowMs: number; before: number } {
    const { limiter } = steady();
    let nowMs = 1000;
    let before = limiter.limit;
    for (let n = 0; n < 400 && limiter.state !== 'probing'; n++) {
      before = limiter.limit;
      nowMs = windows(limiter, { ms: 12, count: 1, fromMs: nowMs, ...besides });
    }
    assert.equal(limiter.state, 'probing');
    return { limiter, nowMs, before };
  }

  it('begins when more arrives than is answered: at a quarter of the limit, at a full second', () => {
    const { limiter, nowMs, before } = probing();
    assert.equal(nowMs % 1000, 0);
    assert.ok(Math.abs(limiter.limit - before / 4) <= 1, `${limiter.limit} of ${before}`);
  });

  it('of a baseline that is confirmed comes after 30 s', () => {
    assert.ok(probing().nowMs >= 30_000);
  });

  it('comes at once when half of the limit is gone and windows are as slow as before', () => {
    const { limiter, nowMs } = steady();
    let at = nowMs;
    while (at < 3000 && limiter.state !== 'probing') at = windows(limiter, { ms: 40, count: 1, fromMs: at });
    assert.equal(limiter.state, 'probing');
  });

  it('of a provisional baseline comes within a second or two', () => {
    const limiter = new Limiter(0);
    answer(limiter, 10, 3);
    answer(limiter, 50, 1);
    let at = 0;
    while (at < 3000 && limiter.state !== 'probing') at = windows(limiter, { ms: 50, count: 1, fromMs: at });
    assert.equal(limiter.state, 'probing');
  });

  it('does not begin while everything is answered', () => {
    const { limiter } = steady();
    for (let nowMs = 1000; nowMs < 120_000; nowMs += 100) {
      for (let i = 0; i < 60; i++) limiter.sample(10);
      limiter.tick(nowMs, { inFlight: limiter.limit, answering: 0, peak: limiter.limit, isOverrun: false });
      assert.notEqual(limiter.state, 'probing');
    }
  });

  it('waits for what was sent before, passes over what of it is left, and sets the baseline', () => {
    const { limiter, nowMs } = probing();
    const { limit } = limiter;
    for (let i = 0; i < 200; i++) limiter.sample(500);
    limiter.tick(nowMs + 50, { inFlight: limit + 1, answering: 0, peak: limit + 1, isOverrun: true });
    limiter.tick(nowMs + 100, { inFlight: limit, answering: 0, peak: limit, isOverrun: true });
    for (let i = 0; i < limit; i++) limiter.sample(500);
    for (let i = 0; i < 50; i++) limiter.sample(8);
    limiter.tick(nowMs + 200, { inFlight: limit, answering: 0, peak: limit, isOverrun: true });
    finish(limiter, nowMs + 200, () => 8);
    assert.equal(limiter.state, 'steady');
    assert.ok(Math.abs(limiter.baselineMs - 8) < 0.2, `${limiter.baselineMs}`);
  });

  it('leaves the limit where full windows would bring it, and there they leave it', () => {
    const { limiter, nowMs, before } = probing();
    finish(limiter, nowMs, () => 8);
    // 60 answers in 100 ms, of 8 ms each: 4.8 are under way when nothing queues, and L = 1.35 x 4.8 + sqrt L.
    const rest = restOf(4.8);
    assert.ok(before > 2 * rest, `${before}`);
    assert.equal(limiter.limit, Math.floor(rest));
    windows(limiter, { ms: rest / 0.6, count: 10, fromMs: nowMs + 1000 });
    assert.ok(Math.abs(limiter.limit - rest) <= 1, `${limiter.limit}`);
  });

  it('goes by the mean there: of answers that differ much, more are under way', () => {
    const { limiter, nowMs } = probing();
    finish(limiter, nowMs, (_, sample) => (sample < 10 ? 40 : 8));
    const busy = 0.6 * (0.8 * 8 + 0.2 * 40);
    assert.ok(Math.abs(limiter.baselineMs - 8) < 0.2, `${limiter.baselineMs}`);
    assert.ok(Math.abs(limiter.limit - restOf(busy)) <= 1, `${limiter.limit}`);
  });

  it('leaves places for failures, as many as they took before', () => {
    const { limiter, nowMs } = probing({ failedMs: 10 });
    finish(limiter, nowMs, () => 8);
    assert.ok(Math.abs(limiter.limit - restOf(0.6 * 8 + 0.6 * 10)) <= 1, `${limiter.limit}`);
  });

  it('leaves none for failures that come at once, however many', () => {
    const { limiter, nowMs } = probing({ failedMs: 0 });
    finish(limiter, nowMs, () => 8);
    assert.equal(limiter.limit, Math.floor(restOf(0.6 * 8)));
  });

  it('leaves places for bodies that take longer than their heads', () => {
    const { limiter, nowMs } = probing({ bodyMs: 50 });
    finish(limiter, nowMs, () => 8);
    assert.ok(Math.abs(limiter.limit - restOf(0.6 * 8 + 0.6 * 50)) <= 1, `${limiter.limit}`);
  });

  it('does not raise the limit', () => {
    const { limiter } = steady();
    let at = 1000;
    let before = limiter.limit;
    while (limiter.state !== 'probing') {
      before = limiter.limit;
      at = windows(limiter, { ms: 40, count: 1, fromMs: at });
    }
    finish(limiter, at, () => 8);
    assert.ok(limiter.limit <= before, `${limiter.limit} of ${before}`);
  });

  it('does not believe a baseline at which requests queue: a quarter of the quarter is faster', () => {
    const { limiter, nowMs } = probing();
    finish(limiter, nowMs, (round) => (round === 0 ? 100 : 9));
    assert.equal(limiter.state, 'steady');
    assert.ok(Math.abs(limiter.baselineMs - 9) < 0.2, `${limiter.baselineMs}`);
  });

  it('without answers leaves baseline and limit as they were', () => {
    const { limiter, nowMs, before: limit } = probing();
    const before = limiter.baselineMs;
    limiter.tick(nowMs + 50, IDLE);
    limiter.tick(nowMs + 5000, IDLE);
    assert.equal(limiter.state, 'steady');
    assert.equal(limiter.baselineMs, before);
    assert.ok(Math.abs(limiter.limit - limit) <= 1, `${limiter.limit} of ${limit}`);
  });

  /** Answers the rounds of a probe with 50 samples each. */
  function finish(limiter: Limiter, fromMs: number, tookMs: (round: number, sample: number) => number): void {
    let nowMs = fromMs;
    for (let round = 0; limiter.state === 'probing' && round < 10; round++) {
      limiter.tick((nowMs += 50), { inFlight: 0, answering: 0, peak: 0, isOverrun: true });
      for (let i = 0; i < 50; i++) limiter.sample(tookMs(round, i));
      limiter.tick((nowMs += 50), { inFlight: 0, answering: 0, peak: 0, isOverrun: true });
    }
  }
});

describe('a limiter that goes on from another', () => {
  const OVERRUN: Use = { inFlight: 40, answering: 0, peak: 40, isOverrun: true };

  it('has its limit and baseline at once, and adapts', () => {
    const limiter = new Limiter(0, { limit: 40, baselineMs: 10 });
    assert.deepEqual([limiter.limit, limiter.baselineMs, limiter.state], [40, 10, 'steady']);
    assert.equal(limiter.isLearning, false);
    for (let n = 0; n < 50; n++) limiter.sample(40);
    limiter.tick(150, { inFlight: 40, answering: 0, peak: 40, isOverrun: false });
    assert.ok(limiter.limit < 40, `${limiter.limit}`);
  });

  it('has the baseline measured after a second of overload, at the next full one', () => {
    const limiter = new Limiter(0, { limit: 40, baselineMs: 100 });
    for (let nowMs = 150; nowMs <= 2100; nowMs += 150) {
      for (let n = 0; n < 50; n++) limiter.sample(10);
      limiter.tick(nowMs, { ...OVERRUN, peak: limiter.limit });
    }
    assert.equal(limiter.state, 'probing');
  });

  it('begins anew where nothing was found, from the limit that there was', () => {
    assert.deepEqual(new Limiter(0, { limit: 0, baselineMs: 0 }).known, new Limiter(0).known);
    const limiter = new Limiter(0, { limit: 16, baselineMs: 0 });
    assert.deepEqual([limiter.limit, limiter.state, limiter.isLearning], [16, 'starting', true]);
  });

  it('finds the limit before a probe, not the one that is narrowed', () => {
    const { limiter } = steady();
    const before = limiter.known;
    assert.deepEqual(before, { limit: limiter.limit, baselineMs: limiter.baselineMs });
    const probing = new Limiter(0, { limit: 40, baselineMs: 10 });
    for (let nowMs = 150; probing.state !== 'probing'; nowMs += 150) {
      assert.ok(nowMs < 60_000);
      for (let n = 0; n < 50; n++) probing.sample(10);
      probing.tick(nowMs, { ...OVERRUN, peak: probing.limit });
    }
    assert.ok(probing.known.limit >= 40 && probing.limit < probing.known.limit, `${probing.limit}`);
  });
});

it('a sample allocates nothing', COUNTED, () => {
  const { limiter } = steady();
  assert.equal(
    bytesPerCall(() => limiter.sample(12)),
    0,
  );
});
