/** When counts are exchanged, and what is said when they are not. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Counted, KEYS_MAX, RateExchange } from '#src/fleet/rates/exchange.ts';
import { FleetUsage, type Usage } from '#src/fleet/rates/usage.ts';
import { reserveRates } from '#src/model/overload.ts';
import { Rates, rateOf } from '#src/proxy/decide/rate/rates.ts';

/** Everybody has all of the burst. */
const through = (usages: readonly Usage[]): Promise<Counted> =>
  Promise.resolve({ aheadsMs: usages.map(() => 0), refusedCount: 1 });

function rig() {
  const memory = reserveRates();
  const rate = rateOf(7, { requests: 10, perMs: 1000, burst: 5, scope: 'fleet' });
  const usage = new FleetUsage(memory);
  usage.follow([rate]);
  const rates = new Rates(memory);
  const now = { ms: 0, answer: through };
  const asked: number[][] = [];
  const told: string[] = [];
  const exchange = new RateExchange({
    usage,
    store: {
      count: (usages) => {
        asked.push(usages.map(({ count }) => count));
        return now.answer(usages);
      },
    },
    nowMs: () => now.ms,
    changed: (mode, because) => void told.push(`${mode} ${because}`.trim()),
  });
  const ask = (key: number): boolean => rates.take(rate, key, now.ms) === 0;
  return { exchange, now, asked, told, ask };
}

describe('an exchange', () => {
  it('is made when there is something to tell', async () => {
    const { exchange, now, asked, ask } = rig();
    await exchange.turn();
    assert.deepEqual(asked, []);
    ask(1);
    ask(1);
    await exchange.turn();
    await exchange.turn();
    now.ms = 1000;
    await exchange.turn();
    assert.deepEqual(asked, [[2], [0]], 'while the key has not all of its burst');
    assert.deepEqual([exchange.status.exchanges, exchange.status.keysRefused], [{ done: 2, failed: 0 }, 2]);
  });

  it('waits for the one before it, and no request does', async () => {
    const { exchange, now, asked, ask } = rig();
    const answer = Promise.withResolvers<Counted>();
    now.answer = () => answer.promise;
    ask(1);
    const first = exchange.turn();
    assert.ok(ask(1));
    await exchange.turn();
    assert.equal(asked.length, 1);
    answer.resolve({ aheadsMs: [5000], refusedCount: 0 });
    await first;
    assert.equal(ask(1), false, 'what the fleet says holds at once');
    await exchange.turn();
    assert.deepEqual(asked, [[1], [1]]);
  });

  it('has 500 keys at most, and says how many wait', async () => {
    const { exchange, asked, ask } = rig();
    for (let key = 0; key < 1200; key++) ask(key);
    await exchange.turn();
    assert.equal(asked[0]?.length, KEYS_MAX);
    // Some of them took one another's place.
    const { keys, keysLeft } = exchange.status;
    assert.ok(keys === KEYS_MAX && keysLeft > 690 && keysLeft <= 700, `${keys} ${keysLeft}`);
    await exchange.turn();
    await exchange.turn();
    const told = asked[2]?.filter((count) => count > 0);
    assert.deepEqual([told?.length, exchange.status.keysLeft], [keysLeft - KEYS_MAX, 0]);
  });
});

describe('a store that does not answer', () => {
  it('makes the gateway count by itself after 2 s, and the next answer ends that', async () => {
    const { exchange, now, told, asked, ask } = rig();
    now.answer = () => Promise.reject(new Error('frozen'));
    for (now.ms = 0; now.ms <= 4000; now.ms += 500) {
      ask(1);
      await exchange.turn();
      assert.equal(exchange.status.mode, now.ms < 2000 ? 'shared' : 'local', `${now.ms}`);
    }
    assert.deepEqual([told, exchange.status.because], [['local frozen'], 'frozen']);
    assert.deepEqual(exchange.status.exchanges, { done: 0, failed: 9 });
    assert.ok(
      asked.every((counts) => counts.join() === '1'),
      'what nobody may have heard is not told again',
    );
    now.answer = through;
    ask(1);
    await exchange.turn();
    assert.deepEqual([told, exchange.status.because], [['local frozen', 'shared'], '']);
  });

  it('is asked on though nobody comes, so that its return is told', async () => {
    const { exchange, now, told, asked, ask } = rig();
    now.answer = () => Promise.reject(new Error('frozen'));
    for (now.ms = 0; now.ms <= 2000; now.ms += 500) {
      ask(1);
      await exchange.turn();
    }
    now.ms = 60_000;
    await exchange.turn();
    assert.deepEqual([asked.at(-1), exchange.status.mode], [[], 'local']);
    now.answer = through;
    await exchange.turn();
    assert.deepEqual([told.at(-1), exchange.status.mode], ['shared', 'shared']);
    const count = asked.length;
    await exchange.turn();
    assert.equal(asked.length, count, 'with nothing to tell');
  });

  it('now and then is no reason to say anything', async () => {
    const { exchange, now, told, ask } = rig();
    for (now.ms = 0; now.ms <= 10_000; now.ms += 500) {
      now.answer = now.ms % 1500 === 0 ? through : () => Promise.reject(new Error('x'));
      ask(1);
      await exchange.turn();
    }
    assert.deepEqual(told, []);
  });
});
