/** Copies for a mirror: complete, bounded, counted, and without any effect on whoever sent the original. */

import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { CELL, CELL_WORDS, ENDPOINT_WORDS } from '#src/model/tallies.ts';
import { COPIES_MAX } from '#src/proxy/forward/mirror.ts';
import { blackholeOf } from '../../../support/http/blackhole.ts';
import { type PlaneSketch, readCell, type TestPlane } from '../../../support/plane.ts';
import {
  answeringOf,
  askedOn,
  assertQuiet,
  clientOf,
  eventually,
  FIRST_CELL,
  GET,
  getOf,
  OK,
  oneVersion,
  planeOf,
  ROUTE_CELL,
  upstreamOf,
} from '../../../support/proxy/running.ts';
import type { RawUpstream } from '../../../support/raw.ts';

const POST = 'POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n';

function mirroring(port: number, mirrorPort: number, ratio = 1, timeouts = {}): PlaneSketch {
  const [route] = oneVersion(port).routes;
  return { routes: [{ ...route!, mirror: { ports: [mirrorPort], ratio } }], timeouts };
}

/** Sent, skipped, failed. */
function outcomes(plane: TestPlane): number[] {
  return [CELL.mirrorSent, CELL.mirrorSkipped, CELL.mirrorFailed].map((word) => plane.count(ROUTE_CELL, word));
}

function answered(t: TestContext): Promise<RawUpstream> {
  return upstreamOf(t, (socket, received) => {
    if (received.endsWith('\r\n\r\n') || received.endsWith('hi')) socket.write(OK);
  });
}

