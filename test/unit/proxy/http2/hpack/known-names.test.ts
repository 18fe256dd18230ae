import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KNOWN_NAMES, NEVER_INDEXED, NOT_INDEXED } from '#src/proxy/http2/hpack/known-names.ts';
import { STATIC_LAST, STATIC_NAMES, STATIC_VALUES } from '#src/proxy/http2/hpack/static-table.ts';

test('every entry of the static table is found by its name and value', () => {
  for (let index = 1; index <= STATIC_LAST; index++) {
    const name = STATIC_NAMES[index] as string;
    const known = KNOWN_NAMES.get(name);
    assert.ok(known !== undefined && known.index > 0);
    assert.equal(known.index + known.values.indexOf(STATIC_VALUES[index] as string), index, name);
  }
});

test('what changes with each answer is not indexed, and what is secret never', () => {
  for (const name of ['date', 'content-length', 'etag', 'x-request-id']) {
    assert.equal(KNOWN_NAMES.get(name)?.literal, NOT_INDEXED, name);
  }
  for (const name of ['set-cookie', 'authorization', 'cookie']) {
    assert.equal(KNOWN_NAMES.get(name)?.literal, NEVER_INDEXED, name);
  }
  for (const name of [':status', 'content-type', 'server']) assert.equal(KNOWN_NAMES.get(name)?.literal, null, name);
});

test('a name that the static table has not is there for how it is written', () => {
  assert.deepEqual(KNOWN_NAMES.get('x-request-id'), { index: 0, values: [], literal: NOT_INDEXED });
});
