import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import { AnswerReader, openLines, type SocketLine } from '../../../../../bench/macro/load/lines.ts';

const ANSWER = 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\nX-A: b\r\n\r\nhello';

describe('AnswerReader', () => {
  test('sees the end of an answer wherever it was cut', () => {
    for (let cut = 0; cut <= ANSWER.length; cut++) {
      const reader = new AnswerReader();
      for (let turn = 0; turn < 2; turn++) {
        const [first, second] = [ANSWER.slice(0, cut), ANSWER.slice(cut)].map((part) => Buffer.from(part));
        const isDone = [first, second].map((part) => part !== undefined && part.length > 0 && reader.take(part));
        assert.deepEqual(isDone, cut === ANSWER.length ? [true, false] : [false, true], `cut at ${cut}`);
      }
    }
  });

  test('takes an empty body', () => {
    assert.equal(new AnswerReader().take(Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')), true);
  });

  test('refuses another status, an unknown length and too many bytes', () => {
    const take = (text: string) => () => new AnswerReader().take(Buffer.from(text));
    assert.throws(take('HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n'), /answered HTTP\/1\.1 503 Busy/);
    assert.throws(take('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'), /without Content-Length/);
    assert.throws(take(`${ANSWER}!`), /1 bytes more/);
  });
});

/** A server that does this with each connection. */
async function serverOf(t: TestContext, onConnection: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    onConnection(socket);
  }).listen(0, '127.0.0.1');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

describe('openLines', () => {
  test('opens every connection with a request of its own and carries answers over it again and again', async (t) => {
    const seen: string[] = [];
    const port = await serverOf(t, (socket) => {
      socket.on('data', (chunk) => {
        seen.push(chunk.toString());
        socket.write(ANSWER);
      });
    });
    const answered: SocketLine[] = [];
    const { promise: isDone, resolve } = Promise.withResolvers<void>();
    const lines = await openLines(port, 100, (index) => `request ${index}`, {
      onAnswer: (line) => {
        answered.push(line);
        if (answered.length <= 100) line.send();
        if (answered.length === 200) resolve();
      },
      onFault: (message) => assert.fail(message),
    });
    t.after(() => lines.forEach((line) => line.end()));
    assert.equal(lines.length, 100);
    for (const line of lines) line.send();
    await isDone;
    assert.equal(new Set(answered).size, 100);
    assert.equal(new Set(seen).size, 100);
    assert.equal(seen.length, 200);
  });

  test('tells of a bad answer and of a lost connection once, and of its own end not at all', async (t) => {
    let turn = 0;
    const port = await serverOf(t, (socket) => {
      turn += 1;
      if (turn === 1) socket.on('data', () => socket.end('HTTP/1.1 500 No\r\n\r\n'));
      else if (turn === 2) socket.on('data', () => socket.destroy());
    });
    const faults: string[] = [];
    const { promise: bothFaults, resolve } = Promise.withResolvers<void>();
    const lines = await openLines(port, 3, () => 'x', {
      onAnswer: () => assert.fail('nothing was answered well'),
      onFault: (message) => {
        faults.push(message);
        if (faults.length === 2) resolve();
      },
    });
    for (const line of lines) line.send();
    await bothFaults;
    for (const line of lines) line.end();
    await new Promise((done) => setImmediate(done));
    assert.equal(faults.length, 2);
    assert.ok(faults.some((fault) => fault.includes('500 No')));
  });
});
