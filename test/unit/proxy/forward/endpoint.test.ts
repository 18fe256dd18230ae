/** Peak EWMA: slowness counts at once, speed decays in, failures do not look like speed. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { WARM_ATTEMPTS, WARM_MS } from '#src/model/latency.ts';
import { ENDPOINT, ENDPOINT_WORDS } from '#src/model/tallies.ts';
import { Endpoint } from '#src/proxy/forward/endpoint.ts';
import { bytesPerCall, COUNTED } from '../../../support/proxy/allocation.ts';
import { bench } from '../../../support/proxy/parts.ts';

function endpoint(): Endpoint {
  return new Endpoint(1, '127.0.0.1', 80);
}

/** The load at an instant, for whoever asks with the time. */
function loadAt(one: Endpoint, nowMs: number): number {
  const load: (nowMs: number) => number = one.load.bind(one);
  return load(nowMs);
}

describe('an endpoint’s address', () => {
  it('is host and port, IPv6 in brackets', () => {
    assert.equal(endpoint().address, '127.0.0.1:80');
    assert.equal(new Endpoint(1, '::1', 80).address, '[::1]:80');
  });
});

describe('load', () => {
  it('is the smoothed time, times the requests under way and one', () => {
    const one = endpoint();
    one.observe(100, 0);
    const alone = loadAt(one, 0);
    assert.ok(Math.abs(alone - 100) < 0.1, String(alone));
    one.inFlight = 3;
    assert.ok(Math.abs(loadAt(one, 0) - 4 * alone) < 0.01);
  });

  it('follows a slower answer at once', () => {
    const one = endpoint();
    one.observe(10, 0);
    one.observe(500, 1);
    assert.ok(loadAt(one, 1) >= 499);
  });

  it('follows a faster answer with a time constant of 10 s', () => {
    const one = endpoint();
    one.observe(1000, 0);
    one.observe(0, 10_000);
    const expected = 1000 * Math.exp(-1);
    assert.ok(Math.abs(loadAt(one, 10_000) - expected) < 1, `${loadAt(one, 10_000)} is not ${expected}`);
  });

  it('after a failure is several times what it was, however fast it failed, but not more than a second', () => {
    const one = endpoint();
    one.observe(20, 0);
    one.observeFailure(1, 10);
    assert.ok(loadAt(one, 10) >= 90, `${loadAt(one, 10)}`);
    for (let n = 0; n < 20; n++) one.observeFailure(1, 10);
    assert.ok(Math.abs(loadAt(one, 10) - 1000) < 1, `${loadAt(one, 10)}`);
    one.observeFailure(5000, 10);
    assert.ok(loadAt(one, 10) >= 4999, 'a slow failure is as dear as it was slow');
  });

  it('after a failure fades while nobody asks, or the endpoint would never be tried again', () => {
    const failed = endpoint();
    failed.observeFailure(1, 0);
    const healthy = endpoint();
    healthy.observe(5, 119_000);
    assert.ok(loadAt(failed, 120_000) < loadAt(healthy, 120_000), `${loadAt(failed, 120_000)} after two minutes`);
  });

  it('of one without history grows with what it has not answered yet, so that silence does not attract', () => {
    const silent = endpoint();
    silent.inFlight = 5;
    const healthy = endpoint();
    healthy.observe(5, 0);
    assert.ok(loadAt(silent, 0) > loadAt(healthy, 0), `${loadAt(silent, 0)} with five requests unanswered`);
  });

  it('is at least the silence of what was called off, which is no failure and no usual time', () => {
    const one = endpoint();
    one.observe(5, 0);
    one.observeSilence(100, 100);
    assert.ok(Math.abs(loadAt(one, 100) - 100) < 0.1, `${loadAt(one, 100)}`);
    assert.equal(one.pressure(100), 1);
    assert.equal(one.isTooShort(49), true);
    assert.equal(one.isTooShort(50), false, 'it is still 8 times what its answers took');
  });

  it('does not fall by a silence, and does not fade below one', () => {
    const one = endpoint();
    one.observe(100, 0);
    one.observeSilence(1, 0);
    one.observeSilence(99, 0);
    assert.ok(loadAt(one, 0) >= 100);
    one.observeSilence(90, 20_000);
    assert.ok(Math.abs(loadAt(one, 20_000) - 90) < 0.1, `${loadAt(one, 20_000)} after 90 ms without a byte`);
    one.inFlight = 1;
    assert.ok(
      loadAt(one, 20_000) >= 200,
      `${loadAt(one, 20_000)}: what is not answered either does not make it cheaper`,
    );
    one.inFlight = 0;
    one.observeSilence(1, 20_001);
    assert.ok(loadAt(one, 20_001) >= 89, `${loadAt(one, 20_001)} after a client left soon`);
  });

  it('of one that answers in the turn in which another attempt was called off is that of its answer', () => {
    const one = endpoint();
    one.observeSilence(2, 5);
    one.observe(3, 5);
    one.inFlight = 1;
    assert.ok(loadAt(one, 5) < 10, `${loadAt(one, 5)}`);
  });

  it('of one that has only been silent is dear while something waits for it, however soon that was called off', () => {
    const one = endpoint();
    one.observeSilence(2, 0);
    assert.ok(Math.abs(loadAt(one, 0) - 2) < 0.1, `${loadAt(one, 0)}`);
    one.inFlight = 1;
    assert.ok(loadAt(one, 0) >= 2000, `${loadAt(one, 0)}`);
    one.observeSilence(3000, 1);
    assert.ok(loadAt(one, 1) >= 6000, `${loadAt(one, 1)}`);
    one.observe(5, 10_000_000);
    assert.ok(loadAt(one, 10_000_000) < 11, 'it has answered');
  });

  it('grows more slowly for an endpoint that stands for several', () => {
    const large = endpoint();
    large.observe(100, 0);
    large.inFlight = 6;
    assert.ok(Math.abs(large.load(0, 3) - 300) < 0.1, `${large.load(0, 3)}`);
    assert.ok(Math.abs(large.pressure(0, 3) - 3) < 1e-9);
  });

  it('is observed and read without a word on the heap but its numbers', COUNTED, () => {
    const one = endpoint();
    let t = 0;
    const bytes = bytesPerCall(
      () => {
        one.observe(t % 7, (t += 1));
        loadAt(one, t);
      },
      5000,
      128,
    );
    assert.ok(bytes <= 128, `${bytes} B`);
  });
});

