/** Weights over the admin server, as their senders send them and as attackers would. */

import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { suite, type TestContext, test } from 'node:test';
import { BODY_BYTES_MAX } from '#src/admin/commands.ts';
import { startAdmin } from '#src/admin/server.ts';
import { hashToken } from '#src/admin/token.ts';
import { weightsTarget } from '#src/admin/weights.ts';
import type { WeightsAnswer, WeightsCommand } from '#src/model/rollout.ts';
import type { WeightsView } from '#src/model/status.ts';
import { sampleView } from '../../support/readings/view.ts';

const TOKEN = 'sixteen-visible-characters';
const PATH = '/api/v1/routes/checkout/weights';
const BODY = '{"weights": {"v1": 90, "v2": 10}, "reason": "evening\\u0000\\npeak"}';
const VIEW: WeightsView = {
  route: 'checkout',
  document: 'consul sluice/weights/checkout',
  revision: '17',
  weights: { v1: 90 },
  reason: '',
  problem: '',
  inForce: null,
  versions: [],
};

async function start(
  context: TestContext,
  changes: { readonly token?: string | null; readonly answer?: WeightsAnswer; readonly view?: WeightsView | null } = {},
) {
  const { token = TOKEN, answer = { kind: 'written', document: 'd', revision: '18' }, view: shown = VIEW } = changes;
  const commands: WeightsCommand[] = [];
  const refused: string[] = [];
  const no = { kind: 'refused', detail: 'not asked' } as const;
  const admin = await startAdmin({
    address: { host: '127.0.0.1', port: 0 },
    view: sampleView({ weights: (route) => Promise.resolve(route === 'checkout' ? shown : null) }),
    actions: {
      tokenHash: () => (token === null ? null : hashToken(token)),
      command: () => no,
      restore: () => no,
      stopFaults: () => ({ kind: 'refused', detail: 'not asked' }) as const,
      restart: () => no,
      configure: () => Promise.resolve({ kind: 'refused', detail: 'not asked' }),
      setWeights: (command) => {
        commands.push(command);
        return Promise.resolve(answer);
      },
      onRefused: (_, because) => refused.push(because),
    },
  });
  context.after(() => admin.close());
  return { admin, commands, refused };
}

