/** A plain listener that speaks both: the first bytes tell, however they come. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PREFACE } from '#src/proxy/http2/frames.ts';
import { GET, headers, isAnswered, rawHttp2, SETTINGS } from '../../../support/http/http2.ts';
import {
  answeringOf,
  clientOf,
  eventually,
  oneVersion,
  planeOf,
  turningClock,
} from '../../../support/proxy/running.ts';
import { statusesOf } from '../../../support/raw.ts';
import { WAITS } from '../../../support/runner/depth.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('a plain connection', () => {
  it('of HTTP/1.1 is served as ever, also when it begins like the other', async (t) => {
    const upstream = await answeringOf(t);
    const plane = await planeOf(t, { ...oneVersion(upstream.port), http2: true });
    for (const method of ['GET', 'POST', 'PUT', 'PRINT', 'P']) {
      const client = clientOf(t, plane);
      for (const part of [method.slice(0, 1), method.slice(1), ' / HTTP/1.1\r\nHost: a\r\n', '\r\n']) {
        client.send(part);
        await turn();
      }
      await client.until((text) => text.endsWith('ok'));
      client.send('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
      assert.deepEqual(statusesOf(await client.closed()), [200, 200], method);
    }
  });

  it('whose preface is wrong at its end is one of HTTP/1.1, and refused as that', async (t) => {
    const plane = await planeOf(t, { ...oneVersion(1), http2: true });
    const client = clientOf(t, plane);
    client.send(`${PREFACE.slice(0, -4)}XX\r\n`);
    assert.match(await client.closed(), /^HTTP\/1\.1 (?:405|505) /);
  });

  it('of HTTP/2 is refused where only HTTP/1.1 is spoken', async (t) => {
    const plane = await planeOf(t, oneVersion(1));
    const client = clientOf(t, plane);
    client.send(Buffer.concat([Buffer.from(PREFACE), SETTINGS]));
    assert.match(await client.closed(), /^HTTP\/1\.1 (?:405|505) /);
  });

  it('that says nothing, or half of it, is closed in time', async (t) => {
    const plane = await planeOf(t, { ...oneVersion(1), http2: true, timeouts: { headMs: 50 } });
    const silent = clientOf(t, plane);
    const slow = clientOf(t, plane);
    slow.send(PREFACE.slice(0, 10));
    assert.equal(await silent.closed(), '');
    assert.equal(await slow.closed(), '');
    await eventually(() => plane.plane.listener.connections === 0, 'both are gone');
  });

  it('that was just accepted may still say its first request while the plane drains', WAITS, async (t) => {
    turningClock(t);
    const upstream = await answeringOf(t);
    const plane = await planeOf(t, { ...oneVersion(upstream.port), http2: true });
    const client = rawHttp2(t, plane.port, [Buffer.from(PREFACE.slice(0, 5))]);
    await eventually(() => plane.plane.listener.connections === 1, 'it is accepted');
    const drained = plane.plane.drain();
    client.send(Buffer.from(PREFACE.slice(5)), SETTINGS, headers(1, GET));
    await client.closed();
    assert.ok(isAnswered(client.frames, 1));
    await drained;
  });
});
