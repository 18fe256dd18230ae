/** The min rule: both units must convince, fresh copies start on time, gaps and steps drop what straddles them. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Evidence, PairCounts } from '#src/model/slo.ts';
import { MinRule, RESTART_MS, STAKES } from '#src/slo/verdict/min-rule.ts';
import { RatioProcess } from '#src/slo/verdict/ratio.ts';

type Four = readonly [canaryFinished: number, stableFinished: number, canaryBad: number, stableBad: number];

function pair([n, m, x, y]: Four): PairCounts {
  return { canary: { finished: n, bad: x }, stable: { finished: m, bad: y } };
}

function both(counts: Four): Evidence {
  return { requests: pair(counts), users: pair(counts) };
}

function logEOf(toleratedRatio: number, ticks: readonly Four[]): number {
  const process = new RatioProcess(toleratedRatio, STAKES);
  for (const tick of ticks) process.update(...tick);
  return process.logE;
}

const FAILING: Four = [5, 95, 5, 0];

describe('the min rule', () => {
  it('believes the unit that is less convinced', () => {
    const rule = new MinRule(1.5, 0);
    rule.observe({ requests: pair(FAILING), users: pair([5, 95, 1, 0]) }, 100);
    assert.equal(rule.logERequests, logEOf(1.5, [FAILING]));
    assert.equal(rule.logEUsers, logEOf(1.5, [[5, 95, 1, 0]]));
    assert.equal(rule.logE, rule.logEUsers);
    assert.equal(rule.reaches(3), false);
    assert.equal(rule.reaches(rule.logE), true);
  });

  it('is not moved by one unit alone, however strong', () => {
    const rule = new MinRule(1.5, 0);
    for (let n = 1; n <= 100; n++) rule.observe({ requests: pair(FAILING), users: pair([5, 95, 0, 1]) }, n * 100);
    assert.ok(rule.logERequests > 100);
    assert.ok(rule.logE < 0);
  });

  it('says whether an e-value may have changed', () => {
    const rule = new MinRule(1.5, 0);
    assert.equal(rule.observe(both([5, 95, 0, 0]), 100), false);
    assert.equal(rule.observe(both([5, 0, 1, 0]), 200), false, 'the tick is still open');
    assert.equal(rule.observe(both([0, 95, 0, 0]), 300), true);
    assert.equal(rule.observe({ requests: pair([5, 95, 0, 0]), users: pair([5, 95, 0, 1]) }, 400), true);
  });

  it('closes the ticks of the two units each by its own arrivals', () => {
    const rule = new MinRule(1.5, 0);
    rule.observe({ requests: pair(FAILING), users: pair([0, 60, 0, 0]) }, 100);
    rule.observe({ requests: pair([5, 95, 0, 0]), users: pair([4, 30, 4, 0]) }, 200);
    assert.equal(rule.logERequests, logEOf(1.5, [FAILING]));
    assert.equal(rule.logEUsers, logEOf(1.5, [[4, 90, 4, 0]]));
  });
});

describe('fresh copies', () => {
  it('start every minute, so that late failures count', () => {
    const rule = new MinRule(1.5, 0);
    const late = [...Array<Four>(3000).fill([5, 95, 0, 1]), ...Array<Four>(6).fill([5, 95, 2, 0])];
    for (const [n, counts] of late.entries()) rule.observe(both(counts), (n + 1) * 100);
    assert.ok(logEOf(1.5, late) < 0);
    assert.ok(rule.logE > 6.9, `${rule.logE}`);
    assert.equal(late.length * 100, 5 * RESTART_MS + 600);
  });

  it('start only then', () => {
    const rule = new MinRule(1.5, 0);
    const process = new RatioProcess(1.5, STAKES);
    for (let n = 1; n <= 1399; n++) {
      if (n === 600 || n === 1200) process.restart();
      process.update(5, 95, 0, 1);
      rule.observe(both([5, 95, 0, 1]), n * 100);
      assert.equal(rule.logE, process.logE, `tick ${n}`);
    }
  });

  it('start at a step', () => {
    const [stepped, steady] = [new MinRule(1.5, 0), new MinRule(1.5, 0)];
    for (let n = 1; n <= 100; n++) for (const rule of [stepped, steady]) rule.observe(both([5, 95, 0, 1]), n * 100);
    stepped.step(10_000);
    for (const rule of [stepped, steady]) rule.observe(both(FAILING), 10_100);
    assert.ok(stepped.logE > steady.logE + 3, `${stepped.logE} against ${steady.logE}`);
  });
});

describe('what straddles a gap or a step', () => {
  for (const kind of ['skip', 'step'] as const) {
    it(`is dropped by a ${kind}, and what was judged is kept`, () => {
      const rule = new MinRule(1.5, 0);
      rule.observe(both([5, 95, 1, 0]), 100);
      const judged = rule.logE;
      rule.observe(both([5, 0, 5, 0]), 200);
      rule[kind](500_000);
      rule.observe(both([0, 95, 0, 0]), 500_100);
      rule.observe(both([5, 0, 0, 0]), 500_200);
      assert.ok(Math.abs(rule.logE - judged) < 1e-12);
    });
  }
});
