/** Requests counted against limits, on a made-up clock; and by several threads at once. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Worker } from 'node:worker_threads';
import { Random } from '#src/lib/random.ts';
import { RATE_ENTRY, RATE_SET_WORDS, RATE_TABLES, ratesForgotten, reserveRates } from '#src/model/overload.ts';
import { type Rate, Rates, rateOf } from '#src/proxy/decide/rate/rates.ts';
import { bytesPerCall, COUNTED } from '../../../../support/proxy/allocation.ts';

const SEED = 20_261_121;
const KEY = 4711;
const THREADS = 3;
const ASKS = 20_000;

function limit(seed: number, requests: number, perMs: number, burst: number): Rate {
  return rateOf(seed, { requests, perMs, burst, scope: 'gateway' });
}

function fleetLimit(seed: number, requests: number, perMs: number, burst: number): Rate {
  return rateOf(seed, { requests, perMs, burst, scope: 'fleet' });
}

/** How many of `asks` requests are let through at once. */
function through(rates: Rates, rate: Rate, asks: number, nowMs: number): number {
  let count = 0;
  for (let n = 0; n < asks; n++) if (rates.take(rate, KEY, nowMs) === 0) count++;
  return count;
}

/** Keys that can be counted at the same time, if they spread evenly. */
const RATE_KEYS_MAX = RATE_TABLES.gateway.sets * RATE_TABLES.gateway.entries;

describe('a rate', () => {
  it('lets a burst through at once, and then one request per step', () => {
    const [rates, rate] = [new Rates(reserveRates()), limit(1, 10, 1000, 5)];
    assert.equal(through(rates, rate, 20, 50_000), 5);
    assert.equal(through(rates, rate, 20, 50_099), 0);
    assert.equal(through(rates, rate, 20, 50_101), 1);
    assert.equal(through(rates, rate, 20, 50_302), 2);
  });

  it('says how much too early a request is', () => {
    const [rates, rate] = [new Rates(reserveRates()), limit(1, 1, 60_000, 1)];
    assert.equal(rates.take(rate, KEY, 1000), 0);
    assert.ok(Math.abs(rates.take(rate, KEY, 1000) - 60_000) < 1);
    assert.ok(Math.abs(rates.take(rate, KEY, 31_000) - 30_000) < 1);
    assert.equal(rates.take(rate, KEY, 61_001), 0);
  });

  it('is another one for another key and for another limit', () => {
    const rates = new Rates(reserveRates());
    const [first, second] = [limit(1, 1, 1000, 1), limit(2, 1, 1000, 1)];
    assert.equal(rates.take(first, KEY, 0), 0);
    assert.equal(rates.take(first, KEY + 1, 0), 0);
    assert.equal(rates.take(second, KEY, 0), 0);
    assert.ok(rates.take(first, KEY, 0) > 0);
  });

  for (const [scope, of] of [
    ['gateway', limit],
    ['fleet', fleetLimit],
  ] as const) {
    it(`of a ${scope} is no other one’s, whatever key somebody makes up for another limit`, () => {
      const random = new Random(SEED);
      for (let n = 0; n < 500; n++) {
        const rates = new Rates(reserveRates());
        const [login, search] = [
          of(random.nextFloat() * 2 ** 32, 1, 60_000, 1),
          of(random.nextFloat() * 2 ** 32, 100, 1000, 100),
        ];
        const key = (random.nextFloat() * 2 ** 32) | 0;
        // It has the place, and what hashes to it, of the other one's.
        const forged = key ^ login.seed ^ search.seed;
        assert.equal(rates.take(login, key, 5000), 0);
        assert.equal(rates.take(search, forged, 5000), 0);
        assert.ok(rates.take(login, key, 7000) > 0);
        assert.equal(rates.take(search, forged + 1, 7000), 0);
      }
    });
  }

  it('has all of its burst again, and no more, after any pause', () => {
    const rates = new Rates(reserveRates());
    for (const [requests, perMs, burst] of [
      [1_000_000, 1000, 1_000],
      [7, 1000, 3],
      [100, 86_400_000, 100],
      [1, 86_400_000, 1],
    ] as const) {
      const rate = limit(requests, requests, perMs, burst);
      let nowMs = 1e9;
      for (const pauseMs of [0, 2 ** 14, 2 ** 22, 2 ** 32, 2 ** 33 + 1, 2 ** 36]) {
        nowMs += pauseMs + (burst * perMs) / requests + 1;
        assert.equal(through(rates, rate, burst + 5, nowMs), burst, `${requests} per ${perMs} ms, ${pauseMs} ms later`);
      }
    }
  });

  it('lets no span of time have more than a burst and its rate, and never refuses who keeps to the rate', () => {
    const random = new Random(SEED);
    for (let round = 0; round < 200; round++) {
      const [requests, burst] = [1 + (random.nextUint32() % 1000), 1 + (random.nextUint32() % 20)];
      const perMs = 1000 * (1 + (random.nextUint32() % 60));
      const [rates, rate] = [new Rates(reserveRates()), limit(round, requests, perMs, burst)];
      const stepMs = perMs / requests;
      const times: number[] = [];
      let nowMs = 1e6 * random.nextFloat();
      for (let n = 0; n < 300; n++) {
        nowMs += stepMs * 2 * random.nextFloat() ** 3;
        if (rates.take(rate, KEY, nowMs) === 0) times.push(nowMs);
        const first = times[times.length - 1 - burst];
        if (first === undefined || times.at(-1) !== nowMs) continue;
        // A burst and one more take a step at least; a unit may be lost at either end.
        assert.ok(nowMs - first >= stepMs * 0.999 - 2 / rate.unitsPerMs, `seed ${SEED}, round ${round}`);
      }
      nowMs += stepMs * (burst + 1);
      for (let n = 0; n < 100; n++, nowMs += 1.001 * stepMs) {
        assert.equal(rates.take(rate, KEY, nowMs), 0, `seed ${SEED}, round ${round}`);
      }
    }
  });

  it('is as it was when a request is taken back', () => {
    const [rates, rate] = [new Rates(reserveRates()), limit(1, 1, 1000, 2)];
    for (let n = 0; n < 10; n++) {
      assert.equal(rates.take(rate, KEY, 0), 0);
      rates.giveBack(rate, KEY, 0);
    }
    assert.equal(through(rates, rate, 5, 0), 2);
  });
});