describe('an endpoint that was left out', () => {
  it('comes back without history, and only then', () => {
    const one = endpoint();
    for (let n = 0; n < 20; n++) one.observeFailure(1, 0);
    one.setOut(false);
    assert.ok(loadAt(one, 0) > 900 && one.pressure(0) === 64);
    one.setOut(true);
    assert.ok(loadAt(one, 0) > 900);
    one.setOut(false);
    assert.ok(loadAt(one, 0) < 1);
    assert.equal(one.pressure(0), 1);
    one.inFlight = 1;
    assert.ok(loadAt(one, 0) > 1000, 'as a new one: dear until it has answered once');
  });
});

describe('an endpoint that is new', () => {
  /** Attempts one after the other, as they are made: whether each found it cold. */
  function ask(one: Endpoint, all: readonly Endpoint[], count: number, nowMs: number): boolean[] {
    return Array.from({ length: count }, () => one.isNew && one.warmUp(all, nowMs));
  }

  function warm(): Endpoint {
    const one = endpoint();
    ask(one, [], WARM_ATTEMPTS, 0);
    return one;
  }

  it('beside a warm one is cold for so many attempts', () => {
    const [old, one] = [warm(), endpoint()];
    const cold = ask(one, [old, one], WARM_ATTEMPTS + 2, 1);
    assert.deepEqual([cold.lastIndexOf(true), cold.indexOf(false)], [WARM_ATTEMPTS - 1, WARM_ATTEMPTS]);
    assert.equal(one.isNew, false);
  });

  it('or for so long, from its first attempt on', () => {
    const [old, one] = [warm(), endpoint()];
    const at = (nowMs: number): boolean => one.warmUp([old, one], nowMs);
    assert.deepEqual([at(100_000), at(100_000 + WARM_MS - 1), at(100_000 + WARM_MS)], [true, true, false]);
    assert.equal(one.isNew, false);
  });

  it('is not beside others that are as new as it is, however soon they are warm', () => {
    const all = [endpoint(), endpoint(), endpoint()];
    for (const one of all) assert.equal(one.warmUp(all, 0), false);
    assert.ok(!ask(all[0] as Endpoint, all, WARM_ATTEMPTS + 1, 1).includes(true));
    assert.ok(!ask(all[1] as Endpoint, all, WARM_ATTEMPTS + 1, WARM_MS).includes(true));
  });

  it('is not beside one that was asked for the first time less than that long ago', () => {
    const [old, ...young] = [endpoint(), endpoint(), endpoint()] as const;
    old.warmUp([old], 0);
    assert.equal(young[0].warmUp([old, ...young], WARM_MS - 1), false);
    assert.equal(young[1].warmUp([old, ...young], WARM_MS), true);
  });

  it('is not where the warm ones are left out: somebody is compared', () => {
    const [old, one] = [warm(), endpoint()];
    old.setOut(true);
    assert.equal(one.warmUp([old, one], 1), false);
  });

  it('is one that comes back after it was left out, too', () => {
    const [old, one] = [warm(), warm()];
    assert.equal(one.warmUp([old, one], 1), false);
    assert.equal(one.isNew, false);
    one.setOut(true);
    one.setOut(false);
    assert.equal(one.isNew && one.warmUp([old, one], 2), true);
  });
});

