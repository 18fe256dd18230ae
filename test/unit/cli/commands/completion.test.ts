import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runCli } from '#src/cli/cli.ts';
import { everythingSaid } from '#src/cli/commands/completion.ts';
import { bashScript } from '#src/cli/commands/shells/bash.ts';
import { fishScript } from '#src/cli/commands/shells/fish.ts';
import { zshScript } from '#src/cli/commands/shells/zsh.ts';
import { COMMANDS } from '#src/cli/commands/table.ts';
import { recordedDeps } from '../../../support/cli.ts';

test('completion prints the script of a shell, made from the help of every command', async () => {
  const said = await everythingSaid();
  assert.deepEqual(
    said.map(({ name }) => name),
    COMMANDS.map(({ name }) => name),
  );
  for (const [shell, script] of [
    ['bash', bashScript(said)],
    ['zsh', zshScript(said)],
    ['fish', fishScript(said)],
  ] as const) {
    const { deps, out } = recordedDeps();
    assert.equal(await runCli(['completion', shell], deps), 0);
    assert.equal(out(), script);
  }
});

test('another shell, or none, is wrong usage', async () => {
  const { deps, err } = recordedDeps();
  assert.equal(await runCli(['completion', 'fihs'], deps), 2);
  assert.equal(await runCli(['completion'], deps), 2);
  assert.match(err(), /completion takes one of bash, zsh, fish, got fihs \(did you mean fish\?\)/);
});
