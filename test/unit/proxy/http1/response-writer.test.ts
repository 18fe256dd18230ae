/** Writing to a client: what is written, in which frames, and when the kernel has taken it. */

import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { Writable } from 'node:stream';
import { describe, it } from 'node:test';
import { ResponseWriter } from '#src/proxy/http1/response-writer.ts';

/** A socket that takes writes at once, or holds them until `release`. */
class FakeSocket extends Writable {
  text = '';
  isHolding = false;
  #held: (() => void)[] = [];

  constructor() {
    super({ highWaterMark: 65_536, decodeStrings: true });
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    const take = (): void => {
      this.text += chunk.toString('latin1');
      done();
    };
    if (this.isHolding) this.#held.push(take);
    else take();
  }

  release(): void {
    this.isHolding = false;
    for (let take = this.#held.shift(); take !== undefined; take = this.#held.shift()) take();
  }
}

function setup(): { socket: FakeSocket; out: ResponseWriter; flushed: () => number } {
  const socket = new FakeSocket();
  let count = 0;
  const out = new ResponseWriter(socket as unknown as Socket, () => {
    assert.equal(socket.writableLength, 0, 'flushed means that nothing waits');
    count++;
  });
  return { socket, out, flushed: () => count };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('a response', () => {
  it('goes out as Latin-1, bytes as they are', () => {
    const { socket, out } = setup();
    out.sendText('HTTP/1.1 200 \xe9\r\n\r\n');
    out.sendBytes(Buffer.from([0, 255, 10]), false);
    assert.equal(socket.text, 'HTTP/1.1 200 \xe9\r\n\r\n\0\xff\n');
  });

  it('is framed chunk by chunk, in hexadecimal', () => {
    const { socket, out } = setup();
    out.sendBytes(Buffer.alloc(26, 'x'), true);
    out.sendLastChunk();
    assert.equal(socket.text, `1a\r\n${'x'.repeat(26)}\r\n0\r\n\r\n`);
  });

  it('that is corked leaves at once when uncorked', () => {
    const { socket, out } = setup();
    out.cork();
    out.sendText('head');
    out.sendBytes(Buffer.from('body'), false);
    assert.equal(socket.text, '');
    out.uncork();
    assert.equal(socket.text, 'headbody');
    assert.equal(out.isBackedUp, false);
  });
});

describe('back-pressure', () => {
  it('is none while writes complete at once', async () => {
    const { out, flushed } = setup();
    out.sendBytes(Buffer.from('abc'), false);
    assert.equal(out.isBackedUp, false);
    await turn();
    assert.equal(flushed(), 0, 'a callback is paid for only when something waits');
  });

  for (const [what, send] of [
    ['body bytes', (out: ResponseWriter) => out.sendBytes(Buffer.from('abc'), false)],
    ['a chunk', (out: ResponseWriter) => out.sendBytes(Buffer.from('abc'), true)],
    ['a last chunk', (out: ResponseWriter) => out.sendLastChunk()],
    ['a head', (out: ResponseWriter) => out.sendText('HTTP/1.1 200 OK\r\n\r\n')],
    ['more than the high-water mark', (out: ResponseWriter) => out.sendText('x'.repeat(100_000))],
  ] as const) {
    it(`of ${what} is told, and its end as well`, async () => {
      const { socket, out, flushed } = setup();
      socket.isHolding = true;
      send(out);
      await turn();
      assert.equal(out.isBackedUp, true);
      assert.equal(flushed(), 0);
      socket.release();
      await turn();
      assert.equal(out.isBackedUp, false);
      assert.ok(flushed() > 0, 'whoever waits for the flush waits for ever');
    });
  }

  it('is full only beyond what one response may leave behind', () => {
    const { socket, out } = setup();
    socket.isHolding = true;
    out.sendText('x'.repeat(262_144));
    assert.equal(out.isFull, false);
    out.sendText('x');
    assert.equal(out.isFull, true);
  });
});