describe('a burst that takes longer than a second counter goes', () => {
  it('is counted like any other', () => {
    // One request a day, a million at once: 2,700 years.
    const [rates, rate] = [new Rates(reserveRates()), limit(1, 1, 86_400_000, 1_000_000)];
    assert.equal(through(rates, rate, 1_000_000, 1e6), 1_000_000);
    assert.equal(through(rates, rate, 10, 1e6), 0);
    assert.equal(through(rates, rate, 10, 2e6), 0);
  });
});

describe('a limit of a fleet', () => {
  /** Words of the fleet's table that are not 0, but for times. */
  function entriesOf(shared: SharedArrayBuffer): { seed: number; untold: number }[] {
    const words = new Int32Array(shared);
    const { base, sets, entries, entryWords } = RATE_TABLES.fleet;
    const found: { seed: number; untold: number }[] = [];
    for (let at = base; at < base + sets * RATE_SET_WORDS; at += RATE_SET_WORDS) {
      for (let n = 0; n < entries; n++) {
        const entry = at + n * entryWords;
        if (words[entry] === 0) continue;
        found.push({
          seed: words[entry + RATE_ENTRY.seed] as number,
          untold: words[entry + RATE_ENTRY.untold] as number,
        });
      }
    }
    return found;
  }

  it('counts like any other, in a table of its own, and how many the fleet was not told of', () => {
    const shared = reserveRates();
    const [rates, own, fleet] = [new Rates(shared), limit(7, 10, 1000, 5), fleetLimit(-7, 10, 1000, 5)];
    assert.equal(through(rates, own, 20, 50_000), 5);
    assert.deepEqual(entriesOf(shared), []);
    assert.equal(through(rates, fleet, 20, 50_000), 5);
    assert.equal(through(rates, fleet, 20, 50_101), 1);
    assert.deepEqual(entriesOf(shared), [{ seed: -7, untold: 6 }]);
    rates.giveBack(fleet, KEY, 50_101);
    assert.deepEqual(entriesOf(shared), [{ seed: -7, untold: 5 }]);
  });

  it('that takes the place of another begins with nothing untold', () => {
    const shared = reserveRates();
    const [rates, fleet] = [new Rates(shared), fleetLimit(7, 1, 60_000, 1)];
    for (let key = 0; key < 100_000; key++) rates.take(fleet, key, 0);
    const entries = entriesOf(shared);
    assert.ok(entries.length > 12_000 && entries.length <= 12_288, `${entries.length}`);
    assert.ok(entries.every(({ seed, untold }) => seed === 7 && untold === 1));
  });
});

