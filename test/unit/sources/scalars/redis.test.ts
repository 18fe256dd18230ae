import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkRedis, parseRedis } from '#src/sources/scalars/redis.ts';

test('an address has a host, and may have a port, a database and TLS', () => {
  const at = { port: 6379, database: 0, isTls: false };
  assert.deepEqual(parseRedis('redis://Redis.test'), { ...at, host: 'redis.test' });
  assert.deepEqual(parseRedis('redis://127.0.0.1:7000/3'), { ...at, host: '127.0.0.1', port: 7000, database: 3 });
  assert.deepEqual(parseRedis('rediss://[::1]/'), { ...at, host: '::1', isTls: true });
});

test('anything else is refused with what was meant', () => {
  for (const url of ['', 'http://a', 'redis://', 'redis://a/x', 'redis://a/1?b=2', 'redis://a#b', 'redis://a/1/2']) {
    assert.equal(parseRedis(url), null, url);
    assert.equal(checkRedis(url)?.kind, 'url', url);
  }
  assert.equal(checkRedis('127.0.0.1:6379')?.hint, 'did you mean redis://127.0.0.1:6379?');
  assert.deepEqual([checkRedis(5)?.kind, checkRedis(undefined)?.kind], ['type', 'missing']);
});

test('one with a password is refused without showing it', () => {
  const fault = checkRedis('redis://user:geheim@a');
  assert.equal(fault?.kind, 'url');
  assert.doesNotMatch(JSON.stringify(fault), /geheim/);
});
