import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { suite, test } from 'node:test';
import { runCli } from '#src/cli/cli.ts';
import { COMMANDS } from '#src/cli/commands/table.ts';
import { recordedDeps } from '../../../support/cli.ts';
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

/** Every command that asks a gateway, and how; null: it reads a file first, and its own test has what comes then. */
const ASKING: Readonly<Record<string, readonly string[] | null>> = {
  config: ['history'],
  status: [],
  top: [],
  why: [],
  events: [],
  tap: [],
  diff: [],
  route: ['explain', 'GET', 'http://shop.example/'],
  rollout: ['status', 'shop'],
  weights: ['get', 'shop'],
  decisions: [],
  check: ['--admin', 'http://127.0.0.1:1'],
  plan: ['shop'],
  slo: null,
  gate: [],
  sla: null,
  restore: ['shop'],
  faults: [],
  notify: [],
  reload: [],
  drain: [],
  restart: [],
  bugreport: [],
};

const CLI_TESTS = ['../**/*.test.ts', '../../../integration/**/*.test.ts']
  .flatMap((pattern) => globSync(join(import.meta.dirname, pattern)))
  .filter((file) => file !== import.meta.filename)
  .map((file) => readFileSync(file, 'utf8'));

/** The exit codes that a command's help names. */
function exitCodesOf(usage: string): string[] {
  const [, codes = ''] = /Exit codes: ([^]*)$/.exec(usage) ?? [];
  return [...codes.matchAll(/(?:^|, |; |,\n|\n)(\d+) /g)].map(([, code = '']) => code);
}

async function cli(...argv: string[]): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  const { deps, out, err } = recordedDeps({ env: { SLUICE_ADMIN: 'http://127.0.0.1:1' } });
  const code = await runCli(argv, deps);
  return { code, out: out(), err: err() };
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

suite('every command', { timeout: 240_000 }, () => {
  for (const { name, load } of COMMANDS) {
    test(`${name} helps, and refuses what it does not know`, async () => {
      const { usage } = await load();
      assert.deepEqual(await cli(name, '--help'), { code: 0, out: usage, err: '' });
      const wrong = await cli(name, '--no-such-option');
      assert.deepEqual([wrong.code, wrong.out], [2, '']);
      assert.match(wrong.err, new RegExp(`--no-such-option[^]*try: sluice ${name} --help\\n$`));
    });

    test(`${name} says when it reaches no gateway, and gives nothing that could be taken for an answer`, async () => {
      const { usage } = await load();
      assert.equal(usage.includes('--admin URL'), name in ASKING, `${name} belongs into ASKING, or does not`);
      const argv = ASKING[name];
      if (argv === undefined || argv === null) return;
      for (const format of usage.includes('-o, --output') ? ['text', 'json'] : []) {
        const { code, out, err } = await cli(name, ...argv, '-o', format);
        assert.equal(code, 3, err);
        // A report of checks has this one among them.
        if (name === 'check') continue;
        assert.equal(out, '');
        assert.match(err, /cannot reach the admin server at http:\/\/127\.0\.0\.1:1/);
      }
    });

    test(`${name} names its exit codes, and has a test of each, of its text and of its JSON`, async () => {
      const { usage } = await load();
      const codes = exitCodesOf(usage);
      assert.ok(codes.includes('0') && codes.includes('2'), codes.join());
      const own = CLI_TESTS.filter((text) => new RegExp(`[[(]'${name}'|\\b${name}Command\\b`).test(text)).join('\n');
      const asserted = own
        .split('\n')
        .filter((line) => /assert|code|exit/i.test(line))
        .join('\n');
      // The two tests before this one see to the others.
      const left = codes.filter((code) => code !== '2' && (code !== '3' || (ASKING[name] ?? null) === null));
      for (const code of left) assert.match(asserted, new RegExp(`\\b${code}\\b`), `exit code ${code}`);
      if (usage.includes('-o, --output')) assert.match(own, /'json'/);
    });
  }
});
