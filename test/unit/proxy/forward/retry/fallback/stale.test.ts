/** The map of kept answers: bounded whatever comes, found only as it was asked, gone when it is too old. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Random } from '#src/lib/random.ts';
import { Vary } from '#src/proxy/forward/retry/fallback/keep.ts';
import { type KeptAnswer, StaleCache } from '#src/proxy/forward/retry/fallback/stale.ts';

const LIMIT = 100_000;
const ANY = new Vary([]);
const REQUEST = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

function cacheOf(bytesMax = LIMIT): StaleCache {
  const cache = new StaleCache();
  cache.configure(bytesMax);
  return cache;
}

function answerOf(bodyBytes: number, cameAtMs = 0, usableMs = 60_000): KeptAnswer {
  return { status: 200, lines: 'HTTP/1.1 200 OK\r\n', body: Buffer.alloc(bodyBytes), cameAtMs, usableMs };
}

interface Put {
  readonly vary?: Vary;
  readonly request?: string;
  readonly nowMs?: number;
}

/** Takes an answer as a connection would; false: there was no room. */
function put(
  cache: StaleCache,
  key: string,
  answer: KeptAnswer,
  { vary = ANY, request = REQUEST, nowMs = 0 }: Put = {},
): boolean {
  const whole = vary.keyWith(key, request);
  if (!cache.begin(whole)) return false;
  const claimed = answer.body.length;
  if (cache.claim(claimed)) cache.put({ key, whole, vary }, answer, claimed, nowMs);
  else cache.drop(whole, 0);
  return cache.find(key, request, nowMs, Number.POSITIVE_INFINITY) === answer;
}

describe('a kept answer', () => {
  it('is found until it is as old as its upstream or its route allows', () => {
    const cache = cacheOf();
    const answer = answerOf(5, 1000, 500);
    assert.ok(put(cache, 'k', answer, { nowMs: 1000 }));
    assert.equal(cache.find('k', REQUEST, 1499, 60_000), answer);
    assert.equal(cache.find('other', REQUEST, 1000, 60_000), null);
    assert.equal(cache.find('k', REQUEST, 1400, 400), null);
    assert.deepEqual([cache.size, cache.bytes], [0, 0], 'it is gone, with all that it took');
  });

  it('gives way to a newer one, not before it is a second old', () => {
    const cache = cacheOf();
    put(cache, 'k', answerOf(5), { nowMs: 0 });
    assert.deepEqual(
      [0, 999, 1000].map((nowMs) => cache.isYoung('k', REQUEST, nowMs)),
      [true, true, false],
    );
    const { bytes } = cache;
    const newer = answerOf(5, 2000);
    assert.ok(put(cache, 'k', newer, { nowMs: 2000 }));
    assert.deepEqual([cache.size, cache.bytes], [1, bytes]);
  });

  it('is one of several for the values that it varies by; the last one says what those are', () => {
    const cache = cacheOf();
    const language = new Vary(['accept-language']);
    const requestOf = (value: string): string => `GET / HTTP/1.1\r\nAccept-Language: ${value}\r\n\r\n`;
    const [de, fr] = [answerOf(1), answerOf(2)];
    put(cache, 'k', de, { vary: language, request: requestOf('de') });
    put(cache, 'k', fr, { vary: language, request: requestOf('fr') });
    assert.equal(cache.find('k', requestOf('de'), 1, 60_000), de);
    assert.equal(cache.find('k', requestOf('fr'), 1, 60_000), fr);
    assert.equal(cache.find('k', REQUEST, 1, 60_000), null);
    const all = answerOf(3);
    put(cache, 'k', all);
    assert.equal(cache.find('k', requestOf('de'), 1, 60_000), all);
    assert.equal(cache.size, 3, 'those that nobody can find go as the oldest');
  });

  it('is taken once at a time', () => {
    const cache = cacheOf();
    assert.deepEqual([cache.begin('k'), cache.begin('k'), cache.begin('l')], [true, false, true]);
    cache.drop('k', 0);
    assert.ok(cache.begin('k'));
  });
});

describe('the bytes of all kept answers', () => {
  it('are never above the limit, with those that come; the oldest go first (seeded)', (t) => {
    const seed = Number(process.env['FUZZ_SEED'] ?? 20_261_121);
    t.diagnostic(`FUZZ_SEED=${seed}`);
    const random = new Random(seed);
    const cache = cacheOf();
    for (let n = 0; n < 5000; n++) {
      const key = `k${random.nextUint32() % 40}`;
      const whole = ANY.keyWith(key, REQUEST);
      const claimed = random.nextUint32() % 60_000;
      if (!cache.begin(whole)) assert.fail('nothing is being taken');
      if (!cache.claim(claimed)) cache.drop(whole, 0);
      else if (random.nextFloat() < 0.3) cache.drop(whole, claimed);
      else cache.put({ key, whole, vary: ANY }, answerOf(random.nextUint32() % (claimed + 1), n), claimed, n);
      assert.ok(cache.bytes <= LIMIT, `${cache.bytes} after ${n}`);
    }
    cache.configure(0);
    assert.deepEqual([cache.size, cache.bytes], [0, 0]);
  });

  it('that come may be half of the limit', () => {
    const cache = cacheOf();
    assert.deepEqual([cache.claim(40_000), cache.claim(10_001), cache.claim(10_000)], [true, false, true]);
    assert.equal(cache.bytes, 50_000);
  });

  it('are none where none may be kept', () => {
    const cache = cacheOf(0);
    assert.equal(put(cache, 'k', answerOf(1)), false);
    assert.deepEqual([cache.size, cache.bytes], [0, 0]);
  });
});
