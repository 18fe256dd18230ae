import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { suite, test } from 'node:test';
import type { RetryConfig } from '#src/model/config.ts';
import { REASON } from '#src/model/reason.ts';
import { CELL } from '#src/model/tallies.ts';
import { PROBE_RESULT, PROBE_RESULTS } from '#src/model/threads/load/capacity.ts';
import { ResponseHead } from '#src/proxy/http1/response-head.ts';
import { offerProbe, setCapacity } from '#src/snapshot/endpoint-dials.ts';
import { endpointIdOf, type PlaneSketch, readCell } from '../../../support/plane.ts';
import {
  assertQuiet,
  clientOf,
  endpointWord,
  eventually,
  FIRST_CELL,
  oneVersion,
  planeOf,
  ROUTE_CELL,
  reasonCount,
  turningClock,
  upstreamOf,
} from '../../../support/proxy/running.ts';
import { assertEnds, dripping, saying, scene, switching, upgradeRequest } from '../../../support/proxy/upgrade.ts';
import { sendAndClose, statusesOf } from '../../../support/raw.ts';

/** One version with a route that tries again so. */
function retrying(port: number, retry: Partial<RetryConfig>): PlaneSketch {
  return { routes: [{ versions: [{ name: 'v1', ports: [port], weight: 1 }], retry, requestTimeoutMs: 86_400_000 }] };
}

