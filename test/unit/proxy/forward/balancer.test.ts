/** Power of two choices: the less loaded of two, never the one to avoid. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Random } from '#src/lib/random.ts';
import { pickEndpoint } from '#src/proxy/forward/balancer.ts';
import { Endpoint } from '#src/proxy/forward/endpoint.ts';

const SEED = 11;

function endpoints(count: number): Endpoint[] {
  return Array.from({ length: count }, (_, i) => {
    const one = new Endpoint(i, '127.0.0.1', 8000 + i);
    one.observe(10, 0);
    return one;
  });
}

/** How often each of the endpoints was picked. */
function picks(all: readonly Endpoint[], avoid: Endpoint | null = null, times = 6000): number[] {
  const random = new Random(SEED);
  const counts = new Array<number>(all.length).fill(0);
  for (let i = 0; i < times; i++) {
    const id = pickEndpoint(all, random, avoid, 0)?.id ?? -1;
    counts[id] = (counts[id] as number) + 1;
  }
  return counts;
}

describe('a pick', () => {
  it('of none is null, of one is that one', () => {
    assert.equal(pickEndpoint([], new Random(1), null, 0), null);
    const [only] = endpoints(1) as [Endpoint];
    assert.equal(pickEndpoint([only], new Random(1), null, 0), only);
    assert.equal(pickEndpoint([only], new Random(1), only, 0), only);
  });

  it('spreads evenly over equals', () => {
    for (const count of picks(endpoints(6))) assert.ok(Math.abs(count - 1000) < 150, `seed ${SEED}: ${count}`);
  });

  it('never takes the most loaded of all', () => {
    const all = endpoints(4);
    (all[2] as Endpoint).inFlight = 10;
    assert.equal(picks(all)[2], 0);
  });

  it('takes the less loaded of two, always', () => {
    const all = endpoints(2);
    (all[0] as Endpoint).inFlight = 1;
    assert.deepEqual(picks(all), [0, 6000]);
  });

  it('never takes the one to avoid while there is another, however loaded', () => {
    const all = endpoints(2);
    (all[1] as Endpoint).inFlight = 1000;
    assert.deepEqual(picks(all, all[0]), [0, 6000]);
    assert.equal(picks(endpoints(5), null)[3] === 0, false);
    const five = endpoints(5);
    assert.equal(picks(five, five[3] as Endpoint)[3], 0);
  });

  it('keeps the fullest queue short: 100 requests over 10 endpoints leave none above 14', () => {
    const all = endpoints(10);
    const random = new Random(SEED);
    for (let i = 0; i < 100; i++) (pickEndpoint(all, random, null, 0) as Endpoint).inFlight++;
    const fullest = Math.max(...all.map(({ inFlight }) => inFlight));
    assert.ok(fullest <= 14, `seed ${SEED}: ${fullest}`);
  });

  it('gives an endpoint that never answered no more than its share', () => {
    const silent = new Endpoint(0, '127.0.0.1', 8000);
    const [, healthy] = endpoints(2) as [Endpoint, Endpoint];
    const random = new Random(SEED);
    // Sequential clients: the healthy one has answered before the next request, the silent one never does.
    for (let i = 0; i < 100; i++) {
      const picked = pickEndpoint([silent, healthy], random, null, 0) as Endpoint;
      if (picked === silent) silent.inFlight++;
    }
    assert.ok(silent.inFlight <= 50, `${silent.inFlight} of 100 hang`);
  });
});
