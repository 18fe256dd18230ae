import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runCli } from '#src/cli/cli.ts';
import { recordedDeps } from '../../../support/cli.ts';

async function cli(...argv: string[]) {
  const { deps, out } = recordedDeps();
  return { code: await runCli(argv, deps), out: out() };
}

test('version prints the release, for people and as JSON', async () => {
  for (const word of ['version', '--version', '-v']) assert.match((await cli(word)).out, /^sluice 9\.9\.9 \(node v/);
  assert.deepEqual(JSON.parse((await cli('version', '-o', 'json')).out), {
    sluice: '9.9.9',
    node: process.version,
    platform: `${process.platform}-${process.arch}`,
  });
  assert.equal((await cli('version', '-o', 'xml')).code, 2);
});
