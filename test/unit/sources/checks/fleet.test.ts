import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertProblem, configOf, SOUND } from '../../../support/config.ts';

const fleet = (lock: string): string => `fleet: {name: edge, redis: {address: "redis://a"}, lock: ${lock}}\n`;
const ETCD = 'sources: [{directory: {path: c.d}}, {etcd: {endpoints: ["http://a:1"]}}]\n';

test('locks are in a store that a source names', () => {
  const hint = /^the first source of that kind holds the locks/;
  assertProblem(`${fleet('«etcd')}${SOUND}`, 'SLU1133', hint);
  assertProblem(`${fleet('«consul')}${ETCD}${SOUND}`, 'SLU1133', hint);
  assert.equal(configOf(`${fleet('etcd')}${ETCD}${SOUND}`).fleet?.lock, 'etcd');
  assert.equal(configOf(`${fleet('redis')}${SOUND}`).fleet?.lock, 'redis');
});