describe('pressure', () => {
  it('is the requests under way and one, whatever they take', () => {
    const one = endpoint();
    one.observe(5000, 0);
    assert.equal(one.pressure(0), 1);
    one.inFlight = 3;
    assert.equal(one.pressure(0), 4);
  });

  it('doubles with each failure up to 64 times, and fades within a minute', () => {
    const one = endpoint();
    one.observeFailure(1, 0);
    assert.equal(one.pressure(0), 2);
    for (let n = 0; n < 20; n++) one.observeFailure(1, 0);
    assert.equal(one.pressure(0), 64);
    assert.ok(Math.abs(one.pressure(10_000) - 64 / Math.E) < 0.01);
    assert.equal(one.pressure(60_000), 1);
  });
});

describe('answers', () => {
  it('are counted with their times, failures are not', () => {
    const one = endpoint();
    const { lane, tallies } = bench();
    one.recorder = lane.recorder;
    one.observe(1.5, 0);
    one.observe(-1, 0);
    one.observeFailure(900, 0);
    const words = tallies.endpoints.subarray(ENDPOINT_WORDS);
    assert.equal(words[ENDPOINT.answered], 2);
    assert.equal(tallies.endpointFloats[(ENDPOINT_WORDS + ENDPOINT.waitedMs) / 2], 1.5);
  });
});

describe('a deadline', () => {
  it('is too short below a second while nothing is known, then below eight times the usual, and 50 ms', () => {
    const one = endpoint();
    assert.deepEqual([one.isTooShort(999), one.isTooShort(1000)], [true, false]);
    one.observe(100, 0);
    assert.deepEqual([one.isTooShort(799), one.isTooShort(800)], [true, false]);
    for (let n = 0; n < 100; n++) one.observe(1, n);
    assert.deepEqual([one.isTooShort(49), one.isTooShort(50)], [true, false]);
  });

  it('is measured by good answers: failures do not make a hung endpoint a slow one', () => {
    const one = endpoint();
    one.observe(10, 0);
    for (let n = 0; n < 20; n++) one.observeFailure(5000, n);
    assert.equal(one.isTooShort(100), false);
  });
});
