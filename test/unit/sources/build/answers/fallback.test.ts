/** What a route falls back to, with every default. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FALLBACK_REASONS } from '#src/model/threads/answers/fallback.ts';
import { configOf, SOUND } from '../../../../support/config.ts';

const on = FALLBACK_REASONS;

test('steps have their defaults, and those that say more have that', () => {
  const text = SOUND.replace('services:\n', 'services:\n  spare: {versions: {v1: {endpoints: ["127.0.0.1:7003"]}}}\n');
  const { routes } = configOf(`${text}    fallback:
      - {type: Stale, stale: {}}
      - {type: Service, on: [circuit_open, shed], service: {name: spare}}
      - {type: Static, on: [no_endpoint], static: {status: 200, headers: [{name: X-A, value: b}], body: sorry}}
      - {type: Static, on: [no_endpoint, shed], static: {status: 404, countsAs: bad}}
      - {type: Static, static: {}}
`);
  assert.deepEqual(routes[0]?.fallback, [
    { kind: 'stale', on, maxAgeMs: 300_000, entryBytesMax: 262_144, isGood: true },
    { kind: 'service', on: ['shed', 'circuit_open'], service: 'spare', version: 'v1' },
    {
      kind: 'static',
      on: ['no_endpoint'],
      status: 200,
      headers: [{ name: 'X-A', value: 'b' }],
      body: 'sorry',
      isGood: true,
    },
    { kind: 'static', on: ['shed', 'no_endpoint'], status: 404, headers: [], body: '', isGood: false },
    { kind: 'static', on, status: 503, headers: [], body: '', isGood: false },
  ]);
  const { routes: more } = configOf(
    `${SOUND}    fallback: [{type: Stale, stale: {maxAge: 2h, entryBytesMax: 1KiB, countsAs: bad}}]\n`,
  );
  assert.deepEqual(more[0]?.fallback, [{ kind: 'stale', on, maxAgeMs: 7_200_000, entryBytesMax: 1024, isGood: false }]);
});

test('a route without one has no such field, so that its fingerprint stays', () => {
  assert.ok(!('fallback' in (configOf(SOUND).routes[0] ?? {})));
  assert.ok(!('fallback' in (configOf(`${SOUND}    fallback: []\n`).routes[0] ?? {})));
});
