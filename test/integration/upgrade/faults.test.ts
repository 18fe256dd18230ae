/** Upgrades with upstreams that fail and clients that leave: the right answer or end, in time, and nothing is left behind. */

import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { describe, it } from 'node:test';
import { REASON, type Reason } from '#src/model/reason.ts';
import { CELL } from '#src/model/tallies.ts';
import { blackholeOf } from '../../support/http/blackhole.ts';
import { readCell } from '../../support/plane.ts';
import {
  assertQuiet,
  clientOf,
  closedSocket,
  endpointWord,
  eventually,
  FIRST_CELL,
  oneVersion,
  planeOf,
  ROUTE_CELL,
  reasonCount,
  refusedPortOf,
  upstreamOf,
} from '../../support/proxy/running.ts';
import {
  assertEnds,
  assertOver,
  type Scene,
  saying,
  scene,
  switching,
  textFrame,
  upgradeRequest,
} from '../../support/proxy/upgrade.ts';
import { rawClient, sendAndClose, statusesOf } from '../../support/raw.ts';

/** Reached only when something hangs. */
const LIMIT = { timeout: 240_000 };

describe('an upstream that fails', LIMIT, () => {
  async function failing(on: Scene, reason: Reason, status: number): Promise<void> {
    const text = await sendAndClose(on.plane.port, upgradeRequest());
    assert.deepEqual(statusesOf(text), [status]);
    assert.equal(reasonCount(on.plane, FIRST_CELL, reason), 1);
    assert.deepEqual(readCell(on.plane, FIRST_CELL), { inFlight: 0, finished: 1, bad: 1, ignored: 0, slow: 0 });
    await assertOver(on);
  }

  it('refuses the connection: 502', async (t) => {
    const port = await refusedPortOf(t);
    const upstream = { ...(await upstreamOf(t, () => undefined)), port };
    const on = { plane: await planeOf(t, oneVersion(port)), upstream };
    await failing(on, REASON.connectRefused, 502);
    assert.ok(endpointWord(on.plane, port, 'connectFailures') >= 1);
  });

  it('never accepts: 504', async (t) => {
    const port = await blackholeOf(t);
    const plane = await planeOf(t, { ...oneVersion(port), timeouts: { connectMs: 150 } });
    assert.deepEqual(statusesOf(await sendAndClose(plane.port, upgradeRequest())), [504]);
    assert.equal(reasonCount(plane, FIRST_CELL, REASON.connectTimeout), 1);
    await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [port]);
  });

  it('closes before the head, or within it: 502', async (t) => {
    for (const bytes of ['', 'HTTP/1.1 101 Swit', switching().slice(0, -1)]) {
      await failing(await scene(t, (socket) => void socket.end(bytes)), REASON.upstreamReset, 502);
      await failing(await scene(t, (socket) => void socket.resetAndDestroy()), REASON.upstreamReset, 502);
    }
  });

  it('never says a word, or drips it: 504 in time', async (t) => {
    const timeouts = { firstByteMs: 200 };
    await failing(await scene(t, () => undefined, { timeouts }), REASON.responseTimeout, 504);
    const drip = (socket: Socket): void => {
      const timer = setInterval(() => socket.write('HTTP/1.1 101 Slow'.charAt(socket.bytesWritten)), 20);
      socket.on('close', () => clearInterval(timer));
    };
    await failing(await scene(t, drip, { timeouts }), REASON.responseTimeout, 504);
  });

  it('has no endpoint left: 503', async (t) => {
    const plane = await planeOf(t, { routes: [{ versions: [{ name: 'v1', ports: [], weight: 1 }] }] });
    assert.deepEqual(statusesOf(await sendAndClose(plane.port, upgradeRequest())), [503]);
    assert.equal(plane.count(FIRST_CELL, CELL.inFlight), 0);
  });
});

describe('a client that leaves', LIMIT, () => {
  it('before the 101 takes the upstream with it at once, whether it closes or resets', async (t) => {
    for (const leave of ['destroy', 'resetAndDestroy', 'end'] as const) {
      const on = await scene(t, () => undefined);
      const client = clientOf(t, on.plane);
      client.send(upgradeRequest());
      await eventually(() => on.upstream.sockets.length === 1, 'asked');
      client.socket[leave]();
      await assertOver(on);
      assert.deepEqual(readCell(on.plane, FIRST_CELL), { inFlight: 0, finished: 0, bad: 0, ignored: 1, slow: 0 });
    }
  });

  it('by a reset within a session breaks the upstream connection too, and the other way round', async (t) => {
    for (const side of ['client', 'upstream'] as const) {
      const on = await scene(t, saying(switching() + textFrame('hi')));
      const client = clientOf(t, on.plane);
      client.send(upgradeRequest());
      await client.until((text) => text.endsWith('hi'));
      const [atUpstream] = on.upstream.sockets as [Socket];
      const [leaver, other] = side === 'client' ? [client.socket, atUpstream] : [atUpstream, client.socket];
      let code = '';
      other.on('error', (error: NodeJS.ErrnoException) => {
        code = error.code ?? '';
      });
      leaver.resetAndDestroy();
      await closedSocket(other);
      assert.equal(code, 'ECONNRESET');
      await assertEnds(on.plane, { [`${side}_abnormal`]: 1 });
      await assertOver(on);
    }
  });

  it('leaves nothing behind, 300 times in a row at odd moments', async (t) => {
    const on = await scene(t, saying(switching() + textFrame('hi')));
    for (let n = 0; n < 300; n++) {
      const client = rawClient(on.plane.port);
      client.send(upgradeRequest());
      if (n % 3 === 1) await client.until((text) => text.startsWith('HTTP/1.1 101'));
      if (n % 3 === 2) await client.until((text) => text.endsWith('hi'));
      if (n % 2 === 0) client.socket.destroy();
      else client.socket.resetAndDestroy();
    }
    await assertOver(on);
    await eventually(() => on.plane.plane.listener.connections === 0, 'no connection is left');
  });
});
