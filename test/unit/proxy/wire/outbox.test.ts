/** The outbox: who sends when, and what stands where until then; and what a wire writes by it. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readMemory, reserve, whole } from '#src/proxy/wire/memory/memory.ts';
import { Outbox, type Sender, SMALL_BYTES } from '#src/proxy/wire/outbox.ts';
import { type End, endsOf, rounds } from '../../../support/proxy/wires/wires.ts';

interface Putting extends Sender {
  /** What it has sent. */
  readonly sent: string[];
  put(text: string): void;
}

/** Somebody who puts texts down and sends them when it is told, once each. */
function putting(outbox: Outbox, log: string[] = []): Putting {
  const waiting: { readonly bytes: Buffer; readonly at: number; readonly end: number }[] = [];
  const sent: string[] = [];
  return {
    sent,
    put(text) {
      const bytes = Buffer.from(`-${text}-`, 'latin1');
      const at = outbox.put(this, bytes, 1, bytes.length - 1);
      bytes.fill('x');
      waiting.push({ bytes: outbox.bytes, at, end: at + text.length });
    },
    flush() {
      for (const { bytes, at, end } of waiting.splice(0)) {
        const text = bytes.toString('latin1', at, end);
        sent.push(text);
        log.push(text);
      }
    },
  };
}

