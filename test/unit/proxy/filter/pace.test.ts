/** Bodies that a fault slows down: how long they take, that nobody holds them, and that everything goes on afterwards. */

import assert from 'node:assert/strict';
import type { RequestListener } from 'node:http';
import { describe, it } from 'node:test';
import { nowMs } from '#src/lib/clock.ts';
import { CELL } from '#src/model/tallies.ts';
import { FAULT_KIND, type FaultBandwidth, type FaultConfig } from '#src/model/threads/faults.ts';
import {
  askedOn,
  assertQuiet,
  clientOf,
  eventually,
  FIRST_CELL,
  GET,
  httpUpstreamOf,
  isWhole,
  planeOf,
  ROUTE_CELL,
} from '../../../support/proxy/running.ts';
import { WAITS } from '../../../support/runner/depth.ts';

function slow(bandwidth: Partial<FaultBandwidth>): FaultConfig {
  const match = { version: null, color: null, header: null };
  const base = { id: 'route0/f', match, ratio: 1, delay: null, abortStatus: null, fromMs: 0, untilMs: 1 };
  return { ...base, bandwidth: { requestBytesPerS: null, responseBytesPerS: null, ...bandwidth } };
}

const ON = (): ReadonlyMap<string, number> => new Map([['route0/f', nowMs() + 60_000]]);

function routesOf(port: number, bandwidth: Partial<FaultBandwidth>) {
  const versions = [{ name: 'v1', ports: [port], weight: 1 }];
  return [{ versions, filters: { faults: [slow(bandwidth)] } }];
}

describe('a response that is slowed down', () => {
  it('stays its own when a hedge has it, which is not slowed down itself', async (t) => {
    const asked = new Map<string, number>();
    const answer: RequestListener = (request, response) => {
      const url = request.url as string;
      const nth = (asked.get(url) ?? 0) + 1;
      asked.set(url, nth);
      // The first attempt never has an answer, the hedge a short one.
      if (nth === 2) response.end(url.repeat(700));
    };
    const ports = [await httpUpstreamOf(t, answer), await httpUpstreamOf(t, answer)];
    const versions = [{ name: 'v1', ports, weight: 1 }];
    const filters = { faults: [slow({ responseBytesPerS: 20_000 })] };
    const routes = [{ versions, filters, retry: { hedgeMs: 5 } }];
    const plane = await planeOf(t, { routes });
    plane.plane.inject(ON());
    const urls = ['/a', '/b', '/c'];
    const clients = urls.map((url) => {
      const client = clientOf(t, plane);
      client.send(GET.replace('GET /', `GET ${url}`));
      return client;
    });
    for (const [i, client] of clients.entries()) {
      const body = (urls[i] as string).repeat(700);
      await client.until((text) => text.split('\r\n\r\n')[1]?.length === body.length);
      assert.ok(client.received().endsWith(body), `the answer to ${urls[i]}`);
    }
  });

  it('takes its time, small or large, and its upstream is read no faster', async (t) => {
    let taken = 0;
    const body = 'x'.repeat(60_000);
    const port = await httpUpstreamOf(t, (request, response) => {
      response.writeHead(200, { 'content-length': request.url === '/big' ? 30_000_000 : body.length });
      if (request.url !== '/big') {
        response.end(body);
        return;
      }
      const more = (): void => {
        while (taken < 30_000_000) {
          taken += 60_000;
          if (!response.write(body)) return;
        }
        response.end();
      };
      response.on('drain', more);
      more();
    });
    const plane = await planeOf(t, { routes: routesOf(port, { responseBytesPerS: 120_000 }) });
    const client = clientOf(t, plane);
    assert.equal(await askedOn(client, GET), 200, 'not before it is on');
    plane.plane.inject(ON());
    const beganAtMs = performance.now();
    assert.equal(await askedOn(client, GET), 200);
    const tookMs = performance.now() - beganAtMs;
    assert.ok(tookMs > 400, `60,000 bytes at 120,000 bytes/s in ${tookMs} ms`);
    assert.equal(client.received().length % 2, 0, 'the same twice');
    assert.equal(plane.count(ROUTE_CELL, CELL.faults + FAULT_KIND.bandwidth), 1);

    const other = clientOf(t, plane);
    other.send(GET.replace('GET /', 'GET /big'));
    await other.until((text) => text.length > 20_000);
    assert.ok(taken < 30_000_000, `the upstream could send ${taken} bytes meanwhile`);
    other.socket.destroy();
    await eventually(() => plane.count(FIRST_CELL, CELL.inFlight) === 0, 'it is given up');
    plane.plane.inject(new Map());
    assert.equal(await askedOn(client, GET), 200, 'not when it is off');
    await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [port]);
  });

  it('comes as it was sent: chunked, in several reads, to several requests on one connection', async (t) => {
    const pieces = Array.from({ length: 5 }, (_, n) => String(n).repeat(2000));
    const port = await httpUpstreamOf(t, (_request, response) => {
      const write = (n: number): void => {
        if (n === pieces.length) response.end();
        else response.write(pieces[n], () => setImmediate(write, n + 1));
      };
      write(0);
    });
    const plane = await planeOf(t, { routes: routesOf(port, { responseBytesPerS: 200_000 }) });
    plane.plane.inject(ON());
    const client = clientOf(t, plane);
    client.send(GET + GET);
    const text = await client.until((received) => received.split('\r\n0\r\n\r\n').length === 3);
    const [first = '', second = ''] = text.split('\r\n0\r\n\r\n');
    const bodyOf = (one: string): string =>
      one.slice(one.indexOf('\r\n\r\n') + 4).replaceAll(/(^|\r\n)[0-9a-f]+\r\n/g, '');
    assert.deepEqual([bodyOf(first), bodyOf(second)], [pieces.join(''), pieces.join('')]);
    await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [port]);
  });
});

describe('a request body that is slowed down', () => {
  it('takes its time, and its client is read no faster', WAITS, async (t) => {
    let sentAtMs = 0;
    let tookMs = 0;
    const port = await httpUpstreamOf(t, (request, response) => {
      let count = 0;
      request.on('data', (chunk: Buffer) => {
        count += chunk.length;
      });
      request.on('end', () => {
        tookMs = performance.now() - sentAtMs;
        response.end(String(count));
      });
    });
    const plane = await planeOf(t, { routes: routesOf(port, { requestBytesPerS: 200_000 }) });
    plane.plane.inject(ON());
    for (const length of [10_000, 150_000]) {
      const client = clientOf(t, plane);
      const body = 'b'.repeat(length);
      const head = `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n\r\n`;
      sentAtMs = performance.now();
      client.send(head + body + (length === 10_000 ? GET : ''));
      const text = await client.until(
        (received) => received.split('200 OK').length === (length === 10_000 ? 3 : 2) && isWhole(received),
      );
      assert.ok(text.includes(`\r\n\r\n${length}`));
      assert.ok(length === 10_000 || tookMs > 500, `150,000 bytes at 200,000 bytes/s in ${tookMs} ms`);
    }
    const leaving = clientOf(t, plane);
    leaving.send(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n${'b'.repeat(300_000)}`);
    await eventually(() => plane.count(FIRST_CELL, CELL.inFlight) === 1, 'it is under way');
    leaving.socket.destroy();
    await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [port]);
  });
});
