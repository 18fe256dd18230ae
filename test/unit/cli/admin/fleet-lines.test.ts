import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fleetLines } from '#src/cli/admin/fleet-lines.ts';
import { sampleFleet } from '../../../support/readings/fleet.ts';

test('a gateway on its own has no lines of a fleet', () => {
  assert.deepEqual(fleetLines(null), []);
});

test('a fleet is told with its members, and who leads what', () => {
  assert.deepEqual(fleetLines(sampleFleet()), [
    'fleet    edge  one  fleet  with two  exchanged 0.3 s ago',
    '         shop  led here  token 17  run 1  window held',
    '         cart  led by two  token 18  run 0  window taken by shop/abc',
  ]);
});

test('a gateway that is cut off says so and why', () => {
  const alone = sampleFleet({ mode: 'alone', because: 'no answer', exchangedMs: null, members: [], rollouts: [] });
  assert.deepEqual(fleetLines(alone), [
    'fleet    edge  one  alone  with nobody  never exchanged  judges its own traffic only: no answer',
  ]);
});
