/** `sluice route` sends each action to who does it. */

import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { runCli } from '#src/cli/cli.ts';
import { everythingSaid } from '#src/cli/commands/completion.ts';
import { recordedDeps } from '../../../../support/cli.ts';

suite('sluice route', () => {
  test('says what it takes, and what was meant', async () => {
    for (const [argv, message] of [
      [[], /^sluice: route takes one of ls, get, explain\n/],
      [['list'], /^sluice: route takes one of ls, get, explain, got list\n/],
      [['gte'], /got gte \(did you mean get\?\)/],
      [['toString'], /got toString\n/],
    ] as const) {
      const { deps, err } = recordedDeps();
      assert.equal(await runCli(['route', ...argv], deps), 2);
      assert.match(err(), message);
    }
  });

  test('shells complete its actions', async () => {
    const route = (await everythingSaid()).find(({ name }) => name === 'route');
    assert.deepEqual(route?.actions, ['ls', 'get', 'explain']);
  });
});
