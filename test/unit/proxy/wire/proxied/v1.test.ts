/** Lines of version 1: how much more of one is asked for. What is taken and refused is in parser.test.ts. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LINE_BYTES_MIN, readV1 } from '#src/proxy/wire/proxied/v1.ts';
import { LINE } from '../../../../support/http/proxied.ts';

test('what a line lacks is never more than it really does, and it is read in a few steps', () => {
  for (const line of [
    LINE,
    'PROXY UNKNOWN\r\n',
    'PROXY UNKNOWN and more\r\n',
    'PROXY TCP4 1.2.3.4 5.6.7.8 0 1\r\n',
    'PROXY TCP6 :: ::1 1 2\r\n',
    `PROXY TCP6 ${'ffff:'.repeat(7)}ffff ${'fffe:'.repeat(7)}fffe 65535 65535\r\n`,
  ]) {
    for (let length = 1; length < line.length; length++) {
      const lacks = readV1(line.slice(0, length));
      assert.ok(typeof lacks === 'number' && lacks > 0 && lacks <= line.length - length, `${length} of ${line}`);
    }
    let length = LINE_BYTES_MIN;
    let steps = 1;
    for (let lacks = readV1(line.slice(0, length)); typeof lacks === 'number'; lacks = readV1(line.slice(0, length))) {
      length += lacks;
      steps++;
    }
    assert.equal(length, line.length);
    assert.ok(steps <= 20, `${steps} steps for ${line}`);
  }
});

test('a line that cannot end within 107 bytes any more is refused before it has that many', () => {
  const line = `PROXY UNKNOWN ${'x'.repeat(100)}`;
  assert.equal(readV1(line.slice(0, 105)), 2);
  assert.equal(readV1(line.slice(0, 106)), 'the line is longer than 107 bytes');
});