suite('handshake', () => {
  test('the upstream gets the sanitized head with one offer, names and order as the client wrote them', async (t) => {
    const on = await scene(t, saying('HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n'));
    const hop = 'TE: trailers\r\nKeep-Alive: 5\r\nProxy-Authorization: Basic x\r\nX-Forwarded-For: 6.6.6.6\r\n';
    await sendAndClose(on.plane.port, upgradeRequest('/a?b=c', `${hop}x-DuP: 1\r\nCookie: a=b\r\nX-Dup: 2\r\n`));
    const text = on.upstream.received[0] ?? '';
    assert.match(
      text,
      /^GET \/a\?b=c HTTP\/1\.1\r\nHost: a\r\nSec-WebSocket-Key: \S+\r\nSec-WebSocket-Version: 13\r\n/,
    );
    assert.match(text, /13\r\nx-DuP: 1\r\nCookie: a=b\r\nX-Dup: 2\r\nForwarded: for=127\.0\.0\.1;proto=http\r\n/);
    assert.match(text, /\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n$/);
    assert.doesNotMatch(text, /trailers|Keep-Alive|Proxy-Auth|6\.6\.6\.6/);
  });

  test('a handshake that failed before it was answered is tried once more, on another endpoint', async (t) => {
    const good = await upstreamOf(t, (socket) => socket.write(switching()));
    const bad = await upstreamOf(t, (socket) => void socket.resetAndDestroy());
    const plane = await planeOf(t, oneVersion(bad.port, good.port));
    for (let n = 0; n < 6; n++) {
      const client = clientOf(t, plane);
      client.send(upgradeRequest());
      assert.match(await client.until((text) => text.includes('\r\n\r\n')), /^HTTP\/1\.1 101 /);
    }
    await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [good.port, bad.port]);
    assert.deepEqual(readCell(plane, FIRST_CELL), { inFlight: 0, finished: 6, bad: 0, ignored: 0, slow: 0 });
    assert.equal(plane.count(FIRST_CELL, CELL.retries), endpointWord(plane, bad.port, 'bad'));
    assert.ok(endpointWord(plane, bad.port, 'bad') >= 1);
  });

  test('a handshake is tried as often as the route says, however often it could be', async (t) => {
    const upstream = await upstreamOf(t, (socket) => void socket.resetAndDestroy());
    const plane = await planeOf(t, oneVersion(upstream.port));
    assert.deepEqual(statusesOf(await sendAndClose(plane.port, upgradeRequest())), [502]);
    assert.deepEqual([upstream.sockets.length, plane.count(FIRST_CELL, CELL.retries)], [2, 1]);
  });

  test('an attempt has the time that the route gives it, and the next one as well', async (t) => {
    turningClock(t);
    const upstream = await upstreamOf(t, () => undefined);
    const plane = await planeOf(t, retrying(upstream.port, { attemptTimeoutMs: 100 }));
    assert.deepEqual(statusesOf(await sendAndClose(plane.port, upgradeRequest())), [504]);
    await eventually(() => upstream.sockets.length === 2, 'two attempts');
    assert.equal(reasonCount(plane, FIRST_CELL, REASON.responseTimeout), 1);
    await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [upstream.port]);
  });

  test('the second retry waits, and a client that leaves meanwhile ends it', async (t) => {
    const upstream = await upstreamOf(t, (socket) => void socket.resetAndDestroy());
    const plane = await planeOf(t, retrying(upstream.port, { retriesMax: 3, backoffMs: 3_600_000 }));
    const client = clientOf(t, plane);
    client.send(upgradeRequest());
    await eventually(() => plane.count(FIRST_CELL, CELL.retries) === 2, 'the second retry is due');
    await eventually(() => endpointWord(plane, upstream.port, 'inFlight') === 0, 'between two attempts');
    assert.equal(upstream.sockets.length, 2);
    client.socket.destroy();
    await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [upstream.port]);
    assert.equal(reasonCount(plane, FIRST_CELL, REASON.clientClosed), 1);
    assert.equal(plane.plane.listener.connections, 0);
  });

  test('after an interim response that the client has seen there is no other attempt', async (t) => {
    const upstream = await upstreamOf(t, (socket) => {
      socket.write('HTTP/1.1 103 Early Hints\r\n\r\n', () => socket.end());
    });
    const plane = await planeOf(t, oneVersion(upstream.port));
    assert.match(await sendAndClose(plane.port, upgradeRequest()), /^HTTP\/1\.1 103 [^]*HTTP\/1\.1 502 /);
    assert.equal(upstream.sockets.length, 1);
  });

  test('a head that trickles in is looked at as often as it has lines, not bytes', async (t) => {
    const text = `HTTP/1.1 103 Early Hints\r\n\r\n${switching(`A: ${'x'.repeat(500)}\r\n`.repeat(4))}`;
    const on = await scene(t, dripping(text));
    const parse = t.mock.method(ResponseHead.prototype, 'parse');
    const client = clientOf(t, on.plane);
    client.send(upgradeRequest());
    await client.until((received) => /\r\n\r\nHTTP\/1\.1 101 [^]*\r\n\r\n$/.test(received));
    const looks = parse.mock.callCount();
    assert.ok(looks <= 2 * 11 + 2 * 13 + 1, `${looks} looks at ${text.length} bytes`);
  });

  test('a handshake that goes to an endpoint which is out, as all are, is counted there; one that tries it out is its probe', async (t) => {
    const on = await scene(t, saying('HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n'));
    const { port } = on.upstream;
    setCapacity(on.plane.endpointDials, endpointIdOf(port), 0);
    await sendAndClose(on.plane.port, upgradeRequest('/'));
    await eventually(() => endpointWord(on.plane, port, 'finished') === 1, 'the first one has ended');
    assert.deepEqual([endpointWord(on.plane, port, 'panics'), endpointWord(on.plane, port, 'probe')], [1, 0]);
    offerProbe(on.plane.endpointDials, endpointIdOf(port), 5);
    await sendAndClose(on.plane.port, upgradeRequest('/'));
    await eventually(() => endpointWord(on.plane, port, 'finished') === 2, 'the second one has ended');
    const reported = PROBE_RESULTS * 5 + PROBE_RESULT.good;
    assert.deepEqual([endpointWord(on.plane, port, 'panics'), endpointWord(on.plane, port, 'probe')], [1, reported]);
  });

  test('a probe whose answer goes on is reported as answered, and one that is refused is not', async (t) => {
    let head = 'HTTP/1.1 200 Long';
    const on = await scene(t, (socket) => void socket.write(`${head}\r\nContent-Length: 9\r\n\r\nl`));
    const { port } = on.upstream;
    const offer = async (number: number): Promise<void> => {
      setCapacity(on.plane.endpointDials, endpointIdOf(port), 0);
      offerProbe(on.plane.endpointDials, endpointIdOf(port), number);
      const client = clientOf(t, on.plane);
      client.send(upgradeRequest('/'));
      await client.until((text) => text.endsWith('l'));
    };
    await offer(5);
    assert.equal(endpointWord(on.plane, port, 'probe'), PROBE_RESULTS * 5 + PROBE_RESULT.answered);
    head = 'HTTP/1.1 503 Long';
    await offer(6);
    assert.equal(
      endpointWord(on.plane, port, 'probe'),
      PROBE_RESULTS * 5 + PROBE_RESULT.answered,
      'it says nothing yet',
    );
  });

  test('a refusal by the upstream is an answer: relayed, not tried again', async (t) => {
    const on = await scene(t, saying('HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy'));
    assert.match(await sendAndClose(on.plane.port, upgradeRequest()), /^HTTP\/1\.1 503 Busy\r\n[^]*busy$/);
    assert.equal(on.upstream.received.length, 1);
    assert.equal(on.plane.count(FIRST_CELL, CELL.statusClass + 5), 1);
  });

  test('the gateway answers itself where the upstream does not, with its reason', async (t) => {
    const on = await scene(t, saying('junk\r\n\r\n'));
    const text = await sendAndClose(on.plane.port, upgradeRequest('/', 'Accept: text/plain\r\n'));
    assert.deepEqual(statusesOf(text), [502]);
    assert.match(text, /Proxy-Status: sluice; error=http_protocol_error\r\n/);
    assert.match(text, /\r\n\r\n502 .*not an HTTP\/1\.x response\n$/);
  });

  test('a client that leaves while the upstream thinks is ignored, and nobody else is charged for it', async (t) => {
    const on = await scene(t, () => undefined);
    const client = clientOf(t, on.plane);
    client.send(upgradeRequest());
    await eventually(() => on.upstream.sockets.length === 1, 'asked');
    client.socket.destroy();
    await assertQuiet(on.plane, [ROUTE_CELL, FIRST_CELL], [on.upstream.port]);
    assert.equal(reasonCount(on.plane, FIRST_CELL, REASON.clientClosed), 1);
    assert.equal(endpointWord(on.plane, on.upstream.port, 'bad'), 0);
  });

  test('what the upstream sends behind its 101 arrives behind the 101', async (t) => {
    const on = await scene(t, (socket: Socket) => void socket.write(`${switching()}\x81\x02hi`, 'latin1'));
    const client = clientOf(t, on.plane);
    client.send(upgradeRequest());
    assert.match(await client.until((text) => text.endsWith('hi')), /\r\n\r\n\x81\x02hi$/);
    client.socket.destroy();
    await assertEnds(on.plane, { client_abnormal: 1 });
  });
});
