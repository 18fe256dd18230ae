/** Endpoints across snapshots: an address keeps its load and its connections while it is named. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { WARM_ATTEMPTS } from '#src/model/latency.ts';
import { CELL } from '#src/model/tallies.ts';
import { Endpoints } from '#src/proxy/forward/endpoints.ts';
import { setLatency } from '#src/snapshot/latency-dials.ts';
import type { PlaneSketch } from '../../../support/plane.ts';
import { bench } from '../../../support/proxy/parts.ts';
import {
  answeringOf,
  askedOn,
  clientOf,
  eventually,
  FIRST_CELL,
  GET,
  OK,
  perHead,
  planeOf,
  upstreamOf,
} from '../../../support/proxy/running.ts';
import type { RawUpstream } from '../../../support/raw.ts';

const A = { id: 1, host: '127.0.0.1', port: 8001 };
const B = { id: 2, host: '127.0.0.1', port: 8002 };

describe('endpoints', () => {
  it('come in the order of the snapshot', () => {
    const linked = new Endpoints().update([B, A], bench().lane);
    assert.deepEqual(
      linked.map((endpoint) => endpoint && [endpoint.id, endpoint.port]),
      [
        [2, 8002],
        [1, 8001],
      ],
    );
  });

  it('that stay keep their identity, wherever they stand', () => {
    const endpoints = new Endpoints();
    const { lane } = bench();
    const [a] = endpoints.update([A, B], lane);
    assert.equal(endpoints.update([B, A], lane)[1], a);
  });

  it('whose slot in the tallies changes are others', () => {
    const endpoints = new Endpoints();
    const { lane } = bench();
    const [a] = endpoints.update([A], lane);
    assert.notEqual(endpoints.update([{ ...A, id: 9 }], lane)[0], a);
  });

  it('that left and came back are new', () => {
    const endpoints = new Endpoints();
    const { lane } = bench();
    const [a] = endpoints.update([A, B], lane);
    endpoints.update([B], lane);
    assert.notEqual(endpoints.update([A, B], lane)[0], a);
  });
});

describe('an endpoint that comes while its version is compared', () => {
  const ports = (...all: RawUpstream[]): PlaneSketch => ({
    routes: [{ versions: [{ name: 'v1', ports: all.map(({ port }) => port), weight: 1, balancer: 'roundRobin' }] }],
  });

  it('is left out of its latency until it is warm, and its failures are not', async (t) => {
    let count = 0;
    const old = await answeringOf(t);
    const young = await upstreamOf(
      t,
      perHead((socket) => {
        count += 1;
        socket.write(count === 1 ? OK.replace('200 OK', '500 Oh') : OK);
      }),
    );
    const plane = await planeOf(t, ports(old));
    const forever = Array.from({ length: 6 }, () => 1e9);
    setLatency(plane.latencyDials, 0, { sinceMs: 0, atEndMs: forever, inFlightMs: forever });
    const client = clientOf(t, plane);
    for (let n = 0; n < WARM_ATTEMPTS; n++) assert.equal(await askedOn(client, GET), 200);
    plane.swap(ports(old, young));
    for (let n = 0; n < 40; n++) await askedOn(client, GET);
    assert.equal(count, 20);
    await eventually(() => plane.count(FIRST_CELL, CELL.finished) === WARM_ATTEMPTS + 40, 'all of them');
    assert.equal(plane.count(FIRST_CELL, CELL.levels), WARM_ATTEMPTS + 20);
    assert.equal(plane.count(FIRST_CELL, CELL.bad), 1);
    for (let n = 0; n < 2 * WARM_ATTEMPTS; n++) await askedOn(client, GET);
    await eventually(() => plane.count(FIRST_CELL, CELL.finished) === 3 * WARM_ATTEMPTS + 40, 'all of them');
    assert.equal(plane.count(FIRST_CELL, CELL.levels), 2 * WARM_ATTEMPTS + 40);
  });
});
