/** What is said of idempotency keys, with its defaults. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configOf, SOUND } from '../../../../support/config.ts';

const route = (text: string): string => `${SOUND}    idempotency: ${text}\n`;

test('keys of a route have defaults, and a route without them has nothing', () => {
  const { routes, idempotency } = configOf(route('{}'));
  assert.deepEqual(routes[0]?.idempotency, {
    header: 'idempotency-key',
    methods: ['POST', 'PATCH'],
    ttlMs: 86_400_000,
    isRequired: false,
    concurrent: 'wait',
    waitMs: 10_000,
    headers: ['authorization'],
    cookies: [],
    requestBytesMax: 1_048_576,
    responseBytesMax: 65_536,
  });
  assert.deepEqual(idempotency, {
    store: 'memory',
    entriesMax: 10_000,
    bytesMax: 67_108_864,
    onStoreFailure: 'local',
  });
  assert.ok(!('idempotency' in configOf(SOUND)) && !('idempotency' in (configOf(SOUND).routes[0] ?? {})));
});

test('what is said counts, names in lower case', () => {
  const { routes } = configOf(
    route(
      '{header: X-Once, methods: [PUT], missing: require, concurrent: refuse, credentials: {headers: [X-Api-Key], cookies: [Sid]}}',
    ),
  );
  const { header, methods, isRequired, concurrent, headers, cookies } = routes[0]?.idempotency ?? assert.fail();
  assert.deepEqual(
    { header, methods, isRequired, concurrent, headers, cookies },
    {
      header: 'x-once',
      methods: ['PUT'],
      isRequired: true,
      concurrent: 'refuse',
      headers: ['x-api-key'],
      cookies: ['Sid'],
    },
  );
});
