import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BodyReader, END, MORE } from '#src/proxy/http1/body.ts';
import { CHUNKED } from '#src/proxy/http1/framing.ts';
import { frameChunk, joinWithRoom, RelayMemory, sendPart } from '#src/proxy/http1/relay.ts';
import type { Wire } from '#src/proxy/wire/wire.ts';

/** A wire that only collects, and how many writes it took. */
function collector(): { out: Wire; text: () => string; writes: () => number } {
  const written: string[] = [];
  const out = {
    writeText: (text: string) => void written.push(text),
    writeBytes: (bytes: Buffer, from: number, end: number) => void written.push(bytes.toString('latin1', from, end)),
  };
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

  it('joins what was held with what was read, with the same room before and enough behind', () => {
    const memory = new RelayMemory();
    memory.readable.write('world', 'latin1');
    const whole = joinWithRoom(Buffer.from('hello '), memory, memory.start + 5);
    assert.equal(whole.toString('latin1', memory.start, memory.start + 11), 'hello world');
    assert.ok(whole.length - (memory.start + 11) >= 8192 + 16);
  });
});
