import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VersionBurn } from '#src/slo/rollout/version-burn.ts';

const ratio = 0.001;

test('a total outage is found within seconds, and said with its numbers', () => {
  const burn = new VersionBurn(0, ratio);
  let text: string | null = null;
  for (let nowMs = 100; nowMs <= 5000 && text === null; nowMs += 100) {
    burn.count(10, 10, nowMs);
    text = burn.burning(nowMs);
  }
  assert.equal(text, 'its own burn is 1000x over 1h and 1000x over 5m (limit 14.4x), 10 of 10 requests failed');
});

test('what the objective allows, and a single failure, are no reason', () => {
  const burn = new VersionBurn(0, ratio);
  burn.count(1, 1, 100);
  assert.equal(burn.burning(100), null);
  for (let n = 1; n <= 3600; n++) {
    burn.count(100, n % 10 === 0 ? 1 : 0, n * 1000);
    assert.equal(burn.burning(n * 1000), null);
  }
});

test('both windows must burn: minutes of trouble after a good hour are not enough', () => {
  const burn = new VersionBurn(0, ratio);
  for (let n = 1; n <= 3600; n++) burn.count(100, 0, n * 1000);
  burn.count(2000, 100, 3_601_000);
  assert.equal(burn.burning(3_601_000), null);
  burn.count(20_000, 10_000, 3_602_000);
  assert.match(burn.burning(3_602_000) ?? '', /limit 14\.4x/);
});

test('nothing new is judged once', () => {
  const burn = new VersionBurn(0, ratio);
  assert.equal(burn.burning(10), null);
  burn.count(0, 0, 20);
  assert.equal(burn.burning(20), null);
});
