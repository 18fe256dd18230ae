/** Commands over the admin server, as their senders send them and as attackers would. */

import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { suite, type TestContext, test } from 'node:test';
import { type AdminActions, BODY_BYTES_MAX, commandTarget } from '#src/admin/commands.ts';
import { type AdminServer, startAdmin } from '#src/admin/server.ts';
import { hashToken } from '#src/admin/token.ts';
import type { CommandResult, RolloutCommand } from '#src/model/rollout.ts';
import type { ConfigCommand } from '#src/model/threads/revision.ts';
import { sampleDecision } from '../../support/readings/status.ts';
import { sampleView } from '../../support/readings/view.ts';

const TOKEN = 'sixteen-visible-characters';
const PATH = '/api/v1/rollouts/checkout/pause';
const HOLD = { route: 'checkout', generation: 'a', because: '', weights: [] };

interface Rig {
  readonly admin: AdminServer;
  readonly commands: RolloutCommand[];
  readonly configured: ConfigCommand[];
  readonly refused: string[];
}

async function start(
  context: TestContext,
  changes: { readonly token?: string | null; readonly result?: CommandResult } = {},
): Promise<Rig> {
  const commands: RolloutCommand[] = [];
  const configured: ConfigCommand[] = [];
  const refused: string[] = [];
  const { token = TOKEN, result = { kind: 'done', decision: sampleDecision(), holds: [HOLD] } } = changes;
  const actions: AdminActions = {
    tokenHash: () => (token === null ? null : hashToken(token)),
    command: (command) => {
      commands.push(command);
      return result;
    },
    restore: ({ route, by, reason }) => {
      if (route !== 'checkout') return { kind: 'refused', detail: 'no version is offline' };
      const change = {
        route,
        service: 's',
        version: 'v1',
        before: 'offline',
        after: 'steady',
        by,
        sentence: reason,
      } as const;
      return { kind: 'restored', changes: [change] };
    },
    configure: (command) => {
      configured.push(command);
      const to = command.name === 'rollback' ? command.to : '';
      if (to === '99') return Promise.resolve({ kind: 'unknown', detail: 'there is no revision 99' });
      if (to === '8') return new Promise<never>(() => undefined);
      if (to === '3') return Promise.resolve({ kind: 'refused', detail: 'it was let go' });
      return Promise.resolve({ kind: 'done', sentence: `${command.name} done`, number: 5, hash: 'ab' });
    },
    stopFaults: ({ by, reason }) =>
      reason === 'none' ? { kind: 'refused', detail: 'there is none' } : { kind: 'stopped', ids: [`${by}/${reason}`] },
    configureMs: 20,
    restart: () => ({ kind: 'begun', pid: 4711, limitMs: 100_000 }),
    setWeights: () => Promise.resolve({ kind: 'unknown', detail: '' }),
    onRefused: (_, because) => refused.push(because),
  };
  const view = sampleView();
  const admin = await startAdmin({ address: { host: '127.0.0.1', port: 0 }, view, actions });
  context.after(() => admin.close());
  return { admin, commands, configured, refused };
}

interface Sent {
  readonly method?: string;
  readonly path?: string;
  readonly body?: string;
  /** Replaces the usual ones; an empty value leaves a field out. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** Sends a command with the token and gives the answer's status and text. */
function send(port: number, sent: Sent = {}): Promise<{ status: number; text: string }> {
  const { method = 'POST', path = PATH, body = '', headers = {} } = sent;
  const fields = Object.entries({
    host: `127.0.0.1:${port}`,
    authorization: `Bearer ${TOKEN}`,
    connection: 'close',
    ...(body === '' ? {} : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)) }),
    ...headers,
  }).filter(([, value]) => value !== '');
  const head = [`${method} ${path} HTTP/1.1`, ...fields.map(([name, value]) => `${name}: ${value}`)].join('\r\n');
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(`${head}\r\n\r\n${body}`));
    let text = '';
    socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
    socket.on('error', reject);
    socket.on('close', () => resolve({ status: Number(text.slice(9, 12)), text }));
  });
}

