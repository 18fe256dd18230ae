import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { type SteerActions, steerTarget } from '#src/admin/process/steer.ts';
import { adminFor, TOKEN } from '../../../support/readings/admin.ts';

const BEARER = { authorization: `Bearer ${TOKEN}` };
const DONE = { kind: 'done', outcome: 'unchanged', number: 1, hash: 'ab', problems: [], unanswered: [] } as const;

function steering(changes: Partial<SteerActions> = {}): SteerActions {
  return { reload: () => Promise.resolve(DONE), drain: () => ({ delayMs: 5, timeoutMs: 7 }), ...changes };
}

suite('steering the process', { timeout: 120_000 }, () => {
  test('a path names one of them, exactly', () => {
    assert.deepEqual([steerTarget('/api/v1/reload'), steerTarget('/api/v1/drain')], ['reload', 'drain']);
    for (const path of ['/api/v1/drain/', '/api/v1/drain?x', '/api/v1/%64rain', '/']) {
      assert.equal(steerTarget(path), null, path);
    }
  });

  test('nobody without the token drains or reloads, by no method and from no other site', async (context) => {
    let done = 0;
    const drain = () => ({ delayMs: done++, timeoutMs: 0 });
    const reload = () => Promise.resolve({ ...DONE, number: done++ });
    const url = await adminFor(context, { steer: steering({ drain, reload }) });
    for (const path of ['reload', 'drain']) {
      const ask = async (init: RequestInit) => (await fetch(`${url}/api/v1/${path}`, init)).status;
      assert.equal(await ask({ method: 'POST' }), 401);
      assert.equal(await ask({ method: 'POST', headers: { authorization: 'Bearer another-token-of-length' } }), 401);
      assert.equal(await ask({ method: 'POST', headers: { ...BEARER, origin: 'http://evil.example' } }), 403);
      assert.equal(await ask({ method: 'GET', headers: BEARER }), 405);
      const body = { method: 'POST', body: '{"reason":"x"}' };
      assert.equal(await ask({ ...body, headers: { ...BEARER, 'content-type': 'application/json' } }), 400);
    }
    assert.equal(done, 0);
  });

  test('a reload is answered with what came of it, or that nobody knows yet', async (context) => {
    const post = async (steer: SteerActions) => {
      const url = await adminFor(context, { steer });
      const response = await fetch(`${url}/api/v1/reload`, { method: 'POST', headers: BEARER });
      return [response.status, await response.json()] as const;
    };
    const { kind: _, ...told } = DONE;
    assert.deepEqual(await post(steering()), [200, { reload: told }]);
    const busy = await post(steering({ reload: () => Promise.resolve({ kind: 'refused', detail: 'not now' }) }));
    assert.deepEqual([busy[0], (busy[1] as { detail: string }).detail], [409, 'not now']);
    const never = steering({ reload: () => new Promise(() => undefined), reloadMs: 1 });
    assert.equal((await post(never))[0], 504);
  });

  test('a drain is answered when it has begun; a server that can do nothing of the kind says so', async (context) => {
    const drain = async (url: string) => fetch(`${url}/api/v1/drain`, { method: 'POST', headers: BEARER });
    const response = await drain(await adminFor(context, { steer: steering() }));
    assert.deepEqual([response.status, await response.json()], [202, { drain: { delayMs: 5, timeoutMs: 7 } }]);
    assert.equal((await drain(await adminFor(context))).status, 404);
  });
});
