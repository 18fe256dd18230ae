/** The second writing of bets over copies keeps what is at stake, and agrees with the gateway’s. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Bets, logSum } from '#src/cli/log/verify/bets.ts';
import { Mixture } from '#src/slo/verdict/mixture.ts';

function close(a: number, b: number, what: string): void {
  assert.ok(Math.abs(a - b) <= 1e-9 * Math.max(1, Math.abs(a)), `${what}: ${a}, ${b}`);
}

test('sums of e^x do not overflow', () => {
  close(logSum([1000, 1000]), 1000 + Math.log(2), 'large');
  close(logSum([0, Math.log(3)]), Math.log(4), 'small');
  assert.equal(logSum([Number.NEGATIVE_INFINITY]), Number.NEGATIVE_INFINITY);
});

test('restarts move stakes from copies to come, and none while nothing was bet', () => {
  const stakes = [0.2, 0.8];
  const own = new Bets(stakes);
  const theirs = new Mixture(stakes);
  close(own.logE, 0, 'start');
  for (const copies of [1, 1, 5, 1]) {
    for (const one of [own, theirs]) {
      one.multiply(0, -1.5);
      one.multiply(1, 0.25);
      one.restart(copies);
      one.restart(copies);
    }
    close(own.logE, theirs.logE, `after ${copies}`);
  }
});
