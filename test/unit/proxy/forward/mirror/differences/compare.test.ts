/** At which places two answers differ. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TakenAnswer } from '#src/model/threads/requests/compared.ts';
import { readAnswer } from '#src/proxy/forward/mirror/differences/answer.ts';
import { differencesOf } from '#src/proxy/forward/mirror/differences/compare.ts';
import { jsonAnswer, takenAnswer } from '../../../../../support/clients/answers.ts';

function told(one: TakenAnswer, other: TakenAnswer): string[] {
  const found = differencesOf(readAnswer(one, new Set()), readAnswer(other, new Set()));
  return [...found.values()].map(({ kind, path, from, to }) => `${kind} ${path} ${from} ${to}`.trim());
}

test('answers that say the same do not differ', () => {
  assert.deepEqual(told(jsonAnswer({ a: 1, b: [1] }), jsonAnswer({ b: [1], a: 1 }, { Date: 'x' })), []);
  assert.deepEqual(told(takenAnswer('abc'), takenAnswer('abc')), []);
});

test('of answers with different statuses nothing else is told', () => {
  assert.deepEqual(told(jsonAnswer({ a: 1 }), jsonAnswer({ b: 1 }, { ETag: 'x' }, 500)), ['status  200 500']);
});

test('headers differ in their presence and their values', () => {
  const one = takenAnswer('', { ETag: 'a', Vary: 'b', Allow: 'GET' });
  const other = takenAnswer('', { etag: 'a', vary: 'c', Link: 'd' });
  assert.deepEqual(told(one, other), ['header vary', 'header allow present absent', 'header link absent present']);
});

test('types differ before values, and nothing below them', () => {
  const one = jsonAnswer({ price: 1, items: [{ id: 1, n: 'x' }], old: { a: { b: 1 } } });
  const other = jsonAnswer({ price: '1', items: [{ id: 1, n: 'y' }], new: null });
  assert.deepEqual(told(one, other), [
    'type $.price number string',
    'value $.items[].n',
    'type $.old object absent',
    'type $.new absent null',
  ]);
});

test('an element of another type changes the union, and an empty list says nothing about its elements', () => {
  assert.deepEqual(told(jsonAnswer([1, 2]), jsonAnswer([1, null])), ['type $[] number null|number']);
  assert.deepEqual(told(jsonAnswer({ a: [] }), jsonAnswer({ a: [{ b: 1 }] })), ['value $.a']);
});

test('other bodies differ as a whole, and in their form', () => {
  assert.deepEqual(told(takenAnswer('abc'), takenAnswer('abd')), ['body']);
  assert.deepEqual(told(takenAnswer('abc'), takenAnswer('')), ['body  bytes empty']);
  assert.deepEqual(told(jsonAnswer({}), takenAnswer('<html>', { 'Content-Type': 'text/html' })), [
    'header content-type',
    'body  json bytes',
  ]);
});

test('the same places differ whichever answer is first', () => {
  const one = readAnswer(jsonAnswer({ a: 1, b: { c: 1 }, d: [] }, { ETag: 'x' }), new Set());
  const other = readAnswer(jsonAnswer({ a: '1', b: { c: 2 }, d: [1] }), new Set());
  assert.deepEqual([...differencesOf(one, other).keys()].toSorted(), [...differencesOf(other, one).keys()].toSorted());
});
