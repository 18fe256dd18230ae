/** Requests counted in a real Redis, as the model of the virtual fleet does. */

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { FleetRate, Usage } from '#src/fleet/rates/usage.ts';
import { type Link, openLink } from '#src/fleet/redis/link.ts';
import { RedisRates } from '#src/fleet/redis/rates.ts';
import { Random } from '#src/lib/random.ts';
import { until } from '../../../support/gateway.ts';
import { ModelRates } from '../../../support/stores/fleet/rates.ts';
import { redisSettings } from '../../../support/stores/fleet/settings.ts';
import { cannotRun, REDIS, type StoreServer, startStore } from '../../../support/stores/server.ts';

const SEED = 20_261_121;
/** Time that the server's clock may go on between two questions; limits here are days long. */
const SLACK_MS = 60_000;
const DAY_MS = 86_400_000;

/** A limit of one request a day. */
function daily(seed: number, burst: number): FleetRate {
  return { seed, unitsPerMs: 1, step: DAY_MS, span: DAY_MS * burst };
}

describe('rates in Redis', { skip: cannotRun(REDIS), timeout: 240_000 }, () => {
  let server: StoreServer;
  let link: Link;
  let rates: RedisRates;
  let tags = 0;
  const usageOf = (count: number, rate = daily(7, 5), tag = ++tags): Usage => ({ rate, tag, at: 0, count });

  before(async () => {
    server = await startStore(REDIS);
    link = await openLink(redisSettings(Number(new URL(server.url).port), { timeoutMs: 60_000 }), {
      name: 'test',
      channels: ['sluice:edge:words'],
      message: () => undefined,
      failed: () => undefined,
    });
    rates = new RedisRates(link, 'edge');
    await until('it answers', () => rates.count([usageOf(0)]).then(Boolean, () => false));
  });

  after(async () => {
    link.close();
    await server.end();
  });

  it('are what the model says, whatever is counted and taken back', async (t) => {
    t.diagnostic(`seed ${SEED}`);
    const random = new Random(SEED);
    const model = new ModelRates({ nowMs: 0 });
    const keys = Array.from({ length: 8 }, (_, n) => usageOf(0, daily(n % 2 === 0 ? 1 : -2, 1 + n)));
    for (let round = 0; round < 50; round++) {
      const asked = keys
        .filter(() => random.nextFloat() < 0.5)
        .map((key) => ({ ...key, count: (random.nextUint32() % 200) - 20 }));
      const [real, said] = [(await rates.count(asked)).aheadsMs, model.count(asked).aheadsMs];
      assert.equal(real.length, asked.length);
      for (const [n, ahead] of real.entries()) {
        const expected = said[n] ?? 0;
        assert.ok(ahead <= expected + 1 && ahead >= expected - SLACK_MS, `round ${round}: ${ahead}, not ${expected}`);
      }
    }
  });

  it('live as long as they mean something, and are not made by asking', async () => {
    const [counted, read] = [usageOf(2), usageOf(0)];
    await rates.count([counted, read]);
    const keyOf = ({ rate, tag }: Usage) => `sluice:edge:{rates}:${rate.seed.toString(16)}:${tag.toString(16)}`;
    const lives = (key: string) => link.run("return redis.call('PTTL', KEYS[1])", [key], []);
    const ttlMs = Number(await lives(keyOf(counted)));
    assert.ok(ttlMs > 2 * DAY_MS - SLACK_MS && ttlMs <= 2 * DAY_MS + 2, `${ttlMs}`);
    assert.equal(Number(await lives(keyOf(read))), -2, 'there is no such key');
  });

  it('take the largest limits that there are', async () => {
    const [ahead = 0] = (await rates.count([usageOf(1_000_000, daily(9, 1_000_000))])).aheadsMs;
    assert.ok(Math.abs(ahead - 1e6 * DAY_MS) < SLACK_MS, `${ahead}`);
    const [most = 0] = (await rates.count([usageOf(2 ** 31 - 1, daily(11, 1))])).aheadsMs;
    assert.ok(Math.abs(most - 64 * DAY_MS) < SLACK_MS, `${most}: 64 bursts`);
  });

  it('can be asked about nothing, to hear whether it is there', async () => {
    assert.deepEqual(await rates.count([]), { aheadsMs: [], refusedCount: 0 });
  });

  it('are not made any more in a database that has enough keys, and those that are there go on', async () => {
    const [known, fresh] = [usageOf(1), usageOf(1)];
    await rates.count([known]);
    const full = new RedisRates(link, 'edge', 1);
    const { aheadsMs, refusedCount } = await full.count([known, fresh]);
    assert.deepEqual([aheadsMs.map((ahead) => Math.round(ahead / DAY_MS)), refusedCount], [[2, 1], 1]);
    const asked = await rates.count([
      { ...known, count: 0 },
      { ...fresh, count: 0 },
    ]);
    assert.deepEqual(
      asked.aheadsMs.map((ahead) => Math.round(ahead / DAY_MS)),
      [2, 0],
    );
  });

  it('that somebody else has written, or a clock that was set back, hold nobody up for long', async () => {
    const strange = ['SET %s x', 'SET %s nan', 'SET %s -nan', 'SET %s inf', 'SET %s 1e300', 'RPUSH %s x'];
    const usages = [...strange.map(() => usageOf(0)), usageOf(2)];
    const keyOf = ({ tag }: Usage) => `sluice:edge:{rates}:7:${tag.toString(16)}`;
    const write = async (): Promise<void> => {
      for (const [n, command] of strange.entries()) {
        const [name = '', , value = ''] = command.split(' ');
        const script = "redis.call('DEL', KEYS[1]) return redis.call(ARGV[1], KEYS[1], ARGV[2])";
        await link.run(script, [keyOf(usages[n] as Usage)], [name, value]);
      }
    };
    await write();
    const daysOf = async (count: number): Promise<number[]> => {
      const asked = usages.map((one, n) => ({ ...one, count: n < strange.length ? count : 2 }));
      return (await rates.count(asked)).aheadsMs.map((ahead) => Math.round(ahead / DAY_MS));
    };
    // 64 bursts of 5 days are the most that is believed of any key.
    assert.deepEqual(await daysOf(0), [0, 0, 0, 320, 320, 0, 2], 'read');
    await write();
    assert.deepEqual(await daysOf(1), [1, 1, 1, 320, 320, 1, 4], 'counted');
  });

  it('begin anew where Redis lost its data', async () => {
    const one = usageOf(3);
    await rates.count([one]);
    await link.run("return redis.call('DEL', KEYS[1])", [`sluice:edge:{rates}:7:${one.tag.toString(16)}`], []);
    const [ahead = 0] = (await rates.count([{ ...one, count: 1 }])).aheadsMs;
    assert.ok(ahead <= DAY_MS + 1 && ahead > DAY_MS - SLACK_MS, `${ahead}`);
  });
});

it('an answer that is no number is none', async () => {
  for (const answer of [
    ['x', 0],
    [1, 'x'],
    [null, undefined],
  ]) {
    const rates = new RedisRates({ run: () => Promise.resolve(answer) }, 'edge');
    const one = { rate: daily(7, 5), tag: 1, at: 0, count: 1 };
    await assert.rejects(rates.count([one]), /Redis counted what is no number/);
  }
});

it('an answer of another length is none', async () => {
  const rates = new RedisRates({ run: () => Promise.resolve([1, 0]) }, 'edge');
  await assert.rejects(rates.count([]), /Redis counted 1 keys, not 0/);
});