interface Sent {
  readonly method?: string;
  readonly path?: string;
  readonly body?: string;
  /** Replaces the usual ones; an empty value leaves a field out. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** Sends weights with token and condition and gives the answer's status and text. */
function send(port: number, sent: Sent = {}): Promise<{ status: number; text: string }> {
  const { method = 'PUT', path = PATH, body = BODY, headers = {} } = sent;
  const fields = Object.entries({
    host: `127.0.0.1:${port}`,
    authorization: `Bearer ${TOKEN}`,
    'if-match': '"17"',
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

suite('weights over the admin server', { timeout: 120_000 }, () => {
  test('are shown to anybody, with the revision as ETag', async (context) => {
    const { admin } = await start(context);
    const { status, text } = await send(admin.port, { method: 'GET', body: '', headers: { authorization: '' } });
    assert.equal(status, 200);
    assert.match(text, /\r\netag: "17"\r\n/);
    assert.match(text, /"document": "consul sluice\/weights\/checkout"/);
    assert.equal((await send(admin.port, { method: 'HEAD', body: '' })).status, 200);
    assert.equal(
      (await send(admin.port, { method: 'GET', body: '', path: PATH.replace('checkout', 'x') })).status,
      404,
    );
    assert.equal((await send(admin.port, { method: 'GET' })).status, 413);
  });

  test('whose store is away have no ETag', async (context) => {
    const { admin } = await start(context, { view: { ...VIEW, revision: null, problem: 'it is away' } });
    const { status, text } = await send(admin.port, { method: 'GET', body: '' });
    assert.deepEqual([status, /etag/i.test(text), text.includes('it is away')], [200, false, true]);
  });

  test('are set against the revision that was seen, and answered with the new one', async (context) => {
    const { admin, commands } = await start(context);
    const { status, text } = await send(admin.port);
    assert.equal(status, 200);
    assert.match(text, /\r\netag: "18"\r\n/);
    const weights = { v1: 90, v2: 10 };
    assert.deepEqual(commands, [{ route: 'checkout', weights, revision: '17', by: 'api', reason: 'evening peak' }]);
    assert.equal((await send(admin.port, { body: '{"weights": {}}' })).status, 200);
    assert.deepEqual([commands[1]?.weights, commands[1]?.reason], [{}, '']);
  });

  const present = { revision: '19', weights: { v1: 1 } };
  const answers: readonly [WeightsAnswer, number][] = [
    [{ kind: 'unknown', detail: 'there is no route' }, 404],
    [{ kind: 'invalid', detail: 'v3: expected a version' }, 400],
    [{ kind: 'refused', detail: 'nowhere' }, 409],
    [{ kind: 'conflict', detail: 'not at revision 17', present }, 412],
    [{ kind: 'unavailable', detail: 'nothing was written' }, 503],
    [{ kind: 'unconfirmed', detail: 'look again' }, 504],
  ];
  for (const [answer, expected] of answers) {
    test(`that are ${answer.kind} are answered with ${expected} and why`, async (context) => {
      const { admin } = await start(context, { answer });
      const { status, text } = await send(admin.port);
      assert.equal(status, expected);
      const body = JSON.parse(text.slice(text.indexOf('\r\n\r\n'))) as Record<string, unknown>;
      assert.deepEqual([body['outcome'], body['detail']], [answer.kind, 'detail' in answer ? answer.detail : '']);
      assert.deepEqual(body['present'], answer.kind === 'conflict' ? present : undefined);
    });
  }

  const attacks: readonly [string, number, Sent][] = [
    ['without a token', 401, { headers: { authorization: '' } }],
    ['with a wrong token', 401, { headers: { authorization: 'Bearer sixteen-visible-characterz' } }],
    ['with the hash of the token', 401, { headers: { authorization: `Bearer ${hashToken(TOKEN)}` } }],
    ['by a name that was rebound', 421, { headers: { host: 'evil.example' } }],
    ['from another origin', 403, { headers: { origin: 'https://evil.example' } }],
    ['from another site, as its browser says', 403, { headers: { 'sec-fetch-site': 'cross-site' } }],
    ['as text, which needs no preflight', 415, { headers: { 'content-type': 'text/plain' } }],
    ['as a form', 415, { headers: { 'content-type': 'application/x-www-form-urlencoded' } }],
    ['with POST', 405, { method: 'POST' }],
    ['with DELETE', 405, { method: 'DELETE' }],
    ['with a preflight', 405, { method: 'OPTIONS', headers: { origin: 'https://evil.example' } }],
    ['without a condition', 428, { headers: { 'if-match': '' } }],
    ['with any revision', 400, { headers: { 'if-match': '*' } }],
    ['with several revisions', 400, { headers: { 'if-match': '"17", "18"' } }],
    ['with a weak revision', 400, { headers: { 'if-match': 'W/"17"' } }],
    ['with a revision that is none', 400, { headers: { 'if-match': '"1&x=y"' } }],
    ['with a body that is too long', 413, { body: `{"weights": {}, "reason": "${'x'.repeat(BODY_BYTES_MAX)}"}` }],
    ['without a body', 400, { body: '' }],
    ['with a body that is no JSON', 400, { body: '{weights' }],
    ['with a list', 400, { body: '{"weights": [90, 10]}' }],
    ['with nothing', 400, { body: '{"weights": null}' }],
    ['with a share', 400, { body: '{"weights": {"v1": 0.5}}' }],
    ['with a negative weight', 400, { body: '{"weights": {"v1": -1}}' }],
    ['with a huge weight', 400, { body: '{"weights": {"v1": 1e300}}' }],
    ['with text for a weight', 400, { body: '{"weights": {"v1": "90"}}' }],
    ['with a field that is not known', 400, { body: '{"weights": {}, "by": "root"}' }],
    ['with __proto__', 400, { body: '{"weights": {}, "__proto__": {"reason": "x"}}' }],
    ['with a reason that is no text', 400, { body: '{"weights": {}, "reason": 1}' }],
    ['with a reason as long as a log', 400, { body: `{"weights": {}, "reason": "${'x'.repeat(501)}"}` }],
    ['by an encoded path', 405, { path: '/api/v1/routes/checkout/%77eights' }],
    ['of a route with a slash', 405, { path: '/api/v1/routes/a%2f..%2fb/weights' }],
  ];
  for (const [name, expected, sent] of attacks) {
    test(`sent ${name} are refused and nothing is done`, async (context) => {
      const { admin, commands } = await start(context);
      const { status, text } = await send(admin.port, sent);
      assert.equal(status, expected, text);
      assert.deepEqual(commands, []);
      assert.ok(!text.toLowerCase().includes('access-control-allow'), 'no other origin is ever allowed');
      assert.ok(!text.includes(TOKEN), 'the token is not repeated');
    });
  }

  test('sent in chunks are bounded as they come', async (context) => {
    const { admin, commands } = await start(context);
    const chunk = `${BODY_BYTES_MAX.toString(16)}\r\n${' '.repeat(BODY_BYTES_MAX)}\r\n`;
    const headers = { 'content-length': '', 'transfer-encoding': 'chunked' };
    assert.equal((await send(admin.port, { body: `${chunk}${chunk}0\r\n\r\n`, headers })).status, 413);
    assert.deepEqual(commands, []);
  });

  test('are not set where no token is configured', async (context) => {
    const { admin, commands, refused } = await start(context, { token: null });
    const { status, text } = await send(admin.port);
    assert.deepEqual([status, text.includes('read only: no token is configured')], [403, true]);
    assert.deepEqual([commands.length, refused.length], [0, 1]);
  });
});

test('a path names the weights of a route exactly, or none', () => {
  assert.equal(weightsTarget(PATH), 'checkout');
  for (const path of [
    '',
    '/api/v1/routes/weights',
    `${PATH}/`,
    `${PATH}?x`,
    PATH.toUpperCase(),
    '/api/v1/routes//weights',
  ]) {
    assert.equal(weightsTarget(path), null, path);
  }
});
