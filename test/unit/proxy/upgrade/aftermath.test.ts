/** What the end of a session counts for, where the route's policy asks for it. */

import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { WebSocket } from 'ws';
import { REASON } from '#src/model/reason.ts';
import { readCell, type TestPlane } from '../../../support/plane.ts';
import {
  eventually,
  FIRST_CELL,
  oneVersion,
  planeOf,
  ROUTE_CELL,
  reasonCount,
} from '../../../support/proxy/running.ts';
import { assertEnds, closeCode, webSocketTo, webSocketUpstream } from '../../../support/proxy/upgrade.ts';

const BAD = { protocols: ['websocket'], onRollback: 'close', abnormal: 'bad' } as const;

interface Scene {
  readonly plane: TestPlane;
  readonly client: WebSocket;
  readonly upstream: WebSocket;
}

async function scene(t: TestContext, upgrade?: typeof BAD): Promise<Scene> {
  let opened: (socket: WebSocket) => void = () => undefined;
  const upstream = new Promise<WebSocket>((resolve) => {
    opened = resolve;
  });
  const { port } = await webSocketUpstream(t, (socket) => opened(socket));
  const [route] = oneVersion(port).routes;
  const plane = await planeOf(t, { routes: [{ ...route!, ...(upgrade && { upgrade }) }] });
  const client = await webSocketTo(t, plane);
  await eventually(() => readCell(plane, FIRST_CELL).finished === 1, 'the handshake is counted');
  return { plane, client, upstream: await upstream };
}

/** Finished and bad, of the route and of its version. */
function countsOf(plane: TestPlane): number[] {
  const cells = [readCell(plane, ROUTE_CELL), readCell(plane, FIRST_CELL)];
  assert.deepEqual(
    cells.map(({ inFlight }) => inFlight),
    [0, 0],
  );
  return cells.flatMap(({ finished, bad }) => [finished, bad]);
}

describe('a session whose end counts', () => {
  for (const [name, end] of [
    ['without a close frame', (socket: WebSocket): void => socket.terminate()],
    ['with "internal error"', (socket: WebSocket): void => socket.close(1011)],
  ] as const) {
    it(`is one more bad exchange where its endpoint ends it ${name}`, async (t) => {
      const { plane, client, upstream } = await scene(t, BAD);
      const closed = closeCode(client);
      end(upstream);
      await closed;
      await assertEnds(plane, { upstream_abnormal: 1 });
      assert.deepEqual(countsOf(plane), [2, 1, 2, 1]);
      assert.equal(reasonCount(plane, FIRST_CELL, REASON.upstreamTruncated), 1);
    });
  }

  it('is none where its endpoint ends it as it should, or its client does in whichever way', async (t) => {
    for (const [end, expected] of [
      [({ upstream }: Scene): void => upstream.close(1000), { upstream_closed: 1 }],
      [({ upstream }: Scene): void => upstream.close(1001), { upstream_closed: 1 }],
      [({ client }: Scene): void => client.close(1000), { client_closed: 1 }],
      [({ client }: Scene): void => client.close(1011), { client_abnormal: 1 }],
      [({ client }: Scene): void => client.terminate(), { client_abnormal: 1 }],
    ] as const) {
      const sides = await scene(t, BAD);
      end(sides);
      await assertEnds(sides.plane, expected);
      assert.deepEqual(countsOf(sides.plane), [1, 0, 1, 0]);
    }
  });

  it('is none where the route does not ask for it', async (t) => {
    const { plane, upstream } = await scene(t);
    upstream.terminate();
    await assertEnds(plane, { upstream_abnormal: 1 });
    assert.deepEqual(countsOf(plane), [1, 0, 1, 0]);
  });
});
