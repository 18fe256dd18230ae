/** Answers as they are compared: hostile bodies are read without harm, and no value is kept. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import type { TakenAnswer } from '#src/model/threads/requests/compared.ts';
import { DECODED_BYTES_MAX, type ReadAnswer, readAnswer } from '#src/proxy/forward/mirror/differences/answer.ts';
import { jsonAnswer, takenAnswer } from '../../../../../support/clients/answers.ts';

const read = (answer: TakenAnswer, ...ignored: string[]): ReadAnswer => readAnswer(answer, new Set(ignored));
const formOf = (answer: TakenAnswer): string => read(answer).body.form;
const JSON_TYPE = { 'Content-Type': 'application/json; charset=utf-8' };

describe('a head', () => {
  test('is its headers by name, without those that may always differ and those that are ignored', () => {
    const { headers, status } = read(
      takenAnswer('', { ETag: 'a', Date: 'b', Age: '1', 'X-Request-Id': 'c', Connection: 'd', 'X-Build': 'e' }, 404),
      'x-build',
    );
    assert.deepEqual([status, [...headers.keys()]], [404, ['etag']]);
  });

  test('is without what tells times, instances and how much was asked for', () => {
    const names = [
      'Expires',
      'Last-Modified',
      'Retry-After',
      'X-Served-By',
      'RateLimit-Remaining',
      'X-RateLimit-Reset',
    ];
    const { headers } = read(takenAnswer('', Object.fromEntries(names.map((name) => [name, 'a']))));
    assert.deepEqual([...headers.keys()], []);
  });

  test('has no value, and tells values apart', () => {
    const answer = read(takenAnswer('', { 'X-Token': 'secret-of-somebody' }));
    assert.doesNotMatch(JSON.stringify([...answer.headers]), /secret/);
    assert.notDeepEqual(answer.headers, read(takenAnswer('', { 'X-Token': 'other' })).headers);
    assert.deepEqual(answer.headers, read(takenAnswer('', { 'x-token': ' secret-of-somebody ' })).headers);
  });

  test('has of cookies their names', () => {
    const cookies = (...values: string[]): ReadAnswer => {
      const lines = values.map((value) => `Set-Cookie: ${value}\r\n`);
      return read({ ...takenAnswer(''), head: `HTTP/1.1 200 OK\r\n${lines.join('')}\r\n` });
    };
    assert.deepEqual(cookies('a=1; Path=/', 'b=2'), cookies('b=3', 'a=4; Secure'));
    assert.notDeepEqual(cookies('a=1'), cookies('b=1'));
  });

  test('shows no name that may be data', () => {
    const answer = read(takenAnswer('', { 'x-user-123456': 'a', 'x-user-654321': 'b' }));
    assert.deepEqual([...answer.headers.keys()], ['*']);
  });
});

describe('a body', () => {
  test('of a type that is JSON is taken apart', () => {
    for (const type of ['application/json', 'text/json', 'application/problem+json; a=b', 'Application/HAL+JSON']) {
      assert.equal(formOf(takenAnswer('{"a":1}', { 'Content-Type': type })), 'json', type);
    }
    for (const type of ['text/html', 'application/jsonp', 'application/x-ndjson', '']) {
      assert.equal(formOf(takenAnswer('{"a":1}', { 'Content-Type': type })), 'bytes', type);
    }
    assert.equal(formOf(takenAnswer('', JSON_TYPE)), 'empty');
  });

  test('that is no JSON, no UTF-8 or has too much in it is compared as a whole', () => {
    const bodies = ['{"a":', '{"a":1}x', Buffer.from([0x22, 0xff, 0x22]), '['.repeat(50_000), 'NaN'];
    for (const body of [...bodies, '['.repeat(50_000) + ']'.repeat(50_000)]) {
      assert.equal(formOf(takenAnswer(body, JSON_TYPE)), 'bytes');
    }
    assert.equal(formOf(takenAnswer('\ufeff{"a":1}', JSON_TYPE)), 'json', 'a byte order mark');
  });

  test('with a key twice has the last, with huge keys one place', () => {
    assert.deepEqual(
      read(takenAnswer('{"a":"x","a":1}', JSON_TYPE)).body,
      read(takenAnswer('{"a":1}', JSON_TYPE)).body,
    );
    const { body } = read(takenAnswer(`{"${'k'.repeat(60_000)}":1}`, JSON_TYPE));
    assert.deepEqual(body.form === 'json' && [...(body.shape.parts?.keys() ?? [])], ['*']);
  });

  test('is compared without its content coding', () => {
    const plain = JSON.stringify({ price: 1.5, name: 'x'.repeat(1000) });
    const codings = { gzip: gzipSync, 'x-gzip': gzipSync, deflate: deflateSync, br: brotliCompressSync };
    const expected = read(takenAnswer(plain, JSON_TYPE)).body;
    assert.equal(expected.form, 'json');
    for (const [coding, encode] of Object.entries({ ...codings, ZSTD: zstdCompressSync })) {
      const answer = takenAnswer(encode(Buffer.from(plain)), { ...JSON_TYPE, 'Content-Encoding': coding });
      assert.deepEqual(read(answer).body, expected, coding);
    }
  });

  test('with a coding that is unknown, broken, or hides too much is compared as it came', () => {
    const bomb = gzipSync(Buffer.alloc(DECODED_BYTES_MAX + 1, 0x20));
    const gzipped = gzipSync('{}');
    for (const [coding, body] of [
      ['gzip', bomb],
      ['gzip', gzipped.subarray(0, -5)],
      ['gzip, gzip', gzipSync(gzipped)],
      ['constructor', gzipped],
      ['compress', gzipped],
    ] as const) {
      const read1 = read(takenAnswer(body, { ...JSON_TYPE, 'Content-Encoding': coding })).body;
      assert.deepEqual(read1.form === 'bytes' && read1.length, body.length, coding);
    }
  });

  test('keeps no value', () => {
    const answer = read(jsonAnswer({ name: 'Alice Example', 'alice@example.com': 'secret' }));
    assert.doesNotMatch(
      JSON.stringify(answer, (_, one: unknown) => (one instanceof Map ? [...one] : one)),
      /Alice|secret/i,
    );
  });
});
