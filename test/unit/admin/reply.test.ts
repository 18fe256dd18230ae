import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import { suite, test } from 'node:test';
import { jsonReply, problemReply, replyHeaders, textReply, whenGone } from '#src/admin/reply.ts';

/** An answer and its socket, which have closed or not. */
function answerOf(isClosed = { response: false, socket: false }) {
  const socket = Object.assign(new EventEmitter(), { destroyed: isClosed.socket });
  const response = Object.assign(new EventEmitter(), { destroyed: isClosed.response, req: { socket } });
  return { socket, response, asResponse: response as unknown as ServerResponse };
}

suite('reply', () => {
  test('a reader that leaves is told of once, by the answer or by its socket, and lets go of a kept connection', () => {
    for (const first of ['response', 'socket'] as const) {
      const { response, socket, asResponse } = answerOf();
      let gone = 0;
      whenGone(asResponse, () => gone++);
      assert.equal(gone, 0);
      ({ response, socket })[first].emit('close');
      response.emit('close');
      socket.emit('close');
      assert.equal(gone, 1, first);
      assert.equal(socket.listenerCount('close') + response.listenerCount('close'), 0);
    }
  });

  test('a reader is told of once, also where its socket closes the answer', () => {
    const { response, socket, asResponse } = answerOf();
    socket.on('close', () => response.emit('close'));
    let gone = 0;
    whenGone(asResponse, () => gone++);
    socket.emit('close');
    assert.equal(gone, 1);
  });

  test('a reader that has left already is told of at once', () => {
    for (const closed of [
      { response: true, socket: false },
      { response: false, socket: true },
    ]) {
      let gone = 0;
      whenGone(answerOf(closed).asResponse, () => gone++);
      assert.equal(gone, 1);
    }
  });

  test('every reply forbids caching, sniffing and embedding, and declares its length in bytes', () => {
    for (const reply of [textReply(200, 'größe\n'), jsonReply({ a: 1 }), problemReply(404, 'no')]) {
      const headers = replyHeaders(reply);
      assert.equal(headers['cache-control'], 'no-store');
      assert.equal(headers['x-content-type-options'], 'nosniff');
      assert.equal(headers['cross-origin-resource-policy'], 'same-origin');
      assert.equal(headers['content-length'], String(Buffer.byteLength(reply.body)));
      assert.equal(headers['access-control-allow-origin'], undefined);
    }
  });

  test('a problem carries status, title and detail, and the headers it was given', () => {
    const reply = problemReply(405, 'This server is read only', { allow: 'GET, HEAD' });
    assert.deepEqual(JSON.parse(reply.body), {
      type: 'about:blank',
      title: 'Method Not Allowed',
      status: 405,
      detail: 'This server is read only',
    });
    assert.equal(replyHeaders(reply)['content-type'], 'application/problem+json');
    assert.equal(replyHeaders(reply)['allow'], 'GET, HEAD');
  });
});
