/** The breakers of a worker: kept, replaced and shown across snapshots. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { BreakerConfig } from '#src/model/overload.ts';
import type { TargetSpec } from '#src/model/snapshot.ts';
import { CELL, CELL_WORDS } from '#src/model/tallies.ts';
import { Breakers } from '#src/proxy/decide/breaker/breakers.ts';

const CONFIG: BreakerConfig = {
  consecutiveErrors: 1,
  successRatioMin: 0.5,
  requestsMin: 20,
  windowMs: 10_000,
  openMs: 5000,
  probes: 3,
};

function version(name: string, breaker: BreakerConfig | null): TargetSpec {
  return { name, limit: 'off', breaker, balancer: 'peakEwma', endpoints: [], weights: [] };
}

function breakersOf(): { breakers: Breakers; shown: (cell: number) => number[] } {
  const words = new Int32Array(10 * CELL_WORDS);
  const shown = (cell: number): number[] =>
    [CELL.breakerOpen, CELL.breakerHalfOpen].map((word) => words[cell * CELL_WORDS + word] as number);
  return { breakers: new Breakers(words), shown };
}

describe('breakers', () => {
  it('are one for each version that has one configured', () => {
    const { breakers } = breakersOf();
    const [v1, v2] = [version('shop/v1', CONFIG), version('shop/v2', null)];
    const links = breakers.link(
      new Map([
        [v1, 1],
        [v2, 2],
      ]),
    );
    assert.equal(links.of(v1)?.state, 'closed');
    assert.equal(links.of(v2), null);
  });

  it('outlive a snapshot that configures their version alike, and no other', () => {
    const { breakers } = breakersOf();
    const [before, after] = [version('shop/v1', CONFIG), version('shop/v1', { ...CONFIG })];
    const first = breakers.link(new Map([[before, 1]])).of(before);
    first?.observe(true, 0, 0);
    assert.equal(breakers.link(new Map([[after, 1]])).of(after)?.state, 'open');
    const other = version('shop/v1', { ...CONFIG, probes: 4 });
    assert.equal(breakers.link(new Map([[other, 1]])).of(other)?.state, 'closed');
  });

  it('show how they stand, and nothing once they are gone', () => {
    const { breakers, shown } = breakersOf();
    const v1 = version('shop/v1', CONFIG);
    const breaker = breakers.link(new Map([[v1, 4]])).of(v1);
    breaker?.observe(true, 0, 0);
    breakers.tick();
    assert.deepEqual(shown(4), [1, 0]);
    breaker?.admit(5000);
    breakers.tick();
    assert.deepEqual(shown(4), [0, 1]);
    breakers.link(new Map());
    assert.deepEqual(shown(4), [0, 0]);
  });
});
