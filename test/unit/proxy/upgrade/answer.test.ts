import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { suite, test } from 'node:test';
import { Answer } from '#src/proxy/upgrade/answer.ts';
import { bench, exchangeOn, readResponse } from '../../../support/proxy/parts.ts';

interface Scene {
  readonly answer: Answer;
  readonly text: () => string;
  take(bytes: string): string;
}

/** @param isStuck the client takes nothing */
function scene(head: string, isStuck = false): Scene {
  let text = '';
  const client = new Duplex({
    read: () => undefined,
    highWaterMark: 64,
    write(bytes: Buffer, _encoding, done) {
      text += bytes.toString('latin1');
      if (!isStuck) done();
    },
  });
  const answer = new Answer(exchangeOn(bench()), readResponse(head), client as unknown as Socket, () => undefined);
  return { answer, text: () => text, take: (bytes) => answer.take(Buffer.from(bytes, 'latin1'), 0) };
}

const DATE = 'Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n';
const OWN = 'Connection: close\r\nVia: 1.1 sluice\r\n\r\n';

suite('answer', () => {
  test('a body of known length goes through as it is', () => {
    const on = scene('HTTP/1.1 401 No\r\nContent-Length: 4\r\n\r\n');
    assert.equal(on.take('fo'), 'more');
    assert.equal(on.take('ur'), 'complete');
    assert.equal(on.text(), `HTTP/1.1 401 No\r\nContent-Length: 4\r\n${DATE}${OWN}four`);
  });

  test('a chunked body is cut out and framed anew, without extensions and trailers', () => {
    const on = scene('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
    assert.equal(on.take('2;x=y\r\nab\r\n1\r\nc\r\n'), 'more');
    assert.equal(on.take('0\r\nX-Trailer: 1\r\n\r\n'), 'complete');
    assert.equal(on.text(), `HTTP/1.1 200 OK\r\n${DATE}Transfer-Encoding: chunked\r\n${OWN}3\r\nabc\r\n0\r\n\r\n`);
  });

  test('a body that ends with its connection is complete when that ends, any other is not', () => {
    const open = scene('HTTP/1.1 200 OK\r\n\r\n');
    assert.equal(open.take('all'), 'more');
    assert.equal(open.answer.endWithConnection(), true);
    assert.match(open.text(), /\r\n\r\n3\r\nall\r\n0\r\n\r\n$/);
    const counted = scene('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n');
    assert.equal(counted.take('some'), 'more');
    assert.equal(counted.answer.endWithConnection(), false);
  });

  test('broken framing is told, after what was sound', () => {
    const on = scene('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
    assert.equal(on.take('1\r\nab'), 'broken');
    assert.match(on.text(), /\r\n\r\n1\r\na\r\n$/);
  });

  test('a response that has no body is complete at once', () => {
    for (const head of ['HTTP/1.1 204 No\r\n\r\n', 'HTTP/1.1 304 No\r\nContent-Length: 5\r\n\r\n']) {
      const on = scene(head);
      assert.equal(on.take(''), 'complete');
      assert.match(on.text(), /\r\n\r\n$/);
    }
  });

  test('a client that takes nothing is noticed', () => {
    const on = scene('HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n', true);
    on.take('x'.repeat(100));
    assert.equal(on.answer.isBackedUp, true);
  });
});
