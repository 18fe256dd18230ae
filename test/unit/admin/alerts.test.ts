/** Commands about alerts over the admin server. */

import assert from 'node:assert/strict';
import { suite, type TestContext, test } from 'node:test';
import { alertTarget } from '#src/admin/alerts.ts';
import type { AdminActions } from '#src/admin/commands.ts';
import { startAdmin } from '#src/admin/server.ts';
import { hashToken } from '#src/admin/token.ts';
import type { AlertCommand, AlertCommandResult } from '#src/model/threads/load/alerts.ts';
import { sampleView } from '../../support/readings/view.ts';

const TOKEN = 'sixteen-visible-characters';

async function start(t: TestContext, result: AlertCommandResult | null) {
  const commands: AlertCommand[] = [];
  const actions: AdminActions = {
    tokenHash: () => hashToken(TOKEN),
    command: () => ({ kind: 'refused', detail: 'not asked' }),
    restore: () => ({ kind: 'refused', detail: 'not asked' }),
    configure: () => Promise.resolve({ kind: 'refused', detail: 'not asked' }),
    stopFaults: () => ({ kind: 'refused', detail: 'not asked' }),
    restart: () => ({ kind: 'refused', detail: 'not asked' }),
    setWeights: () => Promise.resolve({ kind: 'unknown', detail: '' }),
    onRefused: () => undefined,
    ...(result !== null && {
      alert: (command) => {
        commands.push(command);
        return Promise.resolve(result);
      },
    }),
  };
  const admin = await startAdmin({ address: { host: '127.0.0.1', port: 0 }, view: sampleView(), actions });
  t.after(() => admin.close());
  const ask = async (path: string, changes: RequestInit = {}): Promise<[number, unknown]> => {
    const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' };
    const response = await fetch(`${admin.url}${path}`, { method: 'POST', headers, ...changes });
    return [response.status, await response.json()];
  };
  return { ask, commands };
}

function detailOf([status, body]: [number, unknown]): [number, string] {
  return [status, (body as { detail: string }).detail];
}

suite('alerts', { timeout: 240_000 }, () => {
  test('a path names a channel and what to do', () => {
    assert.deepEqual(alertTarget('/api/v1/alerts/retry'), { name: 'retry', channel: null });
    assert.deepEqual(alertTarget('/api/v1/alerts/on-call/retry'), { name: 'retry', channel: 'on-call' });
    assert.deepEqual(alertTarget('/api/v1/alerts/on-call/test'), { name: 'test', channel: 'on-call' });
    for (const path of [
      '/api/v1/alerts',
      '/api/v1/alerts/test',
      '/api/v1/alerts/a/b/test',
      '/api/v1/alerts/a/test?x',
    ]) {
      assert.equal(alertTarget(path), null, path);
    }
  });

  test('what came of it is the answer', async (t) => {
    const sent = await start(t, { kind: 'sent', tookMs: 5 });
    assert.deepEqual(await sent.ask('/api/v1/alerts/team/test'), [200, { tested: { channel: 'team', tookMs: 5 } }]);
    assert.deepEqual(sent.commands, [{ name: 'test', channel: 'team', by: 'api' }]);
    const retried = await start(t, { kind: 'retried', letters: 3 });
    assert.deepEqual(await retried.ask('/api/v1/alerts/retry', { body: '{"reason": "back"}' }), [
      200,
      { retried: { letters: 3 } },
    ]);
    for (const [kind, status] of [
      ['unknown', 404],
      ['refused', 409],
      ['failed', 502],
    ] as const) {
      const { ask } = await start(t, { kind, detail: 'because' });
      assert.deepEqual(detailOf(await ask('/api/v1/alerts/team/test')), [status, 'because']);
    }
  });

  test('nobody gets in without the token, another method, or with a body that is not understood', async (t) => {
    const { ask, commands } = await start(t, { kind: 'sent', tookMs: 5 });
    assert.equal((await ask('/api/v1/alerts/team/test', { headers: {} }))[0], 401);
    assert.equal((await ask('/api/v1/alerts/team/test', { method: 'PUT' }))[0], 405);
    for (const body of ['[]', '{"fix": true}', '{"reason": 7}', 'x']) {
      assert.equal((await ask('/api/v1/alerts/team/test', { body }))[0], 400, body);
    }
    assert.equal((await ask('/api/v1/alerts/team/test', { body: ' '.repeat(5000) }))[0], 413);
    assert.deepEqual(commands, []);
  });

  test('without alerts there is nothing to test', async (t) => {
    const { ask } = await start(t, null);
    assert.equal((await ask('/api/v1/alerts/retry'))[0], 409);
    assert.deepEqual(await ask('/api/v1/alerts', { method: 'GET' }), [200, { alerts: null }]);
  });
});
