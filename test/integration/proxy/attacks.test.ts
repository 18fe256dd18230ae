/** Attacks on the state of connections: what a hostile or broken peer does to its own exchange stays with its own exchange. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DIALS_MAX } from '#src/model/tallies.ts';
import { createStandings } from '#src/model/threads/load/standing.ts';
import { Workers } from '#src/proxy/threads/workers.ts';
import { createEndpointDials } from '#src/snapshot/endpoint-dials.ts';
import { createLatencyDials } from '#src/snapshot/latency-dials.ts';
import { blackholeOf } from '../../support/http/blackhole.ts';
import { readCell, sketchSnapshot } from '../../support/plane.ts';
import {
  assertQuiet,
  clientOf,
  eventually,
  FIRST_CELL,
  GET,
  getOf,
  OK,
  oneVersion,
  perHead,
  planeOf,
  ROUTE_CELL,
  settled,
  upstreamOf,
} from '../../support/proxy/running.ts';
import { type RawClient, sendAndClose, statusesOf } from '../../support/raw.ts';

const CLOSE = 'Connection: close\r\n';
/** What an upstream connection reads at once. */
const READ_BYTES = 65_536;
const MIB = 1_048_576;

/** An answer of exactly `bytes` bytes, head included. */
function answerOf(bytes: number, fill = 'x'): string {
  const head = (length: number): string =>
    `HTTP/1.1 200 OK\r\nContent-Length: ${String(length).padStart(9, '0')}\r\n\r\n`;
  const length = bytes - head(0).length;
  return head(length) + fill.repeat(length);
}

describe('a client that pipelines and reads late', () => {
  it('gets every answer, also one whose head came alone while older answers still waited', async (t) => {
    const small = answerOf(16_000);
    const upstream = await upstreamOf(
      t,
      perHead((socket, path) => {
        if (path === '/small') socket.write(small);
        else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n', () => setImmediate(() => socket.write('ok')));
      }),
    );
    const plane = await planeOf(t, oneVersion(upstream.port));
    const client = clientOf(t, plane);
    client.socket.pause();
    const pairs = 1000;
    client.send((getOf('/small') + getOf('/split')).repeat(pairs) + getOf('/split', CLOSE));
    await settled(() => upstream.received.join('').split('GET ').length, 100);
    client.socket.resume();
    assert.equal(statusesOf(await client.closed()).length, 2 * pairs + 1);
    await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [upstream.port]);
  });

  it('gets the whole last answer however late it reads', async (t) => {
    let answered = 0;
    const upstream = await upstreamOf(
      t,
      perHead((socket) => {
        answered++;
        socket.write(answerOf(16_000));
      }),
    );
    const plane = await planeOf(t, oneVersion(upstream.port));
    const probe = clientOf(t, plane);
    probe.socket.pause();
    probe.send(GET.repeat(2000));
    // So many answers fit into the kernel and what the gateway holds back at the most; the last of them wait in the gateway.
    let count = (await settled(() => answered, 50)) - 8;
    probe.socket.destroy();
    // The kernel may give the next connection less.
    let client = clientOf(t, plane);
    for (; count > 0; count -= 4, client.socket.destroy(), client = clientOf(t, plane)) {
      client.socket.pause();
      const before = readCell(plane, FIRST_CELL).finished;
      client.send(GET.repeat(count - 1) + getOf('/', CLOSE));
      if ((await settled(() => readCell(plane, FIRST_CELL).finished - before, 1)) >= count) break;
    }
    assert.ok(count > 0, 'all are answered');
    await new Promise((resolve) => setTimeout(resolve, 2500));
    client.socket.resume();
    const received = await client.closed();
    assert.equal(statusesOf(received).length, count);
    assert.ok(received.endsWith('x'.repeat(1000)));
  });
});

