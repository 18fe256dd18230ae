/** RFC 9110 section 10.1.1, Expect: passed on, answered by whoever can, and never a way to smuggle a body. */
import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { describeRequests } from '../../support/http/conformance/cases.ts';
import type { TestPlane } from '../../support/plane.ts';
import { clientOf, eventually, oneVersion, planeOf, upstreamOf } from '../../support/proxy/running.ts';
import { statusesOf } from '../../support/raw.ts';

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n';

function post(lines: string, minor = 1): string {
  return `POST / HTTP/1.${minor}\r\nHost: a\r\nExpect: 100-continue\r\n${lines}\r\n`;
}

const LENGTH = 'Content-Length: 5\r\n';

interface Scene {
  readonly plane: TestPlane;
  readonly received: () => string;
}

/** A plane whose upstream does as `answer` says whenever it received something. */
async function scene(t: TestContext, answer: (socket: Socket, received: string) => void): Promise<Scene> {
  const upstream = await upstreamOf(t, answer);
  return { plane: await planeOf(t, oneVersion(upstream.port)), received: () => upstream.received.join('') };
}

describeRequests('10.1.1: an expectation is refused', [
  ...['200-ok', '100-continue, x', '100-continue;a=b', '"100-continue"', ''].map((value) => ({
    name: JSON.stringify(value),
    bytes: `POST / HTTP/1.1\r\nHost: a\r\nExpect: ${value}\r\nContent-Length: 0\r\n\r\n`,
    refused: 417,
  })),
]);

describe('10.1.1: 100-continue', () => {
  it('reaches the upstream, whose 100 reaches the client, whose body reaches the upstream', async (t) => {
    const { plane, received } = await scene(t, (socket, text) => {
      if (text.endsWith('\r\n\r\n')) socket.write(CONTINUE);
      else if (text.endsWith('hello')) socket.write(OK);
    });
    const client = clientOf(t, plane);
    client.send(post(LENGTH));
    await client.until((text) => text === CONTINUE);
    assert.match(received(), /\r\nExpect: 100-continue\r\n/);
    client.send('hello');
    await client.until((text) => text.endsWith('ok'));
    client.send('GET /next HTTP/1.1\r\nHost: a\r\n\r\n');
    await eventually(() => received().includes('GET /next'), 'the connection goes on');
  });

  it('is no reason to wait: a body that comes at once is sent on at once', async (t) => {
    const { plane } = await scene(t, (socket, text) => {
      if (text.endsWith('hello')) socket.write(CONTINUE + OK);
    });
    const client = clientOf(t, plane);
    client.send(`${post(LENGTH)}hello`);
    const received = await client.until((text) => text.endsWith('ok'));
    assert.equal(received.match(/100 Continue/g)?.length, 1);
  });

  it('answered by a final response closes the connection: what follows is neither body nor request', async (t) => {
    const { plane, received } = await scene(t, (socket, text) => {
      if (text.endsWith('\r\n\r\n')) socket.write(OK.replace('200 OK', '413 No'));
    });
    const client = clientOf(t, plane);
    client.send(post('Content-Length: 44\r\n'));
    await client.until((text) => text.endsWith('ok'));
    client.send('GET /smuggled HTTP/1.1\r\nHost: a\r\nX: 12345\r\n\r\n');
    const all = await client.closed();
    assert.deepEqual(statusesOf(all), [413]);
    assert.match(all, /\r\nConnection: close\r\n/);
    assert.doesNotMatch(received(), /smuggled/);
  });

  it('of a request without a body needs no 100', async (t) => {
    const { plane } = await scene(t, (socket) => socket.write(OK));
    const client = clientOf(t, plane);
    client.send(post('Content-Length: 0\r\n'));
    await client.until((text) => text.endsWith('ok'));
    client.send('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    assert.deepEqual(statusesOf(await client.closed()), [200, 200]);
  });

  it('of HTTP/1.0 gets no 100: that version knows none', async (t) => {
    const { plane } = await scene(t, (socket, text) => {
      if (text.endsWith('\r\n\r\n')) socket.write(CONTINUE);
      if (text.endsWith('hello')) socket.write(OK);
    });
    const client = clientOf(t, plane);
    client.send(`${post(LENGTH, 0)}`);
    await eventually(() => client.socket.bytesWritten > 0, 'the head is sent');
    client.send('hello');
    const received = await client.closed();
    assert.doesNotMatch(received, /100 Continue/);
    assert.deepEqual(statusesOf(received), [200]);
  });
});
