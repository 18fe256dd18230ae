import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BodyReader, END, MORE } from '#src/proxy/http1/body.ts';
import { NameTable } from '#src/proxy/http1/fields/names.ts';
import { CHUNKED } from '#src/proxy/http1/framing.ts';
import {
  Carry,
  frameChunk,
  lastChunk,
  RelayMemory,
  RelayPool,
  SHORT_AT,
  sendPart,
  UPLOAD_READ_BYTES,
} from '#src/proxy/http1/relay.ts';
import { whole } from '#src/proxy/wire/memory/memory.ts';
import type { Wire } from '#src/proxy/wire/wire.ts';

/** A wire that only collects, and how many writes it took. */
function collector(): { out: Wire; text: () => string; writes: () => number } {
  const written: string[] = [];
  const writeBytes = (bytes: Buffer, from: number, end: number): void => {
    written.push(bytes.toString('latin1', from, end));
  };
  const out = { writeText: (text: string) => void written.push(text), writeBytes, writeSoon: writeBytes };
  return { out: out as unknown as Wire, text: () => written.join(''), writes: () => written.length };
}

/** A body that was read into memory: its span is gathered. */
function read(text: string, length: number): { memory: RelayMemory; body: BodyReader; step: number } {
  const memory = new RelayMemory();
  const count = memory.readable.write(text, 'latin1');
  const body = new BodyReader();
  body.start(length);
  return { memory, body, step: body.gather(memory.bytes, memory.start, memory.start + count) };
}

describe('a part of a body', () => {
  it('in the thread’s memory leaves by itself where the text before it is longer than the room that is ours', () => {
    const before = Buffer.from(whole.subarray(0, SHORT_AT));
    const at = SHORT_AT + 100;
    for (const length of [2148, 2149, 6000]) {
      whole.write('hello', at, 'latin1');
      const body = new BodyReader();
      body.start(5);
      assert.equal(body.gather(whole, at, at + 5), END);
      const { out, text, writes } = collector();
      sendPart(out, whole, body, 'h'.repeat(length));
      assert.equal(text(), `${'h'.repeat(length)}hello`);
      assert.equal(writes(), length <= 2148 ? 1 : 2);
      assert.ok(
        before.subarray(0, -2048).equals(whole.subarray(0, SHORT_AT - 2048)),
        'what is others’ stays as it was',
      );
    }
  });

  it('leaves in one write with the head before it', () => {
    const { memory, body } = read('hello', 5);
    const { out, text, writes } = collector();
    sendPart(out, memory.bytes, body, 'HEAD\r\n\r\n');
    assert.deepEqual([text(), writes()], ['HEAD\r\n\r\nhello', 1]);
  });

  it('takes two writes when the head is longer than the room before it', () => {
    const { memory, body } = read('hello', 5);
    const { out, text, writes } = collector();
    const head = 'H'.repeat(memory.start + 1);
    sendPart(out, memory.bytes, body, head);
    assert.deepEqual([text(), writes()], [`${head}hello`, 2]);
  });

  it('without bytes is its head alone, and nothing at all without a head', () => {
    const { memory, body } = read('', 5);
    const { out, text, writes } = collector();
    sendPart(out, memory.bytes, body, '');
    assert.equal(writes(), 0);
    sendPart(out, memory.bytes, body, 'HEAD');
    assert.deepEqual([text(), writes()], ['HEAD', 1]);
  });

  it('becomes one chunk, however many it came in', () => {
    const { memory, body, step } = read('2\r\nab\r\n3;x=y\r\ncde\r\n', CHUNKED);
    assert.equal(step, MORE);
    const { out, text, writes } = collector();
    sendPart(out, memory.bytes, body, frameChunk(memory.bytes, body, ''));
    assert.deepEqual([text(), writes()], ['5\r\nabcde\r\n', 1]);
  });

  it('carries the last chunk and its trailers along', () => {
    const { memory, body, step } = read('2\r\nab\r\n0\r\n\r\n', CHUNKED);
    assert.equal(step, END);
    const last = `0\r\n${'A: 1\r\n'.repeat(1000)}\r\n`;
    const { out, text, writes } = collector();
    sendPart(out, memory.bytes, body, `HEAD\r\n\r\n${frameChunk(memory.bytes, body, last)}`);
    assert.deepEqual([text(), writes()], [`HEAD\r\n\r\n2\r\nab\r\n${last}`, 1]);
  });

  it('that is only an end is the last chunk alone', () => {
    const { memory, body } = read('0\r\n\r\n', CHUNKED);
    assert.equal(frameChunk(memory.bytes, body, '0\r\n\r\n'), '0\r\n\r\n');
    assert.equal(frameChunk(memory.bytes, body, ''), '');
  });
});

