import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CODE, FRAME, PREFACE, putWord, wordAt } from '#src/proxy/http2/frames.ts';
import { ERROR, TYPE } from '../../../support/http/http2.ts';

test('words are 32 bits, and read without the first', () => {
  for (const [value, read] of [
    [0, 0],
    [1, 1],
    [0x01020304, 0x01020304],
    [2 ** 31 - 1, 2 ** 31 - 1],
    [2 ** 32 - 1, 2 ** 31 - 1],
  ] as const) {
    const bytes = Buffer.alloc(6);
    assert.equal(putWord(bytes, 1, value), 5);
    assert.equal(bytes.readUInt32BE(1), value);
    assert.equal(wordAt(bytes, 1), read);
  }
});

test('types and codes are those that the tests’ own client has, and the preface is 24 bytes', () => {
  assert.deepEqual(
    [FRAME.goaway, FRAME.windowUpdate, FRAME.continuation],
    [TYPE.goaway, TYPE.window, TYPE.continuation],
  );
  const { none, ...named } = ERROR;
  assert.equal(CODE.noError, none);
  for (const [name, code] of Object.entries(named)) assert.equal(CODE[name as keyof typeof named], code, name);
  assert.equal(PREFACE.length, 24);
});
