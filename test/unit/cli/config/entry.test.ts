import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runCli } from '#src/cli/cli.ts';
import { recordedDeps } from '../../../support/cli.ts';

async function cli(...argv: string[]) {
  const { deps, out, err } = recordedDeps();
  return { code: await runCli(argv, deps), out: out(), err: err() };
}

test('config is handed its tools', async () => {
  const { code, out } = await cli('config', 'schema');
  assert.deepEqual([code, JSON.parse(out)], [0, { title: 'a schema' }]);
  assert.equal((await cli('config', 'chema')).code, 2);
});

test('what concerns a running gateway is asked there', async () => {
  for (const action of ['history', 'diff', 'explain shop']) {
    const { code, err } = await cli('config', ...action.split(' '), '--admin', 'http://127.0.0.1:1');
    assert.equal(code, 3, action);
    assert.match(err, /cannot reach the admin server at http:\/\/127\.0\.0\.1:1/);
  }
});