describe('an upstream that sends more than it announced', () => {
  const poison = 'HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison';

  for (const [name, bytes] of [
    ['within one read', 1000],
    ['exactly where a read ends', READ_BYTES],
    ['where the second read ends', 2 * READ_BYTES],
  ] as const) {
    it(`${name} does not answer the next request on that connection`, async (t) => {
      const upstream = await upstreamOf(
        t,
        perHead((socket, path) => socket.write(path === '/long' ? answerOf(bytes) + poison : OK)),
      );
      const plane = await planeOf(t, { ...oneVersion(upstream.port), limits: { endpointConnectionsMax: 1 } });
      const victims: RawClient[] = [];
      const attacker = clientOf(t, plane);
      attacker.send(getOf('/long'));
      for (let n = 0; n < 3; n++) {
        const victim = clientOf(t, plane);
        victims.push(victim);
        victim.send(getOf('/victim', CLOSE));
      }
      for (const victim of victims) assert.doesNotMatch(await victim.closed(), /poison/);
      await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [upstream.port]);
    });
  }

  it('while its reader is slow does not answer the next request either', async (t) => {
    let asked = 0;
    const upstream = await upstreamOf(
      t,
      perHead((socket, path) => {
        asked++;
        if (path === '/long') socket.write(answerOf(60_000));
        else setTimeout(() => socket.write(OK), 50);
      }),
    );
    const plane = await planeOf(t, { ...oneVersion(upstream.port), limits: { endpointConnectionsMax: 1 } });
    const attacker = clientOf(t, plane);
    attacker.socket.pause();
    attacker.send(getOf('/long').repeat(500));
    // No next request comes: the reader is so far behind that the last answer is not handed over yet.
    assert.ok((await settled(() => asked, 1, 100)) < 500);
    upstream.sockets[0]?.write(poison);
    const victim = clientOf(t, plane);
    victim.send(getOf('/victim', CLOSE));
    await eventually(() => readCell(plane, FIRST_CELL).inFlight === 2, 'the victim waits for the connection');
    attacker.socket.resume();
    const received = await victim.closed();
    assert.doesNotMatch(received, /poison/);
    assert.deepEqual(statusesOf(received), [200]);
    attacker.socket.destroy();
    await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [upstream.port]);
  });
});

describe('what a client is told about a failure', () => {
  it('names no address of the inside', async (t) => {
    const port = await blackholeOf(t);
    const plane = await planeOf(t, { ...oneVersion(port), timeouts: { connectMs: 60 } });
    const received = await sendAndClose(plane.port, getOf('/', CLOSE));
    assert.deepEqual(statusesOf(received), [504]);
    // Ids have digits, too.
    assert.doesNotMatch(received, new RegExp(`127\\.0\\.0\\.1|\\b${port}\\b`));
  });
});

describe('draining', () => {
  const CONNECT_MS = 240_000;

  it('does not wait for a connection that nobody wants any more', async (t) => {
    const port = await blackholeOf(t);
    const dials = new SharedArrayBuffer(DIALS_MAX * 4);
    new Int32Array(dials).fill(1);
    const workers = new Workers({
      file: new URL('../../../src/compose/worker.ts', import.meta.url),
      count: 1,
      listeners: [{ host: '127.0.0.1', port: 0 }],
      dials,
      endpointDials: createEndpointDials().buffer,
      latencyDials: createLatencyDials().buffer,
      standings: createStandings().buffer,
      snapshot: sketchSnapshot({ ...oneVersion(port), timeouts: { connectMs: CONNECT_MS } }),
      died: () => undefined,
    });
    t.after(() => workers.stop());
    const client = clientOf(t, { port: (await workers.start())[0] ?? 0 });
    client.send(GET);
    await eventually(() => workers.regions()[0]?.tallies.cells[0] === 1, 'the request is under way');
    client.socket.destroy();
    await eventually(() => workers.regions()[0]?.tallies.cells[0] === 0, 'the client left');
    const patience = new Promise((_resolve, reject) => {
      setTimeout(() => reject(new Error('the worker still waits for it')), CONNECT_MS / 2).unref();
    });
    await Promise.race([workers.drain(), patience]);
  });
});

describe('many clients that stop reading', () => {
  it('hold nobody up', async (t) => {
    const upstream = await upstreamOf(
      t,
      perHead((socket, path) => socket.write(path === '/big' ? answerOf(8 * MIB) : OK)),
    );
    const plane = await planeOf(t, oneVersion(upstream.port));
    const readers = Array.from({ length: 20 }, () => clientOf(t, plane));
    for (const reader of readers) {
      reader.socket.pause();
      reader.send(getOf('/big'));
    }
    await eventually(() => readCell(plane, FIRST_CELL).inFlight === 20, 'all have asked');
    for (let n = 0; n < 20; n++) {
      assert.deepEqual(statusesOf(await sendAndClose(plane.port, getOf('/small', CLOSE))), [200]);
    }
    for (const reader of readers) reader.socket.destroy();
    await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [upstream.port]);
  });
});
