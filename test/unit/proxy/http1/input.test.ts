import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Input } from '#src/proxy/http1/input.ts';

function setup(): { input: Input; read: (text: string) => void; left: () => string } {
  const shared = Buffer.alloc(64);
  const input = new Input(shared);
  return {
    input,
    read: (text) => input.take(shared.write(text, 'latin1')),
    left: () => input.bytes.toString('latin1', input.from, input.end),
  };
}

describe('the input of a connection', () => {
  it('looks at what was read where it stands', () => {
    const { input, read, left } = setup();
    assert.ok(input.isEmpty);
    read('abc');
    assert.deepEqual([left(), input.length, input.isEmpty], ['abc', 3, false]);
    input.from += 3;
    assert.ok(input.isEmpty);
    read('de');
    assert.equal(left(), 'de');
  });

  it('keeps what is left when others read into the shared memory', () => {
    const { input, read, left } = setup();
    read('abcdef');
    input.from += 4;
    input.keep();
    input.keep();
    new Input(input.bytes);
    const other = setup();
    other.read('zzzzzz');
    read('gh');
    assert.equal(left(), 'efgh');
  });

  it('puts together what arrives byte by byte', () => {
    const { input, read, left } = setup();
    for (const char of 'GET / HTTP/1.1') {
      read(char);
      input.keep();
    }
    assert.equal(left(), 'GET / HTTP/1.1');
  });

  it('lets go of its own memory once everything is understood', () => {
    const { input, read } = setup();
    const shared = input.bytes;
    read('ab');
    input.keep();
    assert.notEqual(input.bytes, shared);
    input.from = input.end;
    input.keep();
    assert.equal(input.bytes, shared);
    read('c');
    input.clear();
    assert.ok(input.isEmpty);
  });
});
