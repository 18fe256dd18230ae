/** A wire: what it reads and writes, what it tells its owner and when, and that nothing leaks or crashes. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Worker } from 'node:worker_threads';
import { bytesPerCall, COUNTED } from '../../../support/proxy/allocation.ts';
import { openSockets } from '../../../support/proxy/wires/sockets.ts';
import { End, endsOf, openGate, rounds } from '../../../support/proxy/wires/wires.ts';

/** More than the kernel takes at once for a reader that does not read. */
const BIG_BYTES = 16_777_216;
/** The runtime writes texts up to 16 KiB from its stack, longer ones from a copy. */
const TEXT_THAT_IS_COPIED = 20_000;

/** Comes again, and so does what is made of it. */
const PERIOD = Uint8Array.from({ length: 65_536 }, (_, i) => (i * 31 + (i >> 8)) & 255);

function pattern(length: number): Buffer {
  return Buffer.alloc(length, PERIOD);
}

describe('reading', () => {
  it('delivers all bytes in order, each read to the beginning of the memory', async (t) => {
    const [left, right] = await endsOf(t, 100);
    const sent = pattern(1000);
    left.wire.writeBytes(sent, 0, 1000);
    await right.until(() => right.bytes.length === 1000);
    assert.deepEqual(right.bytes, sent);
    assert.ok(right.read.every(({ length }) => length <= 100));
  });

  it('stops within a read that pauses, and goes on where it stopped', async (t) => {
    const [left, right] = await endsOf(t, 10);
    right.onNews = () => right.wire.pause();
    left.wire.writeText('0123456789abcdefghij');
    await right.until(() => right.text.length === 10);
    await rounds(3);
    assert.equal(right.text, '0123456789');
    right.wire.resume();
    await right.until(() => right.text.length === 20);
    assert.equal(right.text, '0123456789abcdefghij');
  });

  it('tells nothing any more once closed within a read', async (t) => {
    const [left, right] = await endsOf(t, 10);
    right.onNews = () => right.wire.close();
    left.wire.writeText('0123456789abcdefghij');
    left.wire.end();
    await right.until(() => right.text.length === 10);
    await rounds(3);
    assert.deepEqual([right.text, right.news], ['0123456789', ['received']]);
  });

  it('goes into other memory from the next read on when that is asked for within one', async (t) => {
    const [left, right] = await endsOf(t, 10);
    const other = Buffer.alloc(4);
    right.onNews = () => right.wire.readInto(other);
    const sent = pattern(1000);
    left.wire.writeBytes(sent, 0, 1000);
    await right.until(() => right.bytes.length === 1000);
    assert.deepEqual(right.bytes, sent);
    assert.deepEqual([right.read[0]?.length, right.read[1]?.length], [10, 4]);
    assert.equal(right.wire.memory, other);
  });

  it("reports the peer's end once, whatever is paused and resumed, and writing goes on", async (t) => {
    const [left, right] = await endsOf(t);
    left.wire.end();
    await right.until(() => right.news.length === 1);
    right.wire.pause();
    right.wire.resume();
    right.wire.writeText('answer');
    await left.until(() => left.text === 'answer');
    await rounds(3);
    assert.deepEqual(right.news, ['ended']);
  });
});