describe('a table of rates', () => {
  it('forgets the keys that would be full again first, counts them, and grows by nothing', () => {
    const shared = reserveRates();
    const bytes = shared.byteLength;
    const [rates, rate] = [new Rates(shared), limit(1, 1, 60_000, 1)];
    const few = RATE_KEYS_MAX / 16;
    for (let key = 0; key < few; key++) rates.take(rate, key, 0);
    assert.ok(ratesForgotten(shared) < few / 100, `${ratesForgotten(shared)} of ${few}`);
    for (let key = few; key < 2 * RATE_KEYS_MAX; key++) rates.take(rate, key, 1000);
    const forgotten = ratesForgotten(shared);
    assert.ok(forgotten >= RATE_KEYS_MAX && forgotten < 2 * RATE_KEYS_MAX, `${forgotten}`);
    assert.equal(shared.byteLength, bytes);
    // The last one came when there was nothing but newer ones: it is still known.
    assert.ok(rates.take(rate, 2 * RATE_KEYS_MAX - 1, 1000) > 0);
  });

  it('counts no key that is full again as forgotten', () => {
    const shared = reserveRates();
    const [rates, rate] = [new Rates(shared), limit(1, 10, 1000, 1)];
    for (let round = 0; round < 3; round++) {
      for (let key = 0; key < 8192; key++) rates.take(rate, 10_000 * round + key, 10_000 * round);
    }
    assert.ok(ratesForgotten(shared) < 10, `${ratesForgotten(shared)}`);
  });

  it('lets several threads have one burst together', async () => {
    const shared = reserveRates();
    const start = new Int32Array(new SharedArrayBuffer(4));
    const url = new URL('../../../../../src/proxy/decide/rate/rates.ts', import.meta.url).href;
    const code = `
      import { parentPort, workerData } from 'node:worker_threads';
      const { Rates, rateOf } = await import(${JSON.stringify(url)});
      const { shared, start, asks } = workerData;
      const [rates, rate] = [new Rates(shared), rateOf(1, { requests: 5000, perMs: 1000, burst: 5000, scope: 'gateway' })];
      parentPort.postMessage('ready');
      Atomics.wait(start, 0, 0);
      let count = 0;
      for (let n = 0; n < asks; n++) if (rates.take(rate, ${KEY}, 1000) === 0) count++;
      parentPort.postMessage(count);`;
    // The key is known to all before they begin: two that make it at the same moment may both have the first request.
    assert.equal(new Rates(shared).take(limit(1, 5000, 1000, 5000), KEY, 1000), 0);
    const url64 = new URL(`data:text/javascript,${encodeURIComponent(code)}`);
    const workers = Array.from({ length: THREADS }, () => {
      return new Worker(url64, { workerData: { shared, start, asks: ASKS } });
    });
    const next = (worker: Worker): Promise<unknown> => new Promise((resolve) => worker.once('message', resolve));
    await Promise.all(workers.map(next));
    const counts = Promise.all(workers.map(next));
    Atomics.store(start, 0, 1);
    Atomics.notify(start, 0);
    const sum = (await counts).reduce<number>((total, count) => total + Number(count), 1);
    assert.equal(sum, 5000);
    await Promise.all(workers.map((worker) => worker.terminate()));
  });

  it('allocates nothing for a request that is let through', COUNTED, () => {
    const [rates, rate] = [new Rates(reserveRates()), limit(1, 1_000_000, 1000, 1000)];
    const clock = new Float64Array([1000.5]);
    const bytes = bytesPerCall(() => {
      clock[0] = (clock[0] as number) + 1;
      if (rates.take(rate, KEY, clock[0]) !== 0) throw new Error('refused');
    });
    assert.equal(bytes, 0);
  });
});
