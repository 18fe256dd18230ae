/**
 * A mirror that is slow or dead is nobody's delay: no answer waits for anything that the mirror does.
 *
 * Shown by the order of events. The clock of the gateway stands still, so that no limit of time ends a wait, and every latency that it
 * records, the highest as well, is that of a turn. The mirror does nothing before the last answer is there. Where answers are compared,
 * the version is asked a second time for each comparison that begins.
 */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:http2';
import type { Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { bucketIndex } from '#src/lib/histogram.ts';
import { CELL } from '#src/model/tallies.ts';
import { COMPARISONS_MAX } from '#src/proxy/forward/mirror/comparison.ts';
import { COPIES_MAX } from '#src/proxy/forward/mirror/mirror.ts';
import { blackholeOf } from '../../../support/http/blackhole.ts';
import { END_STREAM, headers, perRequest, rawHttp2Of } from '../../../support/http/h2-endpoint.ts';
import type { TestPlane } from '../../../support/plane.ts';
import {
  answeringOf,
  askedOn,
  clientOf,
  eventually,
  FIRST_CELL,
  GET,
  heldOf,
  planeOf,
  ROUTE_CELL,
  refusedPortOf,
  stoppedClock,
  upstreamOf,
} from '../../../support/proxy/running.ts';

const REQUESTS = 2 * COPIES_MAX;

/** What the mirror's answers are compared by; null: they are thrown away. */
type Compare = { readonly bodyBytesMax: number; readonly ignoreHeaders: readonly string[] } | null;

type Ask = () => Promise<number>;

/** Clients on one connection, a request at a time. */
const CLIENTS: Readonly<Record<string, (t: TestContext, plane: TestPlane) => Ask>> = {
  'HTTP/1.1': (t, plane) => {
    const client = clientOf(t, plane);
    return () => askedOn(client, GET);
  },
  'HTTP/2': (t, plane) => {
    const session = connect(`http://127.0.0.1:${plane.port}`);
    t.after(() => session.destroy());
    return async () => {
      const stream = session.request({ ':path': '/', ':authority': 'a' });
      const [fields] = (await once(stream, 'response')) as [{ ':status': number }];
      stream.resume();
      await once(stream, 'close');
      return fields[':status'];
    };
  },
};

/** Versions that answer at once. */
const VERSIONS: Readonly<Record<string, (t: TestContext) => Promise<{ port: number; protocol?: 'h2c' }>>> = {
  'HTTP/1.1': async (t) => ({ port: (await answeringOf(t)).port }),
  'HTTP/2': async (t) => {
    const endpoint = await rawHttp2Of(
      t,
      perRequest((id) => headers(id, { ':status': '200' }, END_STREAM)),
    );
    return { port: endpoint.port, protocol: 'h2c' };
  },
};

/** Mirrors that answer nothing. */
const DEAD: Readonly<Record<string, (t: TestContext) => Promise<number>>> = {
  'takes requests and says nothing': async (t) => (await upstreamOf(t, () => undefined)).port,
  'refuses connections': refusedPortOf,
  'cannot be reached': blackholeOf,
  'breaks off within its answer': async (t) => {
    const broken = (socket: Socket): void => void socket.end('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx');
    return (await upstreamOf(t, broken)).port;
  },
};

/** Sent, skipped, failed. */
function outcomes(plane: TestPlane): number[] {
  return [CELL.mirrorSent, CELL.mirrorSkipped, CELL.mirrorFailed].map((word) => plane.count(ROUTE_CELL, word));
}

interface Scene {
  /** What the client and the version speak. */
  readonly speaks: string;
  readonly version: string;
  readonly compare: Compare;
}

/** All answers are there, and none of them took any time. @returns also how many comparisons have all their answers */
async function assertUndelayed(t: TestContext, { speaks, version, compare }: Scene, mirror: number) {
  stoppedClock(t);
  let compared = 0;
  const { port, ...way } = await (VERSIONS[version] as (typeof VERSIONS)[string])(t);
  const versions = [{ name: 'v1', ports: [port], weight: 1, ...way }];
  const plane = await planeOf(t, {
    routes: [{ versions, mirror: { ports: [mirror], ratio: 1, ...(compare && { compare }) } }],
    http2: true,
    writeCompared: ({ answers }) => {
      compared += answers.length;
      setImmediate(() => plane.plane.compared());
    },
  });
  const ask = (CLIENTS[speaks] as (typeof CLIENTS)[string])(t, plane);
  for (let n = 0; n < REQUESTS; n++) assert.equal(await ask(), 200);
  await eventually(() => plane.count(FIRST_CELL, CELL.finished) === REQUESTS, 'all of them are counted');
  assert.equal(plane.count(FIRST_CELL, CELL.histogram + bucketIndex(0)), REQUESTS, 'of all of them the latency is 0');
  assert.equal(outcomes(plane)[0], 0, 'and no copy was answered');
  return { plane, compared: () => compared };
}

function scenesOf(compare: Compare): Scene[] {
  return Object.keys(CLIENTS).flatMap((speaks) =>
    Object.keys(VERSIONS).map((version) => ({ speaks, version, compare })),
  );
}

for (const scene of [...scenesOf(null), ...scenesOf({ bodyBytesMax: 1000, ignoreHeaders: [] })]) {
  const { speaks, version, compare } = scene;
  const which = compare === null ? 'a mirror that' : 'a mirror whose answers are compared and that';
  describe(`a client of ${speaks} and a version of ${version} are not held up by ${which}`, () => {
    for (const [name, mirrorOf] of Object.entries(DEAD)) {
      it(name, async (t) => {
        await assertUndelayed(t, scene, await mirrorOf(t));
      });
    }

    it('answers when everybody has been answered', async (t) => {
      const mirror = await heldOf(t);
      const { plane, compared } = await assertUndelayed(t, scene, mirror.upstream.port);
      await eventually(() => mirror.paths.length === COPIES_MAX, 'it has as many copies as there may be');
      assert.deepEqual(outcomes(plane), [0, REQUESTS - COPIES_MAX, 0]);
      for (let n = COPIES_MAX - 1; n >= 0; n--) mirror.answer(n);
      await eventually(() => outcomes(plane)[0] === COPIES_MAX, 'all of them are answered');
      assert.equal(plane.count(ROUTE_CELL, CELL.finished), REQUESTS, 'and none of them counts');
      const expected = compare === null ? 0 : COMPARISONS_MAX;
      await eventually(() => compared() === expected, 'as many as may wait are compared');
    });
  });
}
