import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fleetLines } from '#src/cli/admin/fleet-lines.ts';
import { sampleFleet } from '../../../support/readings/fleet.ts';

const NO_RATES = {
  limits: 0,
  mode: 'shared',
  because: '',
  exchanges: { done: 0, failed: 0 },
  keys: 0,
  keysLeft: 0,
  keysRefused: 0,
} as const;

test('a gateway on its own has no lines of a fleet', () => {
  assert.deepEqual(fleetLines(null), []);
});

test('a fleet is told with its members, and who leads what', () => {
  assert.deepEqual(fleetLines(sampleFleet()), [
    'fleet    edge  one  fleet  with two  exchanged 0.3 s ago',
    '         shop  led here  token 17  run 1  window held',
    '         cart  led by two  token 18  run 0  window taken by shop/abc',
    '         rate limits  counted together, 12 keys at last, 1 wait, Redis had no room for 4 since the start',
  ]);
});

test('limits that are not counted together any more say why, and without any nothing is said', () => {
  const rates = { ...NO_RATES, limits: 1, mode: 'local', because: 'no answer' } as const;
  assert.equal(
    fleetLines(sampleFleet({ rates })).at(-1),
    '         rate limits  counted by this gateway alone: no answer',
  );
  assert.equal(fleetLines(sampleFleet({ rates: NO_RATES })).length, 3);
});

test('a gateway that is cut off says so and why', () => {
  const alone = sampleFleet({
    mode: 'alone',
    because: 'no answer',
    exchangedMs: null,
    members: [],
    rollouts: [],
    rates: NO_RATES,
  });
  assert.deepEqual(fleetLines(alone), [
    'fleet    edge  one  alone  with nobody  never exchanged  judges its own traffic only: no answer',
  ]);
});