describe('writing', () => {
  it('is over at once when the kernel takes it', async (t) => {
    const [left, right] = await endsOf(t);
    left.wire.writeText('text, ');
    left.wire.writeBytes(Buffer.from('not bytes not'), 4, 9);
    assert.deepEqual([left.wire.isBackedUp, left.wire.waitingBytes], [false, 0]);
    await right.until(() => right.text === 'text, bytes');
    await rounds(3);
    assert.deepEqual(left.news, []);
  });

  it('keeps what the kernel does not take, in order, and says once that it has left', async (t) => {
    const [left, right] = await endsOf(t);
    right.wire.pause();
    const big = pattern(BIG_BYTES);
    const text = 'x'.repeat(TEXT_THAT_IS_COPIED);
    left.wire.writeBytes(big, 0, BIG_BYTES);
    left.wire.writeText(text);
    left.wire.writeBytes(Buffer.from('end'), 0, 3);
    assert.deepEqual([left.wire.isBackedUp, left.wire.waitingBytes], [true, BIG_BYTES + TEXT_THAT_IS_COPIED + 3]);
    right.wire.resume();
    left.onNews = () => left.wire.end();
    await right.until(() => right.news.includes('ended'));
    await left.until(() => left.news.length > 0);
    assert.ok(Buffer.concat([big, Buffer.from(`${text}end`)]).equals(right.bytes));
    assert.deepEqual([left.news, left.wire.isBackedUp, left.wire.waitingBytes], [['flushed'], false, 0]);
  });

  it('keeps a text that the kernel takes half', async (t) => {
    const [left, right] = await endsOf(t);
    right.wire.pause();
    const piece = 'abcdefghijklmnop'.repeat(500);
    let pieces = 0;
    for (; !left.wire.isBackedUp; pieces++) left.wire.writeText(piece);
    right.wire.resume();
    await left.until(() => left.news.length > 0);
    left.wire.end();
    await right.until(() => right.news.includes('ended'));
    assert.ok(right.text === piece.repeat(pieces));
  });

  it('sends what waits before the end', async (t) => {
    const [left, right] = await endsOf(t);
    right.wire.pause();
    const big = pattern(BIG_BYTES);
    left.wire.writeBytes(big, 0, BIG_BYTES);
    left.wire.end();
    right.wire.resume();
    await right.until(() => right.news.includes('ended'));
    assert.ok(big.equals(right.bytes));
  });

  it('of nothing is nothing', async (t) => {
    const [left] = await endsOf(t);
    left.wire.writeText('');
    left.wire.writeBytes(Buffer.alloc(0), 0, 0);
    await rounds(3);
    assert.deepEqual([left.wire.isBackedUp, left.news], [false, []]);
  });

  it('costs no more garbage than the call into the runtime', COUNTED, async (t) => {
    const [left] = await endsOf(t);
    const bytes = Buffer.alloc(0);
    const whole = bytesPerCall(() => left.wire.writeBytes(bytes, 0, 0), 500, 16);
    const text = bytesPerCall(() => left.wire.writeText(''), 500, 16);
    assert.ok(whole <= 16 && text <= 16, `${whole} B, ${text} B`);
  });
});

describe('an error', () => {
  it('of the peer is reported once, and what is written afterwards is dropped', async (t) => {
    const [left, right] = await endsOf(t);
    left.wire.reset();
    await right.until(() => right.news.length > 0);
    right.wire.writeText('to nobody');
    right.wire.resume();
    await rounds(5);
    assert.deepEqual(right.news, ['ECONNRESET']);
  });

  it('of a write is never reported from within the call', async (t) => {
    const [left] = await endsOf(t);
    left.wire.end();
    left.wire.writeText('after the end');
    left.wire.writeText('and again');
    assert.deepEqual(left.news, []);
    await left.until(() => left.news.length > 0);
    await rounds(5);
    assert.deepEqual(left.news, ['EPIPE']);
  });

  it('of a write behind others that wait is reported too', async (t) => {
    const [left, right] = await endsOf(t);
    right.wire.pause();
    left.wire.writeBytes(pattern(BIG_BYTES), 0, BIG_BYTES);
    left.wire.end();
    left.wire.writeText('after the end');
    await left.until(() => left.news.length > 0);
    assert.deepEqual([left.news, left.wire.waitingBytes], [['EPIPE'], BIG_BYTES]);
  });

  it('of a write that waited is reported once', async (t) => {
    const [left, right] = await endsOf(t);
    right.wire.pause();
    left.wire.pause();
    left.wire.writeBytes(pattern(BIG_BYTES), 0, BIG_BYTES);
    left.wire.writeText('more');
    right.wire.reset();
    await left.until(() => left.news.length > 0);
    await rounds(5);
    assert.deepEqual(left.news, ['ECONNRESET']);
  });

  it("of a write lets the peer's last words be read first, even if they come in the same round of the loop", async (t) => {
    const [left, right] = await endsOf(t);
    const [other, another] = await endsOf(t);
    right.wire.pause();
    left.wire.writeText('what is never read turns the close into a reset');
    another.onNews = () => {
      right.wire.writeText('last words');
      right.wire.reset();
      left.wire.writeText('too late');
    };
    other.wire.writeText('now');
    await left.until(() => left.news.includes('ECONNRESET'));
    assert.deepEqual([left.text, left.news], ['last words', ['received', 'ECONNRESET']]);
  });

  it('is the last that is reported, even if the owner does not close', async (t) => {
    const [left, right] = await endsOf(t);
    left.wire.end();
    left.wire.writeText('after the end');
    await left.until(() => left.news.length > 0);
    left.wire.resume();
    right.wire.writeText('too late');
    right.wire.end();
    await rounds(10);
    assert.deepEqual(left.news, ['EPIPE']);
  });

  it('is not reported to an owner that closes first', async (t) => {
    const [left] = await endsOf(t);
    left.wire.end();
    left.wire.writeText('after the end');
    left.wire.close();
    await rounds(5);
    assert.deepEqual(left.news, []);
  });
});