describe('memory to relay from', () => {
  it('is full when a read filled it to the last byte', () => {
    const memory = new RelayMemory();
    assert.equal(memory.isFull(memory.readable.length), true);
    assert.equal(memory.isFull(memory.readable.length - 1), false);
  });
});

/** A carry of `text` that read the rest of it in pieces; all that it held. */
function carried(pieces: readonly string[]): { carry: Carry; memories: Set<Buffer>; worthIt: boolean[] } {
  const memory = new RelayMemory();
  const [first = '', ...rest] = pieces;
  const put = (text: string): number => memory.start + memory.readable.write(text, 'latin1');
  const carry = new Carry(memory.bytes, memory.start, put(first));
  const memories = new Set([carry.bytes]);
  const worthIt = rest.map((piece) => {
    const isWorthIt = carry.take(memory.bytes, memory.start, put(piece));
    memories.add(carry.bytes);
    return isWorthIt;
  });
  return { carry, memories, worthIt };
}

describe('the beginning of a head', () => {
  it('stands together with the same room before and enough behind', () => {
    const { carry } = carried(['hello ', 'world']);
    assert.equal(carry.bytes.toString('latin1', carry.start, carry.end), 'hello world');
    assert.ok(carry.start >= new RelayMemory().start);
    assert.ok(carry.bytes.length - carry.end >= 8192 + 16);
  });

  it('keeps its room when what stood before it was understood', () => {
    const { carry } = carried(['HTTP/1.1 100 Continue\r\n\r\nHT']);
    carry.start += 25;
    const more = Buffer.alloc(20_000, 'x');
    carry.take(more, 0, more.length);
    assert.equal(carry.bytes.toString('latin1', carry.start, carry.end), `HT${'x'.repeat(20_000)}`);
    assert.equal(carry.start, new RelayMemory().start);
    assert.ok(carry.bytes.length - carry.end >= 8192 + 16);
  });

  it('takes memory as often as that doubles, however little arrives at a time', () => {
    const { carry, memories } = carried([...'x'.repeat(32_000)]);
    assert.equal(carry.length, 32_000);
    assert.ok(memories.size <= 17, `${memories.size} memories`);
  });

  it('is worth a look where a line may have ended, a CR stands alone, or the version is still to come', () => {
    const { worthIt } = carried(['HTTP/1.1', ' ', '200', ' ', 'O', 'K\r', '\n', 'A', ': b\r', 'X', 'c', 'd\ne', 'f']);
    assert.deepEqual(worthIt, [true, true, true, false, true, true, false, true, true, false, true, false]);
  });
});

describe('the end of a chunked body', () => {
  it('is the last chunk, with those trailers that may go on', () => {
    const names = new NameTable([]);
    assert.equal(lastChunk('', names), '0\r\n\r\n');
    assert.equal(lastChunk('A: b\r\nHost: c\r\n', names), '0\r\nA: b\r\n\r\n');
  });
});

describe('a pool of memories', () => {
  it('gives the same one again, and a fresh one when it has none', () => {
    const pool = new RelayPool();
    const memory = pool.take();
    assert.equal(memory.readable.length, UPLOAD_READ_BYTES);
    pool.give(memory);
    assert.equal(pool.take(), memory);
    assert.notEqual(pool.take(), memory);
  });

  it('keeps a bounded number of them', () => {
    const pool = new RelayPool();
    const memories = Array.from({ length: 33 }, () => pool.take());
    for (const memory of memories) pool.give(memory);
    const again = memories.map(() => pool.take());
    assert.equal(again.filter((memory) => memories.includes(memory)).length, 32);
  });
});
