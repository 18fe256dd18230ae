/** Over-dispersion: 1 for independent events, the burst's length for bursts, not fooled by outages and drift. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Random } from '#src/lib/random.ts';
import { Dispersion } from '#src/slo/verdict/dispersion.ts';
import { poissonTable } from '../../../support/simulate/draws.ts';

const TICKS = 6000;

/** Factor after ten minutes of ticks with 95 requests; `draw` gives the bad ones. */
function factorOf(draw: (tick: number) => number, ticks = TICKS): number {
  const dispersion = new Dispersion();
  for (let n = 0; n < ticks; n++) dispersion.add(95, Math.min(95, draw(n)));
  return dispersion.factor;
}

describe('the factor', () => {
  it('is 1 for independent events at any rate', (t) => {
    for (const seed of [1, 2, 3, 4]) {
      t.diagnostic(`seed ${seed}`);
      const random = new Random(seed);
      for (const mean of [0.01, 0.1, 1, 10]) {
        const table = poissonTable(mean);
        const factor = factorOf(() => table.draw(random));
        assert.ok(factor < 1.1, `${factor} at ${mean}`);
      }
    }
  });

  it('comes near the length of bursts', () => {
    const random = new Random(5);
    for (const length of [3, 5, 10]) {
      const table = poissonTable(0.02);
      const factor = factorOf(() => length * table.draw(random));
      assert.ok(factor > 0.6 * length && factor < 1.3 * length, `${factor} for ${length}`);
    }
  });

  it('is 1 before it has seen enough', () => {
    assert.equal(
      factorOf((n) => (n % 20 === 0 ? 4 : 0), 40),
      1,
    );
  });

  it('is lower for whoever takes the largest of many, so that one high by chance does not temper', () => {
    const random = new Random(8);
    const table = poissonTable(0.2);
    let tempered = 0;
    for (let run = 0; run < 300; run++) {
      const six = Array.from({ length: 6 }, () => new Dispersion());
      for (let n = 0; n < 60; n++) for (const one of six) one.add(95, table.draw(random));
      for (const { factor, factorOfMany } of six) assert.ok(factorOfMany >= 1 && factorOfMany <= factor);
      if (six.some(({ factorOfMany }) => factorOfMany > 1.2)) tempered += 1;
    }
    assert.ok(tempered < 15, `${tempered} of 300`);
  });

  it('does not take a drifting share for clustering', () => {
    const random = new Random(6);
    const tables = Array.from({ length: 50 }, (_, n) => poissonTable(0.1 + n / 50));
    assert.ok(factorOf((n) => tables[Math.trunc((50 * n) / TICKS)]!.draw(random)) < 1.1);
  });

  it('forgets the edges of an outage within minutes', () => {
    const random = new Random(7);
    const table = poissonTable(1);
    const draw = (n: number): number => (n >= 3000 && n < 3605 ? 95 : table.draw(random));
    const after = factorOf(draw, 3650);
    assert.ok(after < 8, `${after} at once`);
    assert.ok(factorOf(draw, 3605 + 3000) < 1.2);
  });

  it('compares no block with one beyond a gap', () => {
    const dispersion = new Dispersion();
    for (let n = 0; n < 400; n++) {
      for (let tick = 0; tick < 10; tick++) dispersion.add(95, n % 2 === 0 ? 10 : 0);
      dispersion.skip();
    }
    assert.equal(dispersion.factor, 1);
  });
});