describe('closing', () => {
  it('drops what waits without a word', async (t) => {
    const [left, right] = await endsOf(t);
    right.wire.pause();
    left.wire.writeBytes(pattern(BIG_BYTES), 0, BIG_BYTES);
    left.wire.end();
    left.wire.close();
    await rounds(5);
    assert.deepEqual([left.news, left.wire.waitingBytes], [[], 0]);
  });

  it('makes every other call one without effect', async (t) => {
    const [left] = await endsOf(t);
    left.wire.close();
    const everything = (): void => {
      left.wire.writeText('text');
      left.wire.writeBytes(Buffer.from('bytes'), 0, 5);
      left.wire.writeSoon(Buffer.from('bytes'), 0, 5);
      left.wire.writeTextSoon('text');
      left.wire.pause();
      left.wire.resume();
      left.wire.end();
      left.wire.reset();
      left.wire.close();
    };
    everything();
    await rounds(5);
    everything();
    assert.deepEqual(left.news, []);
  });

  for (const [name, prepare] of [
    ['a FIN under way', (end: End) => end.wire.end()],
    [
      'a FIN behind bytes that wait',
      (end: End) => {
        end.wire.writeBytes(pattern(BIG_BYTES), 0, BIG_BYTES);
        end.wire.end();
      },
    ],
  ] as const) {
    it(`with a reset leaves no socket open, even with ${name}`, async (t) => {
      await rounds(5);
      const before = openSockets();
      const [left, right] = await endsOf(t);
      right.wire.pause();
      prepare(left);
      left.wire.reset();
      right.wire.close();
      await rounds(5);
      assert.equal(openSockets(), before);
    });
  }

  it('with a reset can be told from an end, also after our own FIN has left', async (t) => {
    const [left, right] = await endsOf(t);
    left.wire.end();
    await right.until(() => right.news.includes('ended'));
    right.wire.writeText('still listening?');
    await left.until(() => left.text !== '');
    left.wire.reset();
    await rounds(3);
    right.wire.writeText('hello?');
    await right.until(() => right.news.length > 1);
    assert.match(right.news.join(), /^ended,(EPIPE|ECONNRESET)$/);
  });
});

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

describe('memory', () => {
  it('of what waits stays as it is, even if nobody refers to it', async (t) => {
    const [left, right] = await endsOf(t);
    right.wire.pause();
    const write = (): WeakRef<Buffer> => {
      const bytes = pattern(BIG_BYTES);
      left.wire.writeBytes(bytes, 0, BIG_BYTES);
      return new WeakRef(bytes);
    };
    const waiting = write();
    for (let i = 0; i < 5; i++) {
      await rounds(2);
      collect();
    }
    assert.notEqual(waiting.deref(), undefined);
    left.wire.end();
    right.wire.resume();
    await right.until(() => right.news.includes('ended'));
    assert.ok(pattern(BIG_BYTES).equals(right.bytes));
  });

  it('of an open wire that nobody refers to stays, and is free once it is closed', async () => {
    const gate = await openGate();
    const open = async (): Promise<{ owner: WeakRef<End>; memory: WeakRef<object>; other: End }> => {
      const [left, right] = await gate.pair();
      const end = new End(left, 65_536);
      return { owner: new WeakRef(end), memory: new WeakRef(end.wire.memory), other: new End(right, 65_536) };
    };
    const { owner, memory, other } = await open();
    gate.close();
    for (let i = 0; i < 5; i++) {
      await rounds(2);
      collect();
    }
    assert.ok(owner.deref() !== undefined && memory.deref() !== undefined);
    owner.deref()?.wire.close();
    other.wire.close();
    for (let i = 0; i < 50 && owner.deref() !== undefined; i++) {
      await rounds(2);
      collect();
    }
    assert.deepEqual([owner.deref(), memory.deref()], [undefined, undefined]);
  });
});

describe('a thread', () => {
  it('can be ended while wires read, write, connect and close', async () => {
    const support = new URL('../../../support/proxy/wires/wires.ts', import.meta.url).href;
    const connect = new URL('../../../../src/proxy/wire/connect.ts', import.meta.url).href;
    const code = `
      const { parentPort } = require('node:worker_threads');
      Promise.all([import(${JSON.stringify(support)}), import(${JSON.stringify(connect)})]).then(async ([wires, { connectTo }]) => {
        const gate = await wires.openGate();
        const ends = [];
        for (let i = 0; i < 8; i++) for (const handle of await gate.pair()) ends.push(new wires.End(handle, 1024));
        ends.forEach(({ wire }, i) => {
          if (i % 4 === 0) wire.writeBytes(Buffer.alloc(8_388_608), 0, 8_388_608);
          if (i % 8 === 0) wire.end();
          if (i % 8 === 4) wire.close();
          if (i % 4 === 1) wire.pause();
        });
        for (let i = 0; i < 4; i++) connectTo('127.0.0.1', gate.port, () => {});
        parentPort.postMessage('ready');
      });`;
    const worker = new Worker(code, { eval: true });
    await new Promise((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
    });
    assert.equal(await worker.terminate(), 1);
  });
});