describe('the outbox', () => {
  it('has all who put something down send it at the end of the round, in their order', async () => {
    const outbox = new Outbox();
    const log: string[] = [];
    const [a, b] = [putting(outbox, log), putting(outbox, log)];
    for (const [round, expected] of [
      ['1', ['a1', 'b1']],
      ['2', ['a1', 'b1', 'a2', 'b2']],
    ] as const) {
      a.put(`a${round}`);
      b.put(`b${round}`);
      assert.equal(log.length, expected.length - 2);
      await rounds(1);
      assert.deepEqual(log, expected);
    }
  });

  it('has those who keep what they send themselves send it among the others', async () => {
    const outbox = new Outbox();
    const log: string[] = [];
    const one = putting(outbox, log);
    const other: Sender = { flush: () => void log.push('other') };
    outbox.join(other);
    one.put('one');
    outbox.join(other);
    assert.deepEqual(log, []);
    await rounds(1);
    assert.deepEqual(log, ['other', 'one', 'other']);
    await rounds(1);
    assert.equal(log.length, 3);
  });

  it('takes texts as well, each behind what was put there before', () => {
    const outbox = new Outbox();
    const one = putting(outbox);
    one.put('one');
    const at = outbox.putText(one, 'zw\xf6lf') - 3;
    assert.equal(outbox.put(one, Buffer.from('!'), 0, 1), at + 8);
    assert.equal(outbox.bytes.toString('latin1', at, at + 9), 'onezw\xf6lf!');
    for (let i = 0; i < 3; i++) outbox.putText(one, 'y'.repeat(SMALL_BYTES));
    assert.deepEqual(one.sent, []);
    assert.equal(outbox.putText(one, 'y'.repeat(SMALL_BYTES)), at);
    assert.deepEqual(one.sent, ['one'], 'no room was left');
  });

  it('does not wait for the end of the round when it is full', () => {
    const outbox = new Outbox();
    const one = putting(outbox);
    let count = 0;
    for (; one.sent.length === 0; count++) one.put('y'.repeat(SMALL_BYTES));
    assert.deepEqual([count, one.sent.length], [5, 4]);
    outbox.flush();
    assert.deepEqual(
      one.sent,
      Array.from({ length: 5 }, () => 'y'.repeat(SMALL_BYTES)),
    );
  });

  it('takes what stands in the thread’s memory as it takes other bytes', () => {
    const outbox = new Outbox();
    const one = putting(outbox);
    const at = reserve(16);
    whole.write('-there-', at, 'latin1');
    readMemory.write('-read-', 7, 'latin1');
    const first = outbox.put(one, whole, at + 1, at + 6);
    outbox.put(one, readMemory, 8, 12);
    assert.equal(outbox.bytes.toString('latin1', first, first + 9), 'thereread');
  });

  it('puts nothing any more into memory that was given up, until no write waits for it', () => {
    const outbox = new Outbox();
    const one = putting(outbox);
    const at = outbox.putText(one, 'one');
    const given = (): string => whole.toString('latin1', at, at + 3);
    outbox.giveUp(outbox.bytes, at);
    const next = outbox.putText(one, 'two');
    outbox.giveUp(whole, at + 1);
    assert.equal(outbox.putText(one, 'six'), next + 3, 'what was given up already is not what it puts into');
    outbox.flush();
    const part = whole.subarray(at, at + 1);
    outbox.takeBack(part);
    assert.notEqual(outbox.putText(one, 'ten'), at);
    outbox.takeBack(part);
    assert.equal(given(), 'one', 'one still has to send it');
    outbox.giveUp(outbox.bytes, next);
    assert.notEqual(outbox.putText(one, 'not'), at);
    outbox.flush();
    outbox.giveUp(outbox.bytes, outbox.putText(one, 'now'));
    assert.equal(outbox.putText(one, 'new'), at, 'now it is free');
    outbox.takeBack(Buffer.alloc(1));
    outbox.takeBack(readMemory.subarray(0, 1));
  });

  it('keeps a place whose write is done while another begins to wait for it in the same round', () => {
    const outbox = new Outbox();
    const one = putting(outbox);
    const at = outbox.putText(one, 'one');
    outbox.giveUp(whole, at);
    const part = whole.subarray(at, at + 1);
    outbox.takeBack(part);
    outbox.giveUp(whole, at + 1);
    outbox.flush();
    for (let n = 0; n < 3; n++) {
      const next = outbox.putText(one, 'next');
      assert.notEqual(next, at);
      outbox.giveUp(outbox.bytes, next);
      outbox.flush();
    }
    outbox.takeBack(part);
    assert.equal(outbox.putText(one, 'again'), at);
    outbox.giveUp(whole, at);
    assert.notEqual(outbox.putText(one, 'other'), at, 'it is one place, not two');
    assert.notEqual(outbox.putText(one, 'other'), at);
  });

  it('has memory of its own while all that the thread has is given up, and no longer', () => {
    const outbox = new Outbox();
    const one = putting(outbox);
    const given: number[] = [];
    for (let at = outbox.putText(one, 'a'); outbox.bytes === whole; at = outbox.putText(one, 'a')) {
      given.push(at);
      outbox.giveUp(outbox.bytes, at);
      outbox.flush();
    }
    const own = outbox.bytes;
    one.put('b');
    outbox.flush();
    assert.deepEqual(one.sent, ['b']);
    one.put('c');
    assert.equal(outbox.bytes, own, 'it is used again');
    outbox.giveUp(own, 0);
    one.put('d');
    assert.notEqual(outbox.bytes, own);
    assert.notEqual(outbox.bytes, whole);
    outbox.flush();
    for (const at of given) outbox.takeBack(whole.subarray(at, at + 1));
    one.put('e');
    assert.equal(outbox.bytes, whole);
    outbox.flush();
    assert.deepEqual(one.sent, ['b', 'c', 'd', 'e']);
  });

  it('forgets who has sent', async () => {
    const outbox = new Outbox();
    const one = putting(outbox);
    let flushes = 0;
    const flush = one.flush.bind(one);
    one.flush = () => {
      flushes++;
      flush();
    };
    one.put('once');
    await rounds(3);
    outbox.flush();
    assert.deepEqual([flushes, one.sent], [1, ['once']]);
  });
});

