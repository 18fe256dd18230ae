import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { suite, test } from 'node:test';
import { COMMANDS } from '#src/cli/commands/table.ts';
import { cliPage } from '../../../support/tidy/pages/cli-page.ts';

const SOURCE = join(import.meta.dirname, '../../../../src');

/** What a module and those that it imports at once are made of; types and `import()` load nothing. */
function loadedBy(file: string, seen = new Set<string>()): Set<string> {
  if (seen.has(file)) return seen;
  seen.add(file);
  const text = readFileSync(join(SOURCE, file), 'utf8');
  for (const [, clause = '', specifier = ''] of text.matchAll(/^import ([^;]*?)from '(\.[^']+)';/gm)) {
    const isType = clause.startsWith('type ') || /^\{(?:\s*type [\w\s]+,?)+\} $/.test(clause);
    if (!isType) loadedBy(join(dirname(file), specifier), seen);
  }
  return seen;
}

suite('the table of commands', () => {
  test('has every name once, and loads a command with a usage for each', async () => {
    const names = COMMANDS.map(({ name }) => name);
    assert.equal(new Set(names).size, names.length);
    for (const { name, about, load } of COMMANDS) {
      const command = await load();
      assert.ok(command.usage.startsWith(`sluice ${name}`), name);
      assert.ok(about.length > 0 && about.length < 90, name);
    }
  });

  test('is what docs/CLI.md shows', async () => {
    const page = readFileSync(join(SOURCE, '../docs/CLI.md'), 'utf8');
    assert.equal(page, await cliPage(), 'npm run docs renews it');
  });

  test('costs a start nothing: no command and no part of the gateway is loaded with it', () => {
    const loaded = [...loadedBy('main.ts'), ...loadedBy('cli/cli.ts')];
    assert.ok(loaded.includes('cli/commands/table.ts'), loaded.join(', '));
    const known =
      /^main\.ts$|^cli\/(?:cli|args|deps|commands\/(?:table|compile-cache))\.ts$|^lib\/|^model\/problem\.ts$/;
    assert.deepEqual(
      loaded.filter((file) => !known.test(file)),
      [],
    );
  });
});
