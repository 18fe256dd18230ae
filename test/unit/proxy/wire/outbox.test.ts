/** The outbox: who sends when, and what stands where until then; and what a wire writes by it. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
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
    assert.equal(outbox.putText(one, 'zw\xf6lf'), 3);
    assert.equal(outbox.put(one, Buffer.from('!'), 0, 1), 8);
    assert.equal(outbox.bytes.toString('latin1', 0, 9), 'onezw\xf6lf!');
    for (let i = 0; i < 3; i++) outbox.putText(one, 'y'.repeat(SMALL_BYTES));
    assert.deepEqual(one.sent, []);
    assert.equal(outbox.putText(one, 'y'.repeat(SMALL_BYTES)), 0);
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

  it('puts nothing any more into memory that was given up', () => {
    const outbox = new Outbox();
    const one = putting(outbox);
    one.put('one');
    const { bytes } = outbox;
    const before = Buffer.from(bytes);
    outbox.giveUp(bytes);
    one.put('two');
    assert.ok(bytes.equals(before));
    assert.notEqual(outbox.bytes, bytes);
    const now = outbox.bytes;
    outbox.giveUp(bytes);
    assert.equal(outbox.bytes, now);
    outbox.flush();
    assert.deepEqual(one.sent, ['one', 'two']);
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
