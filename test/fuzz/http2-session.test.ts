/** Mutated sessions of HTTP/2 against a whole data plane: others are served meanwhile, and nothing of them is left. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Random } from '#src/lib/random.ts';
import { CELL } from '#src/model/tallies.ts';
import { mutateFrames, STORY } from '../support/http/fuzz/sessions.ts';
import { GET, headers, isAnswered, rawHttp2 } from '../support/http/http2.ts';
import {
  eventually,
  FIRST_CELL,
  OK,
  oneVersion,
  perHead,
  planeOf,
  ROUTE_CELL,
  upstreamOf,
} from '../support/proxy/running.ts';

const SEED = Number(process.env['FUZZ_SEED'] ?? 20_261_122);
const FULL_MS = 10_000;
const QUICK_RUNS = 40;
const FULL_RUNS_MAX = 20_000;
const IS_FULL = process.env['SLUICE_TEST_DEPTH'] === 'full';

it(`whatever a client says (seed ${SEED})`, async (t) => {
  const upstream = await upstreamOf(
    t,
    perHead((socket, path) => path === '/hangs' || void socket.write(OK)),
  );
  const plane = await planeOf(t, { ...oneVersion(upstream.port), http2: true, limits: { http2StreamsMax: 5 } });
  const innocent = rawHttp2(t, plane.port);
  const random = new Random(SEED);
  const draw = (below: number): number => random.nextUint32() % below;
  const startedMs = performance.now();
  const isOver = (run: number): boolean =>
    IS_FULL ? run >= FULL_RUNS_MAX || performance.now() - startedMs > FULL_MS : run >= QUICK_RUNS;
  for (let run = 0; !isOver(run); run++) {
    const frames = STORY.map((one) => Buffer.from(one));
    for (let n = draw(4); n >= 0; n--) mutateFrames(frames, draw);
    const bytes = Buffer.concat(frames);
    const client = rawHttp2(t, plane.port, []);
    // In two pieces, as a read may end anywhere.
    const cut = draw(bytes.length + 1);
    client.send(bytes.subarray(0, cut));
    client.send(bytes.subarray(cut));
    innocent.send(headers(2 * run + 1, GET));
    await innocent.until((all) => isAnswered(all, 2 * run + 1));
    client.socket.destroy();
  }
  innocent.socket.destroy();
  await eventually(() => plane.plane.listener.connections === 0, 'all connections are gone');
  await eventually(() => plane.count(ROUTE_CELL, CELL.inFlight) === 0, 'nothing is under way');
  assert.equal(plane.count(FIRST_CELL, CELL.inFlight), 0);
});
