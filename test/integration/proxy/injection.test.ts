/** Faults on purpose, with real sockets: what clients see, what is counted, and that they end. */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { nowMs } from '#src/lib/clock.ts';
import { REASON } from '#src/model/reason.ts';
import { CELL } from '#src/model/tallies.ts';
import { FAULT_KIND, type FaultConfig } from '#src/model/threads/faults.ts';
import { type GatewayProcess, logged, startGatewayProcess, startService, until } from '../../support/gateway.ts';
import { readCell } from '../../support/plane.ts';
import {
  answeringOf,
  askedOn,
  assertQuiet,
  clientOf,
  eventually,
  FIRST_CELL,
  GET,
  getOf,
  planeOf,
  ROUTE_CELL,
  reasonCount,
  SECOND_CELL,
  turningClock,
} from '../../support/proxy/running.ts';

const EVERYBODY = { version: null, color: null, header: null };

function faultOf(change: Partial<FaultConfig>): FaultConfig {
  const times = { fromMs: 0, untilMs: 1 };
  return { id: 'route0/f', match: EVERYBODY, ratio: 1, delay: null, abortStatus: null, ...times, ...change };
}

const ON = (): ReadonlyMap<string, number> => new Map([['route0/f', nowMs() + 60_000]]);

describe('an abort', () => {
  it('is answered with its status, bad for route and version, by a reason of its own, and no endpoint is asked', async (t) => {
    const upstream = await answeringOf(t);
    const faults = [faultOf({ abortStatus: 500 })];
    const plane = await planeOf(t, {
      routes: [{ versions: [{ name: 'v1', ports: [upstream.port], weight: 1 }], filters: { faults } }],
    });
    const client = clientOf(t, plane);
    assert.equal(await askedOn(client, GET), 200, 'not before it is on');
    plane.plane.inject(ON());
    assert.equal(await askedOn(client, GET), 500);
    assert.match(client.received(), /"status":500,.*"reason":"fault_injected"/);
    plane.plane.inject(new Map());
    assert.equal(await askedOn(client, GET), 200, 'not when it is off');
    for (const cell of [ROUTE_CELL, FIRST_CELL]) {
      assert.deepEqual(readCell(plane, cell), { inFlight: 0, finished: 3, bad: 1, ignored: 0, slow: 0 });
      assert.equal(reasonCount(plane, cell, REASON.faultInjected), 1);
      assert.equal(plane.count(cell, CELL.statusClass + 5), 1);
    }
    assert.equal(plane.count(ROUTE_CELL, CELL.faults + FAULT_KIND.abort), 1);
    assert.equal(upstream.received.join('').split('GET /').length - 1, 2);
    await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [upstream.port]);
  });

  it('of a canary is rescued by stable like any failure: good for the route, bad for the canary', async (t) => {
    const upstream = await answeringOf(t);
    const faults = [faultOf({ abortStatus: 503, match: { ...EVERYBODY, version: 'v2' } })];
    const versions = [
      { name: 'v1', ports: [upstream.port], weight: 0 },
      { name: 'v2', ports: [upstream.port], weight: 1 },
    ];
    const plane = await planeOf(t, { routes: [{ rescue: 'unpinned', versions, filters: { faults } }] });
    plane.plane.inject(ON());
    assert.equal(await askedOn(clientOf(t, plane), GET), 200);
    assert.equal(plane.count(ROUTE_CELL, CELL.bad), 0);
    assert.equal(plane.count(SECOND_CELL, CELL.bad), 1);
    assert.equal(reasonCount(plane, SECOND_CELL, REASON.faultInjected), 1);
    await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL, SECOND_CELL], [upstream.port]);
  });
});

