import assert from 'node:assert/strict';
import { test } from 'node:test';
import { adminOf, asking, refuse } from '#src/cli/admin/ask/asking.ts';
import { recordedDeps } from '../../../../support/cli.ts';

test('the option goes before the environment, and that before the default', () => {
  const { deps } = recordedDeps();
  const env = { SLUICE_ADMIN: 'http://b' };
  assert.deepEqual(
    [
      adminOf('http://a', { ...deps, env }),
      adminOf(undefined, { ...deps, env }),
      adminOf(undefined, { ...deps, env: {} }),
    ],
    ['http://a', 'http://b', 'http://127.0.0.1:9900'],
  );
});

test('an answer is handed on, and nobody answering is said with the address and the reason', async () => {
  const { deps, err } = recordedDeps();
  assert.deepEqual(await asking('http://a', deps, (url) => Promise.resolve(`${url}/x`)), { answer: 'http://a/x' });
  const failed = new Error('fetch failed', { cause: new Error('connect ECONNREFUSED') });
  assert.deepEqual(await asking('http://a', deps, () => Promise.reject(failed)), { exit: 3 });
  assert.equal(err(), 'sluice: cannot reach the admin server at http://a: connect ECONNREFUSED\n');
});

test('a refusal names the token only where it is the reason', () => {
  const { deps, err } = recordedDeps();
  assert.deepEqual([refuse('no', deps), refuse('no', deps, 409), refuse('who', deps, 401)], [1, 1, 1]);
  assert.equal(err(), 'sluice: no\nsluice: no\nsluice: who; set SLUICE_ADMIN_TOKEN\n');
});
