/** Several gateways and one rate limit, on virtual time: how much they let through together, and what a cut changes. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Random } from '#src/lib/random.ts';
import { type LimitSketch, ModelRates, RateGateway, TURN_MS } from '../../support/stores/fleet/rates.ts';
import { VirtualTime } from '../../support/stores/virtual.ts';

const SEED = 20_261_121;
const ROUNDS = 15;
const STEP_MS = 5;

const LIMIT = { requests: 100, perMs: 1000, burst: 20 };

interface Fleet {
  readonly time: VirtualTime;
  readonly store: ModelRates;
  readonly gateways: readonly RateGateway[];
}

function fleetOf(count: number, limit: LimitSketch, roundTripMs: number): Fleet {
  const time = new VirtualTime();
  const store = new ModelRates(time);
  const gateways = Array.from({ length: count }, () => new RateGateway(time, store, limit, roundTripMs));
  for (const [n, gateway] of gateways.entries()) gateway.begin((n * TURN_MS) / count);
  return { time, store, gateways };
}

/** Most requests in any span of time above what the rate gives for it. @param times ascending */
function excessOf(times: readonly number[], perMs: number): number {
  let [least, most] = [Number.POSITIVE_INFINITY, 0];
  for (const [n, time] of times.entries()) {
    least = Math.min(least, n - perMs * time);
    most = Math.max(most, n - perMs * time - least + 1);
  }
  return most;
}

/** Lets every gateway ask so often in each step; returns the times of what was let through. */
async function play(
  { time, gateways }: Fleet,
  forMs: number,
  asks: (gateway: number, nowMs: number) => number,
): Promise<number[]> {
  const times: number[] = [];
  const untilMs = time.nowMs + forMs;
  while (time.nowMs < untilMs) {
    for (const [n, gateway] of gateways.entries()) {
      for (let count = asks(n, time.nowMs); count > 0; count--) if (gateway.ask()) times.push(time.nowMs);
    }
    await time.pass(STEP_MS);
  }
  return times;
}

describe(`gateways that count together (seed ${SEED})`, () => {
  it('let through at most a burst each, and the rate, in any span of time', async (t) => {
    const random = new Random(SEED);
    const between = (low: number, high: number): number => low + (random.nextUint32() % (high - low + 1));
    let worst = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const [count, roundTripMs] = [between(2, 5), between(1, 40)];
      const limit = { requests: between(5, 200), perMs: 1000 * between(1, 3), burst: between(1, 40) };
      const fleet = fleetOf(count, limit, roundTripMs);
      const perMs = limit.requests / limit.perMs;
      // Each is silent and asks for more than everybody may have in turns of its own.
      const spans = fleet.gateways.map(() => ({ untilMs: 0, asks: 0 }));
      const times = await play(fleet, 10_000, (gateway, nowMs) => {
        const span = spans[gateway] as (typeof spans)[number];
        if (nowMs >= span.untilMs) {
          span.asks = random.nextFloat() < 0.4 ? 0 : between(1, 5);
          span.untilMs = nowMs + between(10, 1500);
        }
        return span.asks;
      });
      const bound = count * limit.burst + perMs * count * (TURN_MS + roundTripMs);
      const excess = excessOf(times, perMs);
      worst = Math.max(worst, excess / (bound + 1));
      assert.ok(excess <= bound + 1, `round ${round}: ${excess} above the rate, ${bound} allowed`);
    }
    t.diagnostic(`at most ${(100 * worst).toFixed(0)} % of the bound`);
    assert.ok(worst > 0.3, 'some round comes near it');
  });

  it('let through what one would, however the requests are spread', async () => {
    for (const shares of [
      [5, 5, 5],
      [15, 0, 0],
      [9, 3, 1],
    ]) {
      const fleet = fleetOf(3, LIMIT, 4);
      const times = await play(fleet, 20_000, (gateway) => shares[gateway] ?? 0);
      const all = 20_000 * (LIMIT.requests / LIMIT.perMs);
      assert.ok(
        times.length >= 0.97 * all && times.length <= 1.05 * all,
        `${times.length} of ${all} by ${shares.join()}`,
      );
    }
  });

  it('count each key by itself', async () => {
    const { time, gateways } = fleetOf(2, { requests: 1, perMs: 60_000, burst: 4 }, 4);
    for (let key = 0; key < 50; key++) for (const gateway of gateways) assert.ok(gateway.ask(key));
    await time.pass(300);
    // Two of the four are left of each, wherever one asks.
    for (let key = 0; key < 50; key++) {
      const through = [0, 1, 2, 3].filter(() => gateways[key % 2]?.ask(key));
      assert.equal(through.length, 2, `${key}`);
    }
  });
});

describe('a fleet without its Redis', () => {
  const perMs = LIMIT.requests / LIMIT.perMs;

  it('counts each gateway by itself, says so after 2 s, and together again afterwards', async () => {
    const fleet = fleetOf(3, LIMIT, 4);
    const many = (): number => 5;
    await play(fleet, 5000, many);
    for (const gateway of fleet.gateways) gateway.isCut = true;
    // Until what each was put off by is over.
    await play(fleet, 3500, many);
    const apart = await play(fleet, 5000, many);
    assert.ok(apart.length >= 2.8 * perMs * 5000 && apart.length <= 3.1 * perMs * 5000, `${apart.length}`);
    for (const { modes, exchange } of fleet.gateways) {
      assert.deepEqual(modes, ['local']);
      assert.equal(exchange.status.because, 'no answer');
    }
    for (const gateway of fleet.gateways) gateway.isCut = false;
    // An exchange that is under way ends first.
    await play(fleet, 2000, many);
    const together = await play(fleet, 5000, many);
    assert.ok(together.length >= 0.95 * perMs * 5000 && together.length <= 1.1 * perMs * 5000, `${together.length}`);
    for (const { modes } of fleet.gateways) assert.deepEqual(modes, ['local', 'shared']);
  });

  it('a gateway that is cut off goes by its own limit, the others by theirs together', async () => {
    const fleet = fleetOf(3, LIMIT, 4);
    (fleet.gateways[0] as RateGateway).isCut = true;
    const times = await play(fleet, 10_000, () => 5);
    const all = 2 * perMs * 10_000;
    assert.ok(times.length >= 0.95 * all && times.length <= 1.05 * all + 3 * LIMIT.burst, `${times.length} of ${all}`);
  });

  it('that comes back empty lets through a burst more at most, and then the rate', async () => {
    const fleet = fleetOf(3, LIMIT, 4);
    await play(fleet, 5000, () => 5);
    fleet.store.clear();
    const times = await play(fleet, 5000, () => 5);
    assert.ok(times.length <= perMs * 5000 + 2 * LIMIT.burst + 3 * perMs * TURN_MS, `${times.length}`);
  });
});
