/** The OpenAPI document against the server that it describes, both ways. */

import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { suite, type TestContext, test } from 'node:test';
import { fromJSONSchema } from 'zod';
import { apiDocument } from '#src/admin/api/document.ts';
import { OPERATIONS } from '#src/admin/api/operations.ts';
import type { Operation } from '#src/admin/api/parts.ts';
import { SCHEMAS, type Schema } from '#src/admin/api/schemas.ts';
import type { AdminActions } from '#src/admin/commands.ts';
import { type AdminServer, startAdmin } from '#src/admin/server.ts';
import { hashToken } from '#src/admin/token.ts';
import type { WeightsView } from '#src/model/status.ts';
import { sampleDecision } from '../../../support/readings/status.ts';
import { sampleView } from '../../../support/readings/view.ts';

const TOKEN = 'sixteen-visible-characters';
const WEIGHTS: WeightsView = {
  route: 'shop',
  document: 'w',
  revision: 'ab',
  weights: { v1: 1 },
  reason: '',
  problem: '',
  inForce: null,
  versions: [],
};

function actions(): AdminActions {
  const decision = sampleDecision();
  return {
    tokenHash: () => hashToken(TOKEN),
    command: () => ({ kind: 'done', decision, holds: [] }),
    restore: () => ({ kind: 'restored', changes: [] }),
    configure: () => Promise.resolve({ kind: 'done', sentence: 's', number: 5, hash: 'ab' }),
    stopFaults: () => ({ kind: 'stopped', ids: ['shop/0'] }),
    restart: () => ({ kind: 'begun', pid: 12, limitMs: 100_000 }),
    alert: ({ name }) =>
      Promise.resolve(name === 'test' ? { kind: 'sent', tookMs: 5 } : { kind: 'retried', letters: 2 }),
    setWeights: () => Promise.resolve({ kind: 'written', document: 'w', revision: 'ac' }),
    onRefused: () => undefined,
  };
}

async function start(context: TestContext): Promise<AdminServer> {
  const view = sampleView({
    weights: (route) => Promise.resolve(route === 'shop' ? WEIGHTS : null),
    explainSetting: () => Promise.resolve({ kind: 'refused', detail: 'no such setting' }),
  });
  const admin = await startAdmin({
    address: { host: '127.0.0.1', port: 0 },
    view,
    actions: actions(),
    steer: {
      reload: async () => ({ kind: 'done', outcome: 'accepted', number: 5, hash: 'ab', problems: [], unanswered: [] }),
      drain: () => ({ delayMs: 0, timeoutMs: 1 }),
    },
    taps: { open: () => ({ kind: 'open', close: () => undefined }) },
    debug: {
      profile: () => Promise.resolve(Buffer.from('{}')),
      heapSnapshot: () => Readable.from(['{}']),
      config: () => ({}),
    },
  });
  context.after(() => admin.close());
  return admin;
}

/** What an operation needs besides its path to be answered with success. */
const BODIES: Readonly<Record<string, unknown>> = {
  rollback: { reason: 'it broke search' },
  setWeights: { weights: { v1: 1 }, reason: 'why' },
};
const QUERIES: Readonly<Record<string, string>> = { boardHistory: '?route=checkout', health: '?include=config' };

async function ask(admin: AdminServer, { id, method, path, needsToken, body }: Operation): Promise<Response> {
  const filled = path.replace('{route}', 'shop').replace('{channel}', 'oncall').replace('{command}', 'pause');
  const headers: Record<string, string> = needsToken === true ? { authorization: `Bearer ${TOKEN}` } : {};
  if (id === 'setWeights') headers['if-match'] = '"ab"';
  if (body !== undefined) headers['content-type'] = 'application/json';
  const sent = body === undefined ? {} : { body: JSON.stringify(BODIES[id] ?? {}) };
  return fetch(`${admin.url}${filled}${QUERIES[id] ?? ''}`, { method: method.toUpperCase(), headers, ...sent });
}

/** What is wrong with a value by a schema of the document; null: nothing. */
function wrongWith(schema: Schema, value: unknown): string | null {
  const whole = JSON.stringify({ ...schema, $defs: SCHEMAS }).replaceAll('#/components/schemas/', '#/$defs/');
  const result = fromJSONSchema(JSON.parse(whole) as Parameters<typeof fromJSONSchema>[0]).safeParse(value);
  return result.success ? null : result.error.message;
}

suite('document', { timeout: 240_000 }, () => {
  for (const operation of OPERATIONS) {
    test(`${operation.method} ${operation.path} is answered as it says (${operation.id})`, async (context) => {
      const admin = await start(context);
      await (await fetch(`${admin.url}/api/v1/board`)).text();
      const response = await ask(admin, operation);
      const said = operation.answers[response.status] ?? assert.fail(`${response.status} is not in the document`);
      const given = (response.headers.get('content-type') ?? '').split(';')[0];
      if (said.type !== undefined) assert.equal(given, said.type);
      if (said.type === 'text/event-stream') {
        await response.body?.cancel();
        return;
      }
      const text = await response.text();
      if (said.schema !== undefined) assert.equal(wrongWith(said.schema, JSON.parse(text)), null);
    });
  }

  test('what needs the token is refused without it, as the document says', async (context) => {
    const admin = await start(context);
    for (const operation of OPERATIONS.filter(({ needsToken }) => needsToken === true)) {
      const { status } = await ask(admin, { ...operation, needsToken: false });
      assert.ok(status === 401 && '401' in operation.answers, operation.id);
    }
  });

  test('every path that the server serves is in the document', async (context) => {
    const admin = await start(context);
    const index = await (await fetch(admin.url)).text();
    const served = [
      ...index.matchAll(/(?:^|[ ,])(\/(?:api\/[\w{},/-]*[\w}]|\w+z|metrics|openapi\.json))(?=[ ,]|$)/gm),
    ].map(([, path = '']) => path);
    assert.ok(served.length > 20, `${served.length}`);
    const known = new Set(OPERATIONS.map(({ path }) => path));
    for (const path of served) assert.ok(known.has(path.replace(/\{[a-z]+,.*\}$/, '{command}')), path);
  });

  test('names are distinct, references lead somewhere, path parameters are declared', async (context) => {
    const admin = await start(context);
    const document = (await (await fetch(`${admin.url}/openapi.json`)).json()) as { openapi: string };
    assert.equal(document.openapi, '3.1.0');
    assert.deepEqual(document, JSON.parse(JSON.stringify(apiDocument('0.1.0'))));
    assert.equal(new Set(OPERATIONS.map(({ id }) => id)).size, OPERATIONS.length);
    for (const [, name = ''] of JSON.stringify(document).matchAll(/#\/components\/schemas\/(\w+)/g))
      assert.ok(name in SCHEMAS, name);
    for (const { path, parameters = [] } of OPERATIONS) {
      const inPath = parameters.filter((one) => one.in === 'path').map(({ name }) => `{${name}}`);
      assert.deepEqual(path.match(/\{\w+\}/g) ?? [], inPath, path);
    }
  });
});
