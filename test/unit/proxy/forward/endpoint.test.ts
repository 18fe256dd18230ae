/** Peak EWMA: slowness counts at once, speed decays in, failures do not look like speed. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Endpoint } from '#src/proxy/forward/endpoint.ts';
import { bytesPerCall } from '../../../support/proxy/allocation.ts';

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

  it('is observed and read without a word on the heap but its numbers', () => {
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
