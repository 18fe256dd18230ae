/** The second writing of the e-processes agrees with the check values of the first, and with the gateway’s. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Errors, Slowness } from '#src/cli/log/verify/processes.ts';
import type { Four } from '#src/cli/log/verify/rows.ts';
import { Random } from '#src/lib/random.ts';
import type { PairCounts } from '#src/model/slo.ts';
import { LatencyScore } from '#src/slo/latency/score.ts';
import { MinRule } from '#src/slo/verdict/min-rule.ts';

const TICKS = 2000;

function close(a: number, b: number, what: string): void {
  assert.ok(Math.abs(a - b) <= 1e-9 * Math.max(1, Math.abs(a)), `${what}: ${a}, ${b}`);
}

function pairOf([cf, cb, sf, sb]: Four): PairCounts {
  return { canary: { finished: cf, bad: cb }, stable: { finished: sf, bad: sb } };
}

function draw(random: Random): Four {
  const count = (max: number): number => random.nextUint32() % max;
  const [cf, sf] = [count(20), count(200)];
  return [cf, Math.min(cf, count(3)), sf, Math.min(sf, count(8))];
}

/** What exceeds a threshold exceeds those before it. */
function nested(random: Random): Four[] {
  let [cf, cb, sf, sb] = draw(random);
  [cb, sb] = [random.nextUint32() % (cf + 1), random.nextUint32() % (sf + 1)];
  return Array.from({ length: 6 }, () => {
    const four: Four = [cf, cb, sf, sb];
    [cb, sb] = [random.nextUint32() % (cb + 1), random.nextUint32() % (sb + 1)];
    return four;
  });
}

test('failures: the same as the gateway’s min rule over random ticks, steps and gaps', () => {
  const random = new Random(41);
  const own = new Errors(1.5, 0.0005, 0);
  const theirs = new MinRule(1.5, 0, 0.0005);
  for (let n = 1; n <= TICKS; n++) {
    const nowMs = 100 * n;
    const [requests, users] = [draw(random), draw(random)];
    assert.equal(
      own.look(requests, users, nowMs),
      theirs.observe({ requests: pairOf(requests), users: pairOf(users) }, nowMs),
    );
    if (n % 333 === 0) {
      own.step(nowMs);
      theirs.step(nowMs);
    }
    if (n % 501 === 0) {
      own.interrupt(nowMs);
      theirs.skip(nowMs);
    }
    close(own.requests, theirs.logERequests, 'requests');
    close(own.users, theirs.logEUsers, 'users');
    close(own.absolute ?? Number.NaN, theirs.logEAbsolute, 'absolute');
    close(own.dispersion, theirs.dispersion, 'dispersion');
  }
  assert.equal(new Errors(1.5, 0, 0).absolute, null);
});

test('slowness: the same as the gateway’s, with its strongest threshold', () => {
  const random = new Random(43);
  const own = new Slowness(0);
  const theirs = new LatencyScore(0);
  const limits = { stableMs: [1, 2, 3, 4, 5, 6], canaryMs: [2, 3, 4, 5, 6, 7] };
  own.freeze(0);
  theirs.freeze(limits, 0);
  for (let n = 1; n <= TICKS; n++) {
    const nowMs = 100 * n;
    const trials = nested(random);
    assert.equal(own.look(trials, nowMs), theirs.judge(trials.map(pairOf), nowMs));
    if (n % 700 === 0) {
      own.step(nowMs);
      theirs.step(nowMs);
      own.freeze(nowMs);
      theirs.freeze(limits, nowMs);
    }
    close(own.logE, theirs.logE, `tick ${n}`);
  }
  const { at } = theirs.part(() => ({ canaryMs: null, stableMs: null }));
  const strongest = [0, 1, 2, 3, 4, 5].toSorted((a, b) => own.strengthOf(b) - own.strengthOf(a))[0] as number;
  assert.equal(at?.canaryLimitMs, limits.canaryMs[strongest]);
  assert.deepEqual(at?.slow, pairOf(own.seen[strongest] as Four));
});
