import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressesAmong } from '#src/model/slo.ts';

test('of the names of endpoints those are addresses that are no slots, each once', () => {
  assert.deepEqual(addressesAmong(['10.0.0.1:80', 3, '[::1]:80', '10.0.0.1:80']), ['10.0.0.1:80', '[::1]:80']);
  assert.deepEqual(addressesAmong([7]), []);
});
