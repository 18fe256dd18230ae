/** What may be said of idempotency keys, and what it means. */

import { test } from 'node:test';
import { assertProblem, configOf, SOUND } from '../../../../support/config.ts';

const route = (text: string): string => `${SOUND}    idempotency: ${text}\n`;
const FLEET = '\nfleet: {name: f, redis: {address: "redis://127.0.0.1"}}\n';

test('values are checked', () => {
  assertProblem(route('{methods: [«GET]}'), 'SLU1023', '');
  assertProblem(route('{methods: [POST, «POST]}'), 'SLU1072', '');
  assertProblem(route('{header: «Host}'), 'SLU1067', /^use Idempotency-Key$/);
  assertProblem(route('{ttl: «8d}'), 'SLU1030', '');
  assertProblem(route('{missing: «never}'), 'SLU1023', '');
  assertProblem(route('{concurrent: «queue}'), 'SLU1023', '');
  assertProblem(route('{requestBytesMax: «17MiB}'), 'SLU1031', '');
  assertProblem(route('{credentials: {headers: [«"a b"]}}'), 'SLU1036', /a-b/);
  assertProblem(route('{«credential: {}}'), 'SLU1020', /credentials/);
});

test('what could not work is refused', () => {
  assertProblem(`${route('{}')}idempotency: {store: «redis}\n`, 'SLU1200', /fleet\.redis/);
  configOf(`${route('{}')}idempotency: {store: redis}${FLEET}`);
  assertProblem(route('{credentials: {headers: [Authorization, «idempotency-key]}}'), 'SLU1201', '');
  assertProblem(`${route('{responseBytesMax: «1MiB}')}idempotency: {bytesMax: 64KiB}\n`, 'SLU1202', '');
});
