/** How long a body is: one unambiguous answer, or refused. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FieldTable } from '#src/proxy/http1/fields/field-table.ts';
import { NameTable } from '#src/proxy/http1/fields/names.ts';
import {
  bodyLength,
  CHUNKED,
  CODING_UNSUPPORTED,
  connectionOptions,
  FRAMING_INVALID,
  UNFRAMED,
} from '#src/proxy/http1/framing.ts';

function fields(...lines: string[]): FieldTable {
  const table = new FieldTable('request', new NameTable([]), 100);
  const bytes = Buffer.from(`${lines.map((line) => `${line}\r\n`).join('')}\r\n`, 'latin1');
  table.hold(bytes, 0, bytes.length);
  assert.equal(table.scan(bytes, 0, 0, bytes.length), bytes.length);
  return table;
}

describe('a body’s length', () => {
  const cases: readonly (readonly [string, readonly string[], number, number])[] = [
    ['nothing', [], 1, UNFRAMED],
    ['Content-Length: 0', ['Content-Length: 0'], 1, 0],
    ['Content-Length: 007', ['Content-Length: 007'], 1, 7],
    ['Content-Length: 2^53-1', ['Content-Length: 9007199254740991'], 1, Number.MAX_SAFE_INTEGER],
    ['Content-Length twice', ['Content-Length: 1', 'Content-Length: 1'], 1, FRAMING_INVALID],
    ['chunked', ['Transfer-Encoding: chunked'], 1, CHUNKED],
    ['CHUNKED', ['transfer-encoding:\tCHUNKED '], 1, CHUNKED],
    ['chunked in 1.0', ['Transfer-Encoding: chunked'], 0, FRAMING_INVALID],
    ['chunked twice', ['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'], 1, FRAMING_INVALID],
    ['both', ['Content-Length: 1', 'Transfer-Encoding: chunked'], 1, FRAMING_INVALID],
    ['both, the coding unknown', ['Content-Length: 1', 'Transfer-Encoding: x'], 1, FRAMING_INVALID],
    ['an empty coding', ['Transfer-Encoding:'], 1, FRAMING_INVALID],
    ['identity', ['Transfer-Encoding: identity'], 1, FRAMING_INVALID],
    ['gzip', ['Transfer-Encoding: gzip'], 1, CODING_UNSUPPORTED],
    ['a list', ['Transfer-Encoding: gzip, chunked'], 1, FRAMING_INVALID],
    ['a parameter', ['Transfer-Encoding: chunked;q=1'], 1, FRAMING_INVALID],
    ['the Kelvin sign for k', ['Transfer-Encoding: chun\xe2\x84\xaaed'], 1, FRAMING_INVALID],
  ];
  for (const [name, lines, minor, length] of cases) {
    it(`with ${name} is ${length}`, () => assert.equal(bodyLength(fields(...lines), minor), length));
  }
});

describe('a Content-Length', () => {
  for (const text of [
    '',
    ' ',
    '+1',
    '-1',
    '1.0',
    '1e3',
    '0x1',
    '1 2',
    '1,1',
    '\xb9',
    '9007199254740992',
    '00000000000000001',
    'NaN',
  ]) {
    it(`of ${JSON.stringify(text)} is invalid`, () => {
      assert.equal(bodyLength(fields(`Content-Length: ${text}`), 1), FRAMING_INVALID);
    });
  }
  it('is digits', () => assert.equal(bodyLength(fields('Content-Length: 1234567890'), 1), 1_234_567_890));

  it('is the same once the head is a text', () => {
    const table = fields('Content-Length: 42');
    assert.notEqual(table.text, '');
    assert.equal(bodyLength(table, 1), 42);
  });
});

describe('Connection', () => {
  const cases: readonly (readonly [readonly string[], boolean, boolean, readonly string[]])[] = [
    [[], false, false, []],
    [['keep-alive'], false, true, []],
    [['Close'], true, false, []],
    [['close, Keep-Alive'], true, true, []],
    [[' ,X-A,, upgrade '], false, false, ['x-a', 'upgrade']],
    [['x-a', 'close'], true, false, ['x-a']],
    [['closed'], false, false, ['closed']],
    [['clos'], false, false, ['clos']],
    [['keep-alivex'], false, false, ['keep-alivex']],
    [['Keep-Alive'], false, true, []],
  ];
  for (const [values, close, keepAlive, nominated] of cases) {
    it(`of ${JSON.stringify(values)} is read`, () => {
      const options = connectionOptions(fields(...values.map((value) => `Connection: ${value}`)));
      assert.deepEqual([options.close, options.keepAlive, options.nominated], [close, keepAlive, nominated]);
      assert.equal(options.upgrade, nominated.includes('upgrade'));
    });
  }
});
