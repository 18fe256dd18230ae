import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { suite, test } from 'node:test';
import { OPERATIONS } from '#src/admin/api/operations.ts';
import { commandTarget } from '#src/admin/commands.ts';
import { debugTarget } from '#src/admin/process/debug.ts';
import { isTap } from '#src/admin/process/tap.ts';
import { ROLLOUT_COMMANDS } from '#src/model/rollout.ts';
import { CONFIG_COMMANDS } from '#src/model/threads/revision.ts';
import { apiPage } from '../../../support/tidy/pages/api-page.ts';

suite('operations', () => {
  test('are what docs/API.md shows', () => {
    const page = readFileSync(new URL('../../../../docs/API.md', import.meta.url), 'utf8');
    assert.equal(page, apiPage(), 'npm run docs renews it');
  });

  test('every command that a path can name is an operation, with the token', () => {
    const posts = new Map(OPERATIONS.filter(({ method }) => method === 'post').map((one) => [one.path, one]));
    const paths = [
      ...CONFIG_COMMANDS.map((name) => `/api/v1/config/${name}`),
      '/api/v1/restart',
      '/api/v1/faults/stop',
    ];
    for (const path of paths) {
      assert.notEqual(commandTarget(path), null, path);
      assert.equal(posts.get(path)?.needsToken, true, path);
    }
    const command = posts.get('/api/v1/rollouts/{route}/{command}');
    assert.deepEqual(command?.parameters?.[1]?.schema, { enum: [...ROLLOUT_COMMANDS] });
  });

  test('everything that changes or tells more than the status needs the token', () => {
    for (const { method, path, needsToken } of OPERATIONS) {
      assert.equal(needsToken === true, method !== 'get' || debugTarget(path) !== null || isTap(path), path);
    }
  });
});
