/** The script as bash runs it. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { everythingSaid } from '#src/cli/commands/completion.ts';
import { bashScript } from '#src/cli/commands/shells/bash.ts';
import { COMMANDS } from '#src/cli/commands/table.ts';

/** What bash offers for each line, the cursor at its end: one bash for all of them. */
async function offered(lines: readonly string[], folder: string): Promise<string[][]> {
  const asks = lines.map((line) => {
    const words = line.split(' ').map((word) => `'${word}'`);
    return `COMP_WORDS=(${words.join(' ')}); COMP_CWORD=${words.length - 1}; _sluice; echo "\${COMPREPLY[*]}"`;
  });
  const script = `${bashScript(await everythingSaid())}\ncomplete -p sluice\n${asks.join('\n')}\n`;
  const { stdout, stderr, status } = spawnSync('bash', ['--norc'], { input: script, cwd: folder, encoding: 'utf8' });
  assert.deepEqual([status, stderr], [0, '']);
  const [registered, ...told] = stdout.trimEnd().split('\n');
  assert.equal(registered, 'complete -o default -F _sluice sluice');
  return lines.map((_, n) => (told[n] ?? '').split(' ').filter((word) => word !== ''));
}

suite('completion in bash', () => {
  test('offers commands, actions, options and values, and leaves files to bash', async (context) => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-bash-'));
    context.after(() => rmSync(folder, { recursive: true }));
    mkdirSync(join(folder, 'state'));
    writeFileSync(join(folder, 'status.yaml'), '');
    const expected: readonly (readonly [line: string, words: readonly string[]])[] = [
      ['sluice stat', ['status']],
      ['sluice help ver', ['verify', 'version']],
      ['sluice slo ', ['ls', 'get', 'validate', 'simulate', 'export', 'import']],
      ['sluice rollout pr', ['promote']],
      ['sluice status --w', ['--watch']],
      ['sluice status -o ', ['text', 'json']],
      ['sluice top --sort b', ['burn']],
      ['sluice gate --output base', ['baseline']],
      ['sluice verify --state st', ['state']],
      ['sluice plan --rps ', []],
      ['sluice plan --config st', []],
      ['sluice completion z', ['zsh']],
    ];
    const told = await offered(['sluice ', ...expected.map(([line]) => line)], folder);
    assert.deepEqual(told[0], [...COMMANDS.map(({ name }) => name), 'help']);
    for (const [n, [line, words]] of expected.entries()) assert.deepEqual(told[n + 1], words, line);
  });
});