describe('a mirror', () => {
  it('gets what the version gets, over connections it keeps, and its answers go nowhere', async (t) => {
    const [version, mirror] = [
      await answered(t),
      await upstreamOf(t, (socket) => socket.write('HTTP/1.1 500 Mirror\r\nContent-Length: 6\r\n\r\nmirror')),
    ];
    const plane = await planeOf(t, mirroring(version.port, mirror.port));
    const client = clientOf(t, plane);
    for (const request of [getOf('/1'), `${POST}hi`, getOf('/2')]) {
      assert.equal(await askedOn(client, request), 200);
      const done = outcomes(plane)[0] as number;
      await eventually(() => (outcomes(plane)[0] as number) > done || mirror.received.length > 0, 'the copy');
    }
    await eventually(() => outcomes(plane)[0] === 3, 'three copies are answered');
    assert.equal(mirror.received.join(''), version.received.join(''));
    assert.doesNotMatch(client.received(), /mirror/i);
    assert.equal(readCell(plane, FIRST_CELL).finished, 3);
    assert.equal(readCell(plane, ROUTE_CELL).bad, 0);
  });

  it('gets the share that is configured', async (t) => {
    const [version, mirror] = [await answered(t), await answered(t)];
    const plane = await planeOf(t, { ...mirroring(version.port, mirror.port, 0.25), seed: 5 });
    t.diagnostic('seed 5');
    const client = clientOf(t, plane);
    for (let n = 0; n < 400; n++) assert.equal(await askedOn(client, GET), 200);
    const total = (): number => outcomes(plane).reduce((sum, count) => sum + count, 0);
    // 100 expected, a standard deviation of 8.7.
    assert.ok(total() > 60 && total() < 140, String(total()));
  });

  it('is skipped for a body that did not come with its head', async (t) => {
    const version = await upstreamOf(t, (socket, received) => received.endsWith('hi') && socket.write(OK));
    const mirror = await answered(t);
    const plane = await planeOf(t, mirroring(version.port, mirror.port));
    const client = clientOf(t, plane);
    client.send(POST);
    await eventually(() => version.received.length === 1, 'the head');
    assert.equal(await askedOn(client, 'hi'), 200);
    assert.deepEqual(outcomes(plane), [0, 1, 0]);
    assert.equal(mirror.sockets.length, 0);
  });

  for (const [name, target] of [
    ['is down', 'down'],
    ['is mute', 'mute'],
    ['cannot be reached', 'hole'],
    ['breaks the protocol', 'broken'],
  ] as const) {
    it(`that ${name} changes nothing for users, holds a bounded number of copies and is counted`, async (t) => {
      const version = await answered(t);
      const port = await targetOf(t, target);
      const plane = await planeOf(t, mirroring(version.port, port, 1, { firstByteMs: 1000, connectMs: 1000 }));
      const client = clientOf(t, plane);
      const count = COPIES_MAX + 20;
      for (let n = 0; n < count; n++) assert.equal(await askedOn(client, GET), 200);
      assert.equal(version.sockets.length, 1);
      const { finished, bad } = readCell(plane, ROUTE_CELL);
      assert.deepEqual([finished, bad, readCell(plane, FIRST_CELL).bad], [count, 0, 0]);
      await eventually(() => outcomes(plane).reduce((sum, each) => sum + each, 0) === count, 'every copy is counted');
      const [sent, skipped, failed] = outcomes(plane) as [number, number, number];
      assert.deepEqual([sent, skipped + failed], [0, count]);
      await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [version.port]);
      assert.equal(plane.count(ROUTE_CELL, CELL.retries), 0);
      const base = (port % 1000) * ENDPOINT_WORDS;
      const own = [...plane.tallies.endpoints.subarray(base, base + ENDPOINT_WORDS)];
      if (port % 1000 !== version.port % 1000) assert.deepEqual(new Set(own), new Set([0]), 'in no endpoint’s account');
    });
  }

  it('that is mute holds 64 copies, and further ones are skipped', async (t) => {
    const version = await answered(t);
    const mirror = await upstreamOf(t, () => undefined);
    const plane = await planeOf(t, mirroring(version.port, mirror.port, 1, { firstByteMs: 600_000 }));
    const client = clientOf(t, plane);
    for (let n = 0; n < COPIES_MAX + 7; n++) assert.equal(await askedOn(client, GET), 200);
    assert.deepEqual(outcomes(plane), [0, 7, 0]);
    plane.close();
    await eventually(() => mirror.sockets.every((socket: Socket) => socket.destroyed), 'they end with the plane');
    assert.deepEqual(outcomes(plane), [0, 7, COPIES_MAX]);
  });

  it('of another configuration keeps no connections of the old one', async (t) => {
    const [version, mirror] = [await answered(t), await answered(t)];
    const sketch = mirroring(version.port, mirror.port, 1, { upstreamIdleMs: 600_000 });
    const plane = await planeOf(t, sketch);
    const client = clientOf(t, plane);
    assert.equal(await askedOn(client, GET), 200);
    await eventually(() => outcomes(plane)[0] === 1, 'the copy is answered');
    plane.swap(sketch);
    await eventually(() => mirror.sockets[0]?.destroyed === true, 'the idle connection is closed');
    assert.equal(await askedOn(client, GET), 200);
    await eventually(() => outcomes(plane)[0] === 2, 'the next copy is answered');
  });

  it('is counted in the route’s cell alone', async (t) => {
    const [version, mirror] = [await answered(t), await answered(t)];
    const plane = await planeOf(t, mirroring(version.port, mirror.port));
    assert.equal(await askedOn(clientOf(t, plane), GET), 200);
    await eventually(() => outcomes(plane)[0] === 1, 'the copy is answered');
    assert.equal(plane.tallies.cells[FIRST_CELL * CELL_WORDS + CELL.mirrorSent], 0);
  });
});

async function targetOf(t: TestContext, kind: 'down' | 'mute' | 'hole' | 'broken'): Promise<number> {
  if (kind === 'hole') return blackholeOf(t);
  if (kind === 'mute') return (await upstreamOf(t, () => undefined)).port;
  const upstream = await answeringOf(t, 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx');
  if (kind === 'down') await upstream.close();
  return upstream.port;
}
