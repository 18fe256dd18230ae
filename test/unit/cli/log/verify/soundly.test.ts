/** The second writing of the promotion process agrees with the gateway’s. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Four } from '#src/cli/log/verify/rows.ts';
import { Soundly } from '#src/cli/log/verify/soundly.ts';
import { Random } from '#src/lib/random.ts';
import { PromotionProcess } from '#src/slo/verdict/promotion.ts';

function close(a: number, b: number, what: string): void {
  assert.ok(Math.abs(a - b) <= 1e-9 * Math.max(1, Math.abs(a)), `${what}: ${a}, ${b}`);
}

/** One arm or the other often has nothing. */
function draw(random: Random): Four {
  const count = (max: number): number => random.nextUint32() % max;
  const [cf, sf] = [count(3) === 0 ? count(20) : 0, count(3) === 0 ? count(200) : 0];
  return [cf, Math.min(cf, count(3)), sf, Math.min(sf, count(8))];
}

test('promotion: the same as the gateway’s, and what is still needed', () => {
  const random = new Random(47);
  for (const errorRatioMax of [0.005, 0.05, 1]) {
    const policy = { beta: 0.05, ratioMax: 3, errorRatioMax };
    const own = new Soundly(policy);
    const theirs = new PromotionProcess(policy);
    for (let n = 1; n <= 300; n++) {
      const [cf, cb, sf, sb] = draw(random);
      const four: Four = [cf, random.nextUint32() % 10 === 0 ? cb : 0, sf, sb];
      own.look(four);
      theirs.update(four[0], four[2], four[1], four[3]);
      close(own.relative, theirs.logERelative, 'relative');
      close(own.absolute, theirs.logEAbsolute, 'absolute');
      assert.equal(own.isPassed, theirs.isPassed);
      assert.equal(own.goodNeeded ?? Number.POSITIVE_INFINITY, theirs.goodNeeded);
    }
    own.restart();
    assert.deepEqual([own.relative, own.absolute, own.isPassed], [0, 0, false]);
  }
});
