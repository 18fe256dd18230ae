import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Input } from '#src/proxy/http1/input.ts';
import { RelayPool } from '#src/proxy/http1/relay.ts';

function setup(): { input: Input; read: (text: string) => void; left: () => string } {
  const shared = Buffer.alloc(64);
  const input = new Input(shared, new RelayPool());
  return {
    input,
    read: (text) => input.take(shared.write(text, 'latin1')),
    left: () => input.bytes.toString('latin1', input.from, input.end),
  };
}

/** A large body under way: `read` goes where the input wants it, as a wire would. */
function upload(): { input: Input; pool: RelayPool; shared: Buffer; read: (text: string) => void; left: () => string } {
  const shared = Buffer.alloc(65_536);
  const pool = new RelayPool();
  const input = new Input(shared, pool);
  let memory: Buffer = shared;
  return {
    input,
    pool,
    shared,
    read: (text) => {
      input.take(memory.write(text, 'latin1'));
      memory = input.turn();
    },
    left: () => input.bytes.toString('latin1', input.from, input.end),
  };
}

const LARGE = 'a'.repeat(16_384);

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

describe('memory of its own', () => {
  it('is for large bodies only', () => {
    const { input, read } = upload();
    read(LARGE.slice(1));
    assert.equal(input.claim(), false);
  });

  it('takes what is left at once, and the next read with room around it', () => {
    const { input, shared, read, left } = upload();
    read(`HEAD${LARGE}`);
    input.from += 4;
    assert.equal(input.claim(), true);
    assert.equal(left(), LARGE);
    assert.notEqual(input.bytes, shared);
    assert.equal(input.claim(), true, 'once is enough');
    input.clear();
    assert.notEqual(input.turn(), shared);
  });

  it('is read into until it is released, and then the shared one again', () => {
    const shared = Buffer.alloc(65_536);
    const input = new Input(shared, new RelayPool());
    input.take(shared.write(LARGE, 'latin1'));
    input.claim();
    input.clear();
    const memory = input.turn();
    input.take(memory.write('rest, next', 'latin1'));
    input.from += 6;
    input.keep();
    input.release();
    assert.equal(input.turn(), shared);
    memory.fill(0);
    assert.equal(input.bytes.toString('latin1', input.from, input.end), 'next');
  });

  it('goes back to the pool once it is neither read into nor sent from', () => {
    const { input, pool, read } = upload();
    read(LARGE);
    input.claim();
    const { bytes } = input;
    read('b');
    input.lend(true);
    input.release();
    input.turn();
    assert.notEqual(pool.take().bytes, bytes, 'it is still sent from');
    input.lend(false);
    assert.equal(pool.take().bytes, bytes);
  });

  it('that is read into does not go back before the next read is elsewhere', () => {
    const { input, pool, read } = upload();
    read(LARGE);
    input.claim();
    const { bytes } = input;
    input.turn();
    input.abandon();
    assert.notEqual(pool.take().bytes, bytes);
    input.turn();
    assert.equal(pool.take().bytes, bytes);
  });

  it('is left to whoever sends from it when nobody will say that it is over', () => {
    const { input, pool, read } = upload();
    read(LARGE);
    input.claim();
    const { bytes } = input;
    input.lend(true);
    input.release();
    input.turn();
    input.abandon();
    input.lend(false);
    assert.notEqual(pool.take().bytes, bytes);
  });
});