suite('commands', { timeout: 120_000 }, () => {
  test('a restart needs the token, and tells which process begins', async (context) => {
    const { admin, refused, commands } = await start(context);
    const { status, text } = await send(admin.port, { path: '/api/v1/restart' });
    assert.equal(status, 202);
    assert.match(text, /"pid": 4711/);
    assert.equal((await send(admin.port, { path: '/api/v1/restart', headers: { authorization: '' } })).status, 401);
    assert.equal((await send(admin.port, { path: '/api/v1/restart', method: 'GET' })).status, 405);
    assert.deepEqual([refused.length, commands.length], [1, 0]);
  });

  test('one with the token is done, and its decision is the answer', async (context) => {
    const { admin, commands } = await start(context);
    const { status, text } = await send(admin.port, { body: '{"reason": "a\\u0000b\\n[31mc", "fix": true}' });
    assert.equal(status, 200);
    assert.match(text, /"kind": "rollback"/);
    const [command] = commands;
    assert.deepEqual(command, { route: 'checkout', name: 'pause', by: 'api', reason: 'a b [31mc', isFix: true });
    assert.equal((await send(admin.port)).status, 200, 'a body is not needed');
    assert.deepEqual([commands.length, commands[1]?.reason], [2, '']);
  });

  test('one that the rollout refuses says why', async (context) => {
    const refused = await start(context, { result: { kind: 'refused', detail: 'it is idle: start it first' } });
    const { status, text } = await send(refused.admin.port);
    assert.deepEqual([status, text.includes('it is idle: start it first')], [409, true]);
    const unknown = await start(context, { result: { kind: 'unknown', detail: 'no such route' } });
    assert.equal((await send(unknown.admin.port)).status, 404);
  });

  const attacks: readonly [string, number, Sent][] = [
    ['without a token', 401, { headers: { authorization: '' } }],
    ['with a wrong token', 401, { headers: { authorization: 'Bearer sixteen-visible-characterz' } }],
    ['with a token that only begins right', 401, { headers: { authorization: `Bearer ${TOKEN}x` } }],
    ['with the token as a password', 401, { headers: { authorization: `Basic ${btoa(`:${TOKEN}`)}` } }],
    ['with an empty token', 401, { headers: { authorization: 'Bearer ' } }],
    ['with the hash of the token', 401, { headers: { authorization: `Bearer ${hashToken(TOKEN)}` } }],
    ['with the token in the query', 404, { path: `${PATH}?token=${TOKEN}`, headers: { authorization: '' } }],
    ['by a name that was rebound', 421, { headers: { host: 'evil.example' } }],
    ['from another origin', 403, { headers: { origin: 'https://evil.example' } }],
    ['from an opaque origin', 403, { headers: { origin: 'null' } }],
    ['from another port of this host', 403, { headers: { origin: 'http://127.0.0.1:1' } }],
    ['from another site, as its browser says', 403, { headers: { 'sec-fetch-site': 'cross-site' } }],
    ['from a sibling site', 403, { headers: { 'sec-fetch-site': 'same-site' } }],
    ['as a form', 415, { body: 'reason=x', headers: { 'content-type': 'application/x-www-form-urlencoded' } }],
    ['as text, which needs no preflight', 415, { body: '{"reason": "x"}', headers: { 'content-type': 'text/plain' } }],
    ['with GET', 405, { method: 'GET' }],
    ['with a preflight', 405, { method: 'OPTIONS', headers: { origin: 'https://evil.example' } }],
    ['with a body that is too long', 413, { body: `{"reason": "${'x'.repeat(BODY_BYTES_MAX)}"}` }],
    ['with a body that is no JSON', 400, { body: '{reason' }],
    ['with a list', 400, { body: '[]' }],
    ['with a field that is not known', 400, { body: '{"fixx": true}' }],
    ['with __proto__', 400, { body: '{"__proto__": {"fix": true}}' }],
    ['with a reason that is no text', 400, { body: '{"reason": 1}' }],
    ['with a reason as long as a log', 400, { body: `{"reason": "${'x'.repeat(501)}"}` }],
    ['with a fix that is no flag', 400, { body: '{"fix": "yes"}' }],
    ['of a name that is not known', 405, { path: '/api/v1/rollouts/checkout/destroy' }],
    ['by an encoded path', 405, { path: '/api/v1/rollouts/checkout/%70ause' }],
    ['by a path with dots', 405, { path: '/api/v1/x/../rollouts/checkout/pause' }],
    ['by a doubled slash', 405, { path: '//api/v1/rollouts/checkout/pause' }],
  ];
  for (const [name, expected, sent] of attacks) {
    test(`one ${name} is refused and does nothing`, async (context) => {
      const { admin, commands } = await start(context);
      const { status, text } = await send(admin.port, sent);
      // A query is no part of a command's path, so nothing is there to be sent a POST.
      assert.equal(status, expected === 404 ? 405 : expected, text);
      assert.deepEqual(commands, []);
      assert.ok(!text.toLowerCase().includes('access-control-allow'), 'no other origin is ever allowed');
      assert.ok(!text.includes(TOKEN), 'the token is not repeated');
    });
  }

  test('two tokens, or two hosts, are none', async (context) => {
    const { admin, commands } = await start(context);
    const auth = `Bearer x\r\nauthorization: Bearer ${TOKEN}`;
    assert.equal((await send(admin.port, { headers: { authorization: auth } })).status, 401);
    const host = `127.0.0.1:${admin.port}\r\nhost: evil.example`;
    assert.match(String((await send(admin.port, { headers: { host } })).status), /^4(?:00|21)$/);
    assert.deepEqual(commands, []);
  });

  test('a chunked body is bounded as it comes', async (context) => {
    const { admin, commands } = await start(context);
    const chunk = `${BODY_BYTES_MAX.toString(16)}\r\n${' '.repeat(BODY_BYTES_MAX)}\r\n`;
    const headers = { 'content-type': 'application/json', 'content-length': '', 'transfer-encoding': 'chunked' };
    const { status } = await send(admin.port, { body: `${chunk}${chunk}0\r\n\r\n`, headers });
    assert.equal(status, 413);
    assert.deepEqual(commands, []);
  });

  test('a command to the configuration that takes too long is answered as one that may have been done', async (context) => {
    const { admin } = await start(context);
    const body = '{"reason": "r", "revision": "8"}';
    const { status, text } = await send(admin.port, { path: '/api/v1/config/rollback', body });
    assert.equal(status, 504);
    assert.match(text, /Unknown whether it was done, look again/);
  });

  test('without a configured token nobody may, and the page says how to change that', async (context) => {
    const { admin, commands, refused } = await start(context, { token: null });
    const { status, text } = await send(admin.port);
    assert.deepEqual([status, text.includes('read only: no token is configured')], [403, true]);
    assert.equal(refused.length, 1);
    assert.deepEqual(commands, []);
  });

  test('faults on purpose are stopped, with the token', async (context) => {
    const { admin } = await start(context);
    const stop = (reason: string) =>
      send(admin.port, { path: '/api/v1/faults/stop', body: JSON.stringify({ reason }) });
    const done = await stop('enough');
    assert.equal(done.status, 200);
    assert.match(done.text, /"stopped": \[\s*"api\/enough"\s*\]/);
    assert.equal((await stop('none')).status, 409);
    const strange = await send(admin.port, { path: '/api/v1/faults/stop', headers: { authorization: '' } });
    assert.equal(strange.status, 401);
  });

  test('a restore brings versions of a route back, or says why not', async (context) => {
    const { admin } = await start(context);
    const restore = (route: string) =>
      send(admin.port, { path: `/api/v1/routes/${route}/restore`, body: '{"reason":"mended"}' });
    const done = await restore('checkout');
    assert.equal(done.status, 200);
    assert.match(done.text, /"by": "api",\s+"sentence": "mended"/);
    assert.equal((await restore('other')).status, 409);
  });

  test('a rollback of the configuration takes a revision and a reason, unpin neither', async (context) => {
    const { admin, commands, configured, refused } = await start(context);
    const rollback = (body: string) => send(admin.port, { path: '/api/v1/config/rollback', body });
    const done = await rollback('{"reason": "it broke", "revision": "4"}');
    assert.equal(done.status, 200);
    assert.match(done.text, /"sentence": "rollback done",\s+"number": 5,\s+"hash": "ab"/);
    assert.equal((await rollback('{"reason": "it broke"}')).status, 200);
    assert.equal((await send(admin.port, { path: '/api/v1/config/unpin' })).status, 200);
    const said = { name: 'rollback', by: 'api', reason: 'it broke' } as const;
    assert.deepEqual(configured, [
      { ...said, to: '4' },
      { ...said, to: '' },
      { name: 'unpin', by: 'api', reason: '' },
    ]);
    const wrong: readonly [string, number, RegExp][] = [
      ['{"revision": "4"}', 400, /A rollback needs a reason/],
      ['{"reason": "r", "revision": 4}', 400, /revision is a number or a hash, as text/],
      [`{"reason": "r", "revision": "${'a'.repeat(65)}"}`, 400, /revision is a number or a hash, as text/],
      ['{"reason": "r", "revision": "99"}', 404, /there is no revision 99/],
      ['{"reason": "r", "revision": "3"}', 409, /it was let go/],
    ];
    for (const [body, status, text] of wrong) {
      const answer = await rollback(body);
      assert.equal(answer.status, status, body);
      assert.match(answer.text, text);
    }
    assert.equal((await send(admin.port, { body: '{"revision": "4"}' })).status, 400, 'others take none');
    const headers = { authorization: '' };
    assert.equal((await send(admin.port, { path: '/api/v1/config/rollback', headers })).status, 401);
    assert.deepEqual([configured.length, commands.length, refused.length], [5, 0, 1]);
  });

  test('a browser on the same origin, with the token, may', async (context) => {
    const { admin } = await start(context);
    const headers = { origin: `http://127.0.0.1:${admin.port}`, 'sec-fetch-site': 'same-origin' };
    assert.equal((await send(admin.port, { headers })).status, 200);
  });
});

test('a path names a command exactly, or none', () => {
  assert.deepEqual(commandTarget(PATH), { route: 'checkout', name: 'pause' });
  for (const path of ['', '/api/v1/rollouts/checkout', `${PATH}/`, `${PATH}?x`, PATH.toUpperCase()]) {
    assert.equal(commandTarget(path), null, path);
  }
});
