import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressOf, urlOf } from '#src/lib/text/address.ts';

test('an IPv6 host has brackets', () => {
  assert.deepEqual([addressOf('a.test', 80), addressOf('::1', 81)], ['a.test:80', '[::1]:81']);
  assert.deepEqual([urlOf('127.0.0.1', 80), urlOf('::1', 81)], ['http://127.0.0.1:80', 'http://[::1]:81']);
});
