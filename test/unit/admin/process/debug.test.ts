/** Diagnostics as a bearer of the token gets them, and as everybody else does not. */

import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { suite, type TestContext, test } from 'node:test';
import type { AdminActions } from '#src/admin/commands.ts';
import { type DebugActions, debugTarget } from '#src/admin/process/debug.ts';
import { type AdminServer, startAdmin } from '#src/admin/server.ts';
import { hashToken } from '#src/admin/token.ts';
import type { ProfileWish } from '#src/model/threads/load/saturation.ts';
import { sampleView } from '../../../support/readings/view.ts';

const TOKEN = 'sixteen-visible-characters';
const BEARER = { authorization: `Bearer ${TOKEN}` };
const JSON_BODY = { ...BEARER, 'content-type': 'application/json' };

async function start(
  context: TestContext,
  debug: Partial<DebugActions> = {},
  token: string | null = TOKEN,
): Promise<AdminServer> {
  const none = (): never => assert.fail('nothing is commanded here');
  const actions: AdminActions = {
    tokenHash: () => (token === null ? null : hashToken(token)),
    command: none,
    restore: none,
    configure: none,
    stopFaults: none,
    restart: none,
    setWeights: none,
    onRefused: () => undefined,
  };
  const all: DebugActions = {
    profile: () => Promise.resolve(Buffer.from('{"nodes":[]}')),
    heapSnapshot: () => Readable.from(['{"snap', 'shot":{}}']),
    config: () => ({ adminTokenHash: '[redacted]' }),
    ...debug,
  };
  const admin = await startAdmin({ address: { host: '127.0.0.1', port: 0 }, view: sampleView(), actions, debug: all });
  context.after(() => admin.close());
  return admin;
}

suite('debug', { timeout: 120_000 }, () => {
  test('a path names one of them, exactly', () => {
    assert.equal(debugTarget('/api/v1/debug/heap-snapshot'), 'heap-snapshot');
    for (const path of [
      '/api/v1/debug/',
      '/api/v1/debug/profile/',
      '/api/v1/debug/profile?x',
      '/api/v1/debug/%70rofile',
    ]) {
      assert.equal(debugTarget(path), null, path);
    }
  });

  test('nobody without the token is told anything, by no method and from no other site', async (context) => {
    const admin = await start(context);
    const ask = async (path: string, init: RequestInit): Promise<number> =>
      (await fetch(`${admin.url}/api/v1/debug/${path}`, init)).status;
    for (const [path, method] of [
      ['profile', 'POST'],
      ['heap-snapshot', 'POST'],
      ['config', 'GET'],
      ['report', 'GET'],
    ] as const) {
      assert.equal(await ask(path, { method }), 401, path);
      assert.equal(
        await ask(path, { method, headers: { authorization: 'Bearer another-token-of-length' } }),
        401,
        path,
      );
      assert.equal(await ask(path, { method, headers: { ...BEARER, origin: 'http://evil.example' } }), 403, path);
      assert.equal(await ask(path, { method: 'DELETE', headers: BEARER }), 405, path);
    }
    const readOnly = await start(context, {}, null);
    assert.equal((await fetch(`${readOnly.url}/api/v1/debug/config`, { headers: BEARER })).status, 403);
  });

  test('a profile is of the thread, kind and length that were asked for, and bad wishes are refused', async (context) => {
    const wishes: (readonly [string, ProfileWish])[] = [];
    const profile = (thread: string, wish: ProfileWish): Promise<Uint8Array> | null => {
      wishes.push([thread, wish]);
      if (thread === 'worker-7') return null;
      return wish.kind === 'heap'
        ? Promise.reject(new Error('it ended'))
        : Promise.resolve(Buffer.from('{"nodes":[]}'));
    };
    const admin = await start(context, { profile });
    const ask = (body: string): Promise<Response> =>
      fetch(`${admin.url}/api/v1/debug/profile`, { method: 'POST', headers: JSON_BODY, body });
    const done = await ask('{"thread": "worker-0", "seconds": 2}');
    assert.deepEqual([done.status, await done.json()], [200, { nodes: [] }]);
    assert.match(done.headers.get('content-disposition') ?? '', /filename="worker-0\.cpuprofile"/);
    assert.deepEqual(wishes, [['worker-0', { kind: 'cpu', lengthMs: 2000, bytesMax: 67_108_864 }]]);
    const refused: readonly (readonly [string, number])[] = [
      ['{"kind": "net"}', 400],
      ['{"thread": "../main"}', 400],
      ['{"seconds": 11}', 400],
      ['{"seconds": 0}', 400],
      ['{"more": 1}', 400],
      ['nonsense', 400],
      ['{"thread": "worker-7"}', 404],
      ['{"kind": "heap"}', 503],
      [`{"kind": "${'x'.repeat(5000)}"}`, 413],
    ];
    for (const [body, status] of refused) assert.equal((await ask(body)).status, status, body.slice(0, 40));
  });

  test('one at a time: the next is refused until the first is there, also after a failure', async (context) => {
    const first = Promise.withResolvers<Uint8Array>();
    const asked = Promise.withResolvers<void>();
    const admin = await start(context, {
      profile: () => {
        asked.resolve();
        return first.promise;
      },
    });
    const ask = (what: string): Promise<Response> =>
      fetch(`${admin.url}/api/v1/debug/${what}`, { method: 'POST', headers: BEARER });
    const running = ask('profile');
    await asked.promise;
    assert.equal((await ask('profile')).status, 409);
    assert.equal((await ask('heap-snapshot')).status, 409);
    first.reject(new Error('the worker ended'));
    assert.equal((await running).status, 503);
    const snapshot = await ask('heap-snapshot');
    assert.equal(await snapshot.text(), '{"snapshot":{}}');
  });

  test('the report has status, configuration, decisions and metrics', async (context) => {
    const admin = await start(context);
    const report = (await (await fetch(`${admin.url}/api/v1/debug/report`, { headers: BEARER })).json()) as Record<
      string,
      unknown
    >;
    assert.deepEqual(Object.keys(report), [
      'sluice',
      'runtime',
      'machine',
      'process',
      'status',
      'config',
      'revisions',
      'decisions',
      'metrics',
    ]);
    assert.doesNotMatch(JSON.stringify(report), new RegExp(TOKEN));
    assert.deepEqual(report['config'], { adminTokenHash: '[redacted]' });
  });
});
