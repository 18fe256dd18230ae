/** What operations are written with. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { COMMANDED, GUARDED, get, json, post, problem, text } from '#src/admin/api/parts.ts';

test('what is asked for needs no token, what changes something does', () => {
  const rest = { tag: 'commands', summary: 'x', answers: { 200: text('done') } } as const;
  assert.deepEqual(get('a', '/a', rest), { id: 'a', method: 'get', path: '/a', ...rest });
  assert.deepEqual(post('b', '/b', rest), { id: 'b', method: 'post', path: '/b', needsToken: true, ...rest });
});

test('answers say their media type', () => {
  assert.deepEqual(text('a').type, 'text/plain');
  assert.deepEqual(json('a', { type: 'string' }).type, 'application/json');
  assert.deepEqual(problem('a').type, 'application/problem+json');
  for (const status of Object.keys(GUARDED)) assert.ok(status in COMMANDED, status);
});
