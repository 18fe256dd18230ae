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

  it('takes memory of its own as often as that doubles, however little arrives at a time', () => {
    const { input, read, left } = setup();
    const memories = new Set<Buffer>();
    for (let n = 0; n < 30_000; n++) {
      read('x');
      input.keep();
      memories.add(input.bytes);
    }
    assert.equal(left(), 'x'.repeat(30_000));
    assert.ok(memories.size <= 17, `${memories.size} memories`);
  });

  it('never moves what it holds where it stands: what was understood may still be referred to', () => {
    const { input, read, left } = setup();
    read('abcd');
    input.keep();
    const understood = input.bytes.subarray(0, 2);
    input.from += 2;
    for (let n = 0; n < 100; n++) {
      read('efgh');
      input.keep();
    }
    assert.equal(understood.toString('latin1'), 'ab');
    assert.equal(left(), `cd${'efgh'.repeat(100)}`);
  });

  it('tells when a line may have ended in what was read last, or a CR turned out to stand alone', () => {
    const { input, read } = setup();
    const heard = (text: string): boolean => {
      read(text);
      input.keep();
      return input.mayEndLine(text.length);
    };
    assert.deepEqual(['GET', ' /\r', 'X', 'Y', '\r\n', 'A', 'b\nc', 'd'].map(heard), [
      false,
      true,
      true,
      false,
      true,
      false,
      true,
      false,
    ]);
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