describe('writing soon on a wire', () => {
  it('is over at the end of the round, whatever becomes of the bytes until then', async (t) => {
    const [left, right] = await endsOf(t);
    const bytes = Buffer.from('not soon not');
    assert.equal(left.wire.writeSoon(bytes, 4, 8), true);
    bytes.fill('x');
    await right.until(() => right.text === 'soon');
    await rounds(3);
    assert.deepEqual([left.wire.isBackedUp, left.news], [false, []]);
  });

  it('sends a text as its bytes, at the end of the round unless it is long', async (t) => {
    const [left, right] = await endsOf(t);
    left.wire.writeTextSoon('zw\xf6lf');
    assert.equal(left.wire.bytesSent, 5);
    left.wire.writeTextSoon('y'.repeat(SMALL_BYTES + 1));
    left.wire.writeTextSoon('.');
    await right.until(() => right.text.endsWith('.'));
    assert.equal(right.text, `zw\xf6lf${'y'.repeat(SMALL_BYTES + 1)}.`);
    left.wire.close();
    left.wire.writeTextSoon('nothing');
    await rounds(3);
    assert.deepEqual(left.news, []);
  });

  it('has nothing come before it that is written or asked for afterwards', async (t) => {
    const last: readonly ((end: End) => void)[] = [
      ({ wire }) => wire.writeText('.'),
      ({ wire }) => wire.writeBytes(Buffer.from('.'), 0, 1),
      ({ wire }) => void wire.writeSoon(Buffer.from('.'), 0, 1),
      ({ wire }) => wire.writeTextSoon('.'),
      ({ wire }) => void wire.writeSoon(Buffer.alloc(SMALL_BYTES + 1, '.'), 0, SMALL_BYTES + 1),
      ({ wire }) => wire.end(),
      ({ wire }) => wire.close(),
      ({ wire }) => {
        wire.release()?.close();
      },
    ];
    for (const then of last) {
      const [left, right] = await endsOf(t);
      left.wire.writeSoon(Buffer.from('1'), 0, 1);
      left.wire.writeTextSoon('2');
      then(left);
      left.wire.end();
      await right.until(() => right.news.includes('ended'));
      assert.match(right.text, /^12\.*$/);
    }
  });

  it('is known to be backed up when it is asked, and then its bytes stay where they are', async (t) => {
    const [left, right] = await endsOf(t);
    right.wire.pause();
    const piece = Buffer.from(Array.from({ length: SMALL_BYTES }, (_, i) => (i * 31 + (i >> 8)) & 255));
    let pieces = 0;
    let isFree = true;
    for (; !left.wire.isBackedUp; pieces++) isFree = left.wire.writeSoon(piece, 0, piece.length);
    // The last one was taken before it was known that the kernel would not have all of it.
    assert.equal(isFree, true);
    assert.equal(left.wire.writeSoon(piece, 0, piece.length), false);
    const [other] = await endsOf(t);
    for (let i = 0; i < 20; i++) other.wire.writeSoon(Buffer.alloc(SMALL_BYTES, 'x'), 0, SMALL_BYTES);
    right.wire.resume();
    await left.until(() => left.news.includes('flushed'));
    left.wire.end();
    await right.until(() => right.news.includes('ended'));
    assert.ok(right.bytes.equals(Buffer.concat(Array.from({ length: pieces + 1 }, () => piece))));
  });

  it('copies what stands in the thread’s memory, also when it is backed up', async (t) => {
    const [left, right] = await endsOf(t);
    right.wire.pause();
    const at = reserve(SMALL_BYTES);
    const expected: Buffer[] = [];
    const put = (n: number): void => {
      const piece = Buffer.alloc(SMALL_BYTES, `piece ${n}, `);
      piece.copy(whole, at);
      expected.push(piece);
      assert.equal(left.wire.writeSoon(whole, at, at + SMALL_BYTES), true);
      whole.fill('x', at, at + SMALL_BYTES);
    };
    for (let n = 0; !left.wire.isBackedUp; n++) put(n);
    for (let n = 0; n < 5; n++) put(1_000_000 + n);
    right.wire.resume();
    await left.until(() => left.news.includes('flushed'));
    left.wire.end();
    await right.until(() => right.news.includes('ended'));
    assert.ok(right.bytes.equals(Buffer.concat(expected)));
  });

  it('counts as sent at once', async (t) => {
    const [left] = await endsOf(t);
    left.wire.writeText('1');
    left.wire.writeSoon(Buffer.from('23'), 0, 2);
    assert.equal(left.wire.bytesSent, 3);
    await rounds(2);
    assert.equal(left.wire.bytesSent, 3);
  });

  it('reports its error later, as any write does', async (t) => {
    const [left] = await endsOf(t);
    left.wire.end();
    assert.equal(left.wire.writeSoon(Buffer.from('after the end'), 0, 13), true);
    assert.deepEqual(left.news, []);
    await left.until(() => left.news.length > 0);
    await rounds(5);
    assert.deepEqual(left.news, ['EPIPE']);
  });
});
