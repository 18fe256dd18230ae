/** Pins what is relied on below the public interface of `node:net`, on whichever Node this runs. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { suite, type TestContext, test } from 'node:test';
import { takeOver } from '#src/proxy/upgrade/take-over.ts';
import type { Handle } from '#src/proxy/wire/binding.ts';
import { eventually } from '../../../support/proxy/running.ts';
import { type End, endsOf } from '../../../support/proxy/wires/wires.ts';

const NOTHING = Buffer.alloc(0);

/** The socket that takes over what `end` released, reading. */
function taken(t: TestContext, end: End, early = NOTHING): { readonly socket: Socket; readonly text: () => string } {
  const socket = takeOver(end.wire.release() as Handle, early);
  t.after(() => socket.destroy());
  let text = '';
  socket.on('data', (bytes: Buffer) => {
    text += bytes.toString('latin1');
  });
  return { socket, text: () => text };
}

suite('take-over', () => {
  test('a connection goes on where it was, both ways, and its wire hears nothing more', async (t) => {
    const [peer, end] = await endsOf(t);
    peer.wire.writeText('first');
    await end.until(() => end.text === 'first');
    const { socket, text } = taken(t, end);
    peer.wire.writeText('next');
    await eventually(() => text() === 'next', 'what came next');
    socket.write('hello');
    await peer.until(() => peer.text === 'hello');
    peer.wire.end();
    await once(socket, 'end');
    assert.deepEqual(end.news, ['received']);
    assert.equal(end.text, 'first');
  });

  test('bytes that were received and not understood come first', async (t) => {
    const [peer, end] = await endsOf(t);
    const { text } = taken(t, end, Buffer.from('early'));
    peer.wire.writeText(' and later');
    await eventually(() => text() === 'early and later', 'both');
  });

  test('a FIN that came while nobody read is seen', async (t) => {
    const [peer, end] = await endsOf(t);
    end.wire.pause();
    peer.wire.writeText('last');
    peer.wire.end();
    const { socket, text } = taken(t, end);
    await once(socket, 'end');
    assert.equal(text(), 'last');
  });

  test('within a read it can be asked for the next tick', async (t) => {
    const [peer, end] = await endsOf(t);
    const socket = new Promise<Socket>((resolve) => {
      end.onNews = (): void => {
        const handle = end.wire.release() as Handle;
        process.nextTick(() => resolve(takeOver(handle, NOTHING)));
      };
    });
    peer.wire.writeText('first');
    const owner = await socket;
    t.after(() => owner.destroy());
    peer.wire.writeText('next');
    const [bytes] = (await once(owner, 'data')) as [Buffer];
    assert.equal(bytes.toString(), 'next');
  });

  test('a stream that is full stops the peer, and goes on when it is read', async (t) => {
    const [peer, end] = await endsOf(t);
    const socket = takeOver(end.wire.release() as Handle, NOTHING);
    t.after(() => socket.destroy());
    const bytes = Buffer.alloc(20_000_000);
    peer.wire.writeBytes(bytes, 0, bytes.length);
    await eventually(() => socket.readableLength >= socket.readableHighWaterMark, 'the stream is full');
    assert.ok(peer.wire.isBackedUp);
    assert.ok(socket.readableLength <= 131_072, `${socket.readableLength} bytes are held`);
    let received = 0;
    socket.on('data', (part: Buffer) => {
      received += part.length;
    });
    await eventually(() => received === bytes.length, 'all of it');
  });

  test('a wire that is closed or broken has nothing to hand over', async (t) => {
    const [peer, end] = await endsOf(t);
    peer.wire.reset();
    await end.until(() => end.news.includes('ECONNRESET'));
    assert.equal(end.wire.release(), null);
    end.wire.close();
    assert.equal(end.wire.release(), null);
    assert.equal(peer.wire.release(), null);
  });
});
