/** Live requests over the admin server: for whom, which, how many readers, and what a slow one costs. */

import assert from 'node:assert/strict';
import { createServer, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { suite, type TestContext, test } from 'node:test';
import { isTap, Tapping, type TapReader, type TapSource } from '#src/admin/process/tap.ts';
import { startAdmin } from '#src/admin/server.ts';
import { hashToken } from '#src/admin/token.ts';
import { eventsIn, type StreamEvent } from '#src/cli/live/sse.ts';
import { REASON } from '#src/model/reason.ts';
import type { TapWish } from '#src/model/threads/requests/tap.ts';
import { until } from '../../../support/gateway.ts';
import { listenLoopback } from '../../../support/plane.ts';
import { adminFor, NO_ACTIONS, TOKEN } from '../../../support/readings/admin.ts';
import { sampleView } from '../../../support/readings/view.ts';
import { WAITS } from '../../../support/runner/depth.ts';

const BEARER = { authorization: `Bearer ${TOKEN}` };

/** Readers that are let in, and what they asked for. */
function sourceOf() {
  const open: TapReader[] = [];
  const wishes: TapWish[] = [];
  const source: TapSource = {
    open: (wish, reader) => {
      wishes.push(wish);
      open.push(reader);
      return { kind: 'open', close: () => void open.splice(open.indexOf(reader), 1) };
    },
  };
  return { source, open, wishes };
}

async function read(context: TestContext, url: string, query = ''): Promise<AsyncGenerator<StreamEvent>> {
  const leaving = new AbortController();
  context.after(() => leaving.abort());
  const response = await fetch(`${url}/api/v1/tap${query}`, { headers: BEARER, signal: leaving.signal });
  assert.equal(response.status, 200);
  return eventsIn(response.body as ReadableStream<Uint8Array>);
}

async function next(events: AsyncGenerator<StreamEvent>): Promise<[string, unknown]> {
  const came = await events.next();
  assert.ok(came.done !== true);
  const { name, data } = came.value;
  return [name, JSON.parse(data)];
}

suite('a tap', { timeout: 240_000 }, () => {
  test('is one path, with a query or without', () => {
    assert.deepEqual(['/api/v1/tap', '/api/v1/tap?route=x'].map(isTap), [true, true]);
    assert.deepEqual(['/api/v1/tap/', '/api/v1/taps', '/api/v1/%74ap'].map(isTap), [false, false, false]);
  });

  test('is for bearers of the token, by GET, from no other site', async (context) => {
    const { source, wishes } = sourceOf();
    const url = await adminFor(context, { taps: source });
    const ask = async (init: RequestInit) => (await fetch(`${url}/api/v1/tap`, init)).status;
    assert.equal(await ask({}), 401);
    assert.equal(await ask({ headers: { authorization: 'Bearer another-token-of-length' } }), 401);
    assert.equal(await ask({ headers: { ...BEARER, origin: 'http://evil.example' } }), 403);
    for (const method of ['POST', 'HEAD', 'DELETE']) assert.equal(await ask({ method, headers: BEARER }), 405, method);
    assert.deepEqual(wishes, []);
    assert.equal((await fetch(`${await adminFor(context)}/api/v1/tap`, { headers: BEARER })).status, 404);
  });

  test('asks for what its query says, and for nothing that is not understood', async (context) => {
    const { source, wishes } = sourceOf();
    const url = await adminFor(context, { taps: source });
    await read(context, url);
    await read(context, url, '?route=shop&version=v2&color=blue&status=4xx&outcome=upstream_reset&rate=100');
    await read(context, url, '?status=500-504&outcome=failed');
    await read(context, url, '?status=none&outcome=ok');
    const any = { route: null, version: null, color: null, status: null, outcome: null };
    assert.deepEqual(wishes, [
      { filter: any, perSecond: 10 },
      {
        filter: { route: 'shop', version: 'v2', color: 'blue', status: [400, 499], outcome: REASON.upstreamReset },
        perSecond: 100,
      },
      { filter: { ...any, status: [500, 504], outcome: 'failed' }, perSecond: 10 },
      { filter: { ...any, status: [0, 0], outcome: 'ok' }, perSecond: 10 },
    ]);
    const wrong = ['status=6xx', 'status=504-500', 'status=', 'outcome=bad', 'rate=0', 'rate=101', 'rate=1.5', 'x=1'];
    for (const query of [...wrong, 'route=', 'route=a&route=b', `color=${'c'.repeat(300)}`]) {
      assert.equal((await fetch(`${url}/api/v1/tap?${query}`, { headers: BEARER })).status, 400, query);
    }
  });

  test('is refused as its source says', async (context) => {
    for (const [kind, status] of [
      ['unknown', 404],
      ['busy', 503],
    ] as const) {
      const url = await adminFor(context, { taps: { open: () => ({ kind, detail: 'why' }) } });
      const response = await fetch(`${url}/api/v1/tap`, { headers: BEARER });
      assert.deepEqual([response.status, ((await response.json()) as { detail: string }).detail], [status, 'why']);
    }
  });

  test('shows requests and counts, and is over when its reader leaves', WAITS, async (context) => {
    const { source, open } = sourceOf();
    const url = await adminFor(context, { taps: source });
    const events = await read(context, url);
    assert.deepEqual(await next(events), ['counts', { matched: 0, shown: 0, overRate: 0, dropped: 0 }]);
    open[0]?.take([{ path: '/a' }, { path: '/b' }], { matched: 7, overRate: 4, dropped: 1 });
    assert.deepEqual(await next(events), ['request', { path: '/a' }]);
    assert.deepEqual(await next(events), ['request', { path: '/b' }]);
    assert.deepEqual(await next(events), ['counts', { matched: 7, shown: 2, overRate: 4, dropped: 1 }]);
    await events.return(undefined);
    await until('the tap is closed', () => open.length === 0);
  });

  test('ends when the token is another one, and when the server closes', WAITS, async (context) => {
    const { source, open } = sourceOf();
    let token = TOKEN;
    const actions = { ...NO_ACTIONS, tokenHash: () => hashToken(token) };
    const address = { host: '127.0.0.1', port: 0 };
    const admin = await startAdmin({ address, view: sampleView(), actions, taps: source });
    context.after(() => admin.close());
    const events = await read(context, admin.url);
    token = 'another-token-of-length';
    for await (const { name } of events) assert.equal(name, 'counts');
    await until('the tap is closed', () => open.length === 0);
    token = TOKEN;
    const last = await read(context, admin.url);
    const closing = admin.close();
    for await (const { name } of last) assert.equal(name, 'counts');
    await closing;
  });

  test(
    'keeps nothing for a reader that does not read, counts what that one misses, and cuts it',
    WAITS,
    async (context) => {
      let nowMs = 0;
      const { source, open } = sourceOf();
      const tapping = new Tapping(source, () => nowMs);
      const responses: ServerResponse[] = [];
      const server = createServer((request, response) => {
        const answer = tapping.answer(request, request.url ?? '', NO_ACTIONS);
        assert.ok('take' in answer);
        answer.take(response);
        responses.push(response);
      });
      const port = await listenLoopback(server);
      context.after(() => {
        server.closeAllConnections();
        server.close();
      });
      let text = '';
      const socket = connect(port, '127.0.0.1').on('data', (chunk) => {
        text = text.slice(-1000) + chunk.toString();
      });
      context.after(() => socket.destroy());
      socket.on('error', () => undefined);
      socket.write(`GET /api/v1/tap HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${TOKEN}\r\n\r\n`);
      await until('the tap is open', () => responses.length === 1 && text.includes('counts'));
      const [reader, response] = [open[0] as TapReader, responses[0] as ServerResponse];
      const show = (): void => reader.take([{ path: 'p'.repeat(1_048_576) }], { matched: 1, overRate: 0, dropped: 0 });
      /** The system had time to take what was written, and did not. */
      const isStuck = (): boolean => {
        if (response.writableNeedDrain) return true;
        show();
        return false;
      };
      socket.pause();
      await until('the system takes no more', isStuck);
      for (let n = 0; n < 100; n++) show();
      assert.ok(response.writableLength < 4 * 1_048_576, `${response.writableLength}`);
      socket.resume();
      await until('what was missed is told', () => /"dropped":1\d\d\}/.test(text));

      socket.pause();
      await until('the reader is cut', () => {
        nowMs += 1000;
        show();
        return open.length === 0;
      });
    },
  );
});
