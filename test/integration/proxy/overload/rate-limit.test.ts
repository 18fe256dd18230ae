/** Rate limits with real sockets: who is let through, what the others are told, what is counted. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { REASON } from '#src/model/reason.ts';
import { CELL, GATEWAY_CELL } from '#src/model/tallies.ts';
import { TOKEN_RESULTS } from '#src/model/threads/color.ts';
import { claimsOf, keyOf, signed, tokenConfig } from '../../../support/http/tokens.ts';
import {
  answeringOf,
  askedOn,
  clientOf,
  eventually,
  FIRST_CELL,
  getOf,
  planeOf,
  ROUTE_CELL,
  reasonCount,
} from '../../../support/proxy/running.ts';
import { statusesOf } from '../../../support/raw.ts';

/** So slow that nothing comes back within a test. */
const THREE = { name: 'few', requests: 3, perMs: 3_600_000, burst: 3, by: 'address', scope: 'gateway' } as const;

describe('a limit of three requests', () => {
  it('lets three through on whatever connections, and answers the others itself', async (t) => {
    const upstream = await answeringOf(t);
    const route = { versions: [{ name: 'v1', ports: [upstream.port], weight: 1 }], rateLimits: [THREE] };
    const plane = await planeOf(t, { routes: [route] });
    const clients = Array.from({ length: 5 }, () => clientOf(t, plane));
    const statuses: number[] = [];
    for (const client of clients) statuses.push(await askedOn(client, getOf('/')));
    assert.deepEqual(statuses, [200, 200, 200, 429, 429]);
    const refused = clientOf(t, plane);
    refused.send(getOf('/'));
    const text = await refused.until((all) => all.includes('"reason":"rate_limited"'));
    assert.match(text, /\r\nRetry-After: \d+\r\nRateLimit-Policy: "few";q=3;w=3600\r\nRateLimit: "few";r=0;t=\d+\r\n/);
    // The connection is as good as before.
    assert.equal(await askedOn(refused, getOf('/again')), 429);
    await eventually(() => plane.count(FIRST_CELL, CELL.finished) === 3, 'three at the version');
    assert.equal(reasonCount(plane, ROUTE_CELL, REASON.rateLimited), 4);
    assert.equal(plane.count(ROUTE_CELL, CELL.bad), 0);
  });

  it('refuses an upgrade like a request', async (t) => {
    const upstream = await answeringOf(t);
    const route = {
      versions: [{ name: 'v1', ports: [upstream.port], weight: 1 }],
      rateLimits: [{ ...THREE, burst: 1 }],
    };
    const plane = await planeOf(t, { routes: [route] });
    const client = clientOf(t, plane);
    assert.equal(await askedOn(client, getOf('/')), 200);
    client.send(getOf('/', 'Connection: Upgrade\r\nUpgrade: websocket\r\n'));
    assert.deepEqual(statusesOf(await client.until((text) => statusesOf(text).length === 2)), [200, 429]);
  });

  it('keeps what it counted when the configuration is reloaded, until it is another limit', async (t) => {
    const upstream = await answeringOf(t);
    const sketch = (requests: number) => ({
      routes: [
        {
          versions: [{ name: 'v1', ports: [upstream.port], weight: 1 }],
          rateLimits: [{ ...THREE, requests, burst: 1 }],
        },
      ],
    });
    const plane = await planeOf(t, sketch(3));
    const client = clientOf(t, plane);
    assert.equal(await askedOn(client, getOf('/')), 200);
    plane.swap(sketch(3));
    assert.equal(await askedOn(client, getOf('/')), 429);
    plane.swap(sketch(4));
    assert.equal(await askedOn(client, getOf('/')), 200);
  });
});

describe('a limit on a route whose versions are pinned by tokens', () => {
  it('looks at no token of a client that is over it, and counts each request once', async (t) => {
    const upstream = await answeringOf(t);
    const versions = ['v1', 'v2'].map((name) => ({ name, ports: [upstream.port], weight: 1 }));
    const plane = await planeOf(t, {
      color: { jwt: tokenConfig() },
      routes: [{ versions, rateLimits: [THREE] }],
    });
    const forger = keyOf('unknown');
    const client = clientOf(t, plane);
    const statuses: number[] = [];
    for (let n = 0; n < 8; n++) {
      const token = signed(forger, claimsOf(Date.now(), { jti: `${n}` }));
      statuses.push(await askedOn(client, getOf('/', `Authorization: Bearer ${token}\r\n`)));
    }
    assert.deepEqual(statuses, [200, 200, 200, 429, 429, 429, 429, 429]);
    const looked = TOKEN_RESULTS.map((_, index) => plane.count(GATEWAY_CELL, CELL.tokens + index));
    assert.equal(
      looked.reduce((sum, count) => sum + count, 0),
      3,
    );
  });
});