describe('a delay', () => {
  const held = (delayMs: number) => [faultOf({ delay: { ms: delayMs, distribution: 'fixed' } })];

  it('holds the request, and its time counts for the version', async (t) => {
    const upstream = await answeringOf(t);
    const versions = [{ name: 'v1', ports: [upstream.port], weight: 1 }];
    const plane = await planeOf(t, { routes: [{ versions, slowMs: 80, filters: { faults: held(100) } }] });
    plane.plane.inject(ON());
    const client = clientOf(t, plane);
    client.send(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello${GET}`);
    await client.until((text) => text.split('200 OK').length === 3);
    assert.deepEqual(readCell(plane, FIRST_CELL), { inFlight: 0, finished: 2, bad: 0, ignored: 0, slow: 2 });
    assert.equal(plane.count(ROUTE_CELL, CELL.faults + FAULT_KIND.delay), 2);
    assert.match(upstream.received.join(''), /hello/);
  });

  it('ends with the time of the request, and with its client', async (t) => {
    turningClock(t);
    const upstream = await answeringOf(t);
    const versions = [{ name: 'v1', ports: [upstream.port], weight: 1 }];
    const plane = await planeOf(t, {
      routes: [{ versions, requestTimeoutMs: 100, filters: { faults: held(60_000) } }],
    });
    plane.plane.inject(ON());
    assert.equal(await askedOn(clientOf(t, plane), getOf('/late')), 504);
    const leaving = clientOf(t, plane);
    leaving.send(GET);
    await eventually(() => plane.count(ROUTE_CELL, CELL.inFlight) === 1, 'it is held');
    leaving.socket.destroy();
    await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [upstream.port]);
    assert.equal(plane.count(FIRST_CELL, CELL.bad), 1);
    assert.deepEqual(upstream.received, []);
  });
});

it('a fault that ends while it holds a request does nothing more to it', async (t) => {
  turningClock(t);
  const upstream = await answeringOf(t);
  const versions = [{ name: 'v1', ports: [upstream.port], weight: 1 }];
  const faults = [faultOf({ delay: { ms: 300, distribution: 'fixed' }, abortStatus: 503 })];
  const plane = await planeOf(t, { routes: [{ versions, filters: { faults } }] });
  plane.plane.inject(ON());
  const client = clientOf(t, plane);
  client.send(GET);
  await eventually(() => plane.count(ROUTE_CELL, CELL.faults + FAULT_KIND.delay) === 1, 'it is held');
  plane.plane.inject(new Map());
  assert.match(await client.until((text) => text.includes('\r\n\r\n')), /^HTTP\/1\.1 200 /);
  assert.equal(plane.count(ROUTE_CELL, CELL.faults + FAULT_KIND.abort), 0);
});

describe('a gateway with faults', () => {
  const document = (port: number, from: number, forMs: string, more = ''): string => `
${more}
listen: 127.0.0.1:0
admin: 127.0.0.1:0
adminToken: sixteen-visible-characters
workers: 1
saturation: {response: observe}
services: {shop: {versions: {v1: {endpoints: ["127.0.0.1:${port}"]}}}}
routes:
  - name: shop
    backendRefs: [{name: shop}]
    faults: [{name: game, abort: {status: 503}, from: "${new Date(from).toISOString()}", for: ${forMs}}]
`;
  const answers = async ({ proxyUrl }: GatewayProcess, status: number): Promise<boolean> =>
    (await fetch(proxyUrl)).status === status;

  it('begins and ends one by itself, tells so, and takes the end from a person', async (t) => {
    const service = await startService('v1');
    t.after(() => service.close());
    const nowWall = Date.now();
    const gateway = await startGatewayProcess(document(service.port, nowWall - 1000, '1h'));
    t.after(() => gateway.end());
    await until('the fault is on', () => answers(gateway, 503));
    const [fault] = (await gateway.status()).faults;
    assert.deepEqual([fault?.id, fault?.state], ['shop/game', 'active']);
    assert.match(await (await fetch(`${gateway.adminUrl}/readyz?verbose`)).text(), /\[\+\]fault ok: shop\/game: 100 %/);
    const stopped = await fetch(`${gateway.adminUrl}/api/v1/faults/stop`, {
      method: 'POST',
      headers: { authorization: 'Bearer sixteen-visible-characters' },
    });
    assert.deepEqual(await stopped.json(), { stopped: ['shop/game'] });
    await until('the fault is off', () => answers(gateway, 200));
    assert.equal((await gateway.status()).faults[0]?.state, 'stopped');
    const page = async (): Promise<string> => (await fetch(`${gateway.adminUrl}/metrics`)).text();
    const injected = /sluice_faults_injected_total\{route="shop",kind="abort"\} [1-9]/;
    await until('what was injected is counted', async () => injected.test(await page()));
    assert.match(await page(), /sluice_faults_active 0/);
    // Another entry is another fault; this one is over by itself.
    gateway.save(document(service.port, nowWall - 1000, '2h'));
    await until('the other fault is on', () => answers(gateway, 503));
    gateway.save(document(service.port, nowWall - 3_600_000, '1h'));
    await until('the other fault is over', () => answers(gateway, 200));
    for (const event of ['fault_started', 'fault_ended', 'faults_stopped']) await logged(gateway, new RegExp(event));
  });

  it('does not begin again what a person has ended, over a restart', async (t) => {
    const service = await startService('v1');
    t.after(() => service.close());
    const directory = mkdtempSync(join(tmpdir(), 'sluice-faults-'));
    t.after(() => rmSync(directory, { recursive: true, force: true }));
    const config = document(
      service.port,
      Date.now() - 1000,
      '1h',
      `state: {directory: ${JSON.stringify(directory)}}\ndrain: {delay: 0s}`,
    );
    const first = await startGatewayProcess(config);
    t.after(() => first.end());
    await until('the fault is on', () => answers(first, 503));
    const headers = { authorization: 'Bearer sixteen-visible-characters' };
    await fetch(`${first.adminUrl}/api/v1/faults/stop`, { method: 'POST', headers });
    first.child.kill('SIGTERM');
    await first.exited;
    const second = await startGatewayProcess(config);
    t.after(() => second.end());
    assert.equal((await second.status()).faults[0]?.state, 'stopped');
    assert.equal(await answers(second, 200), true);
  });
});
