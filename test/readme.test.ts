import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { startAdmin } from '#src/admin/server.ts';
import { COMMANDS } from '#src/cli/commands/table.ts';
import { parseConfig, sourcesOf } from '#src/sources/parse.ts';
import { scrape } from './support/readings/metrics/scrape.ts';
import { sampleView } from './support/readings/view.ts';

const ROOT = join(import.meta.dirname, '..');
const README = readFileSync(join(ROOT, 'README.md'), 'utf8');
const SCRIPTS = Object.keys(
  (JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: Record<string, string> }).scripts,
);

/** Contents of the fenced blocks of one language. */
function blocks(language: string): string[] {
  return [...README.matchAll(/^```(\S*)\n([\s\S]*?)^```$/gm)]
    .filter(([, found]) => found === language)
    .map(([, , text]) => text ?? '');
}

/** Lines of shell, without comments and joined commands apart. */
function commandLines(): string[] {
  return blocks('sh')
    .flatMap((block) => block.split('\n'))
    .flatMap((line) => (line.split('#')[0] ?? '').split('&&'))
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

/** Arguments of the command line, when a line of shell runs it: directly or through a script. */
function sluiceArgs(line: string): string[] | null {
  const words = line.split(/\s+/);
  const direct = words.indexOf('src/main.ts');
  if (direct !== -1) return words.slice(direct + 1);
  const script = scriptOf(line);
  if (script !== 'start' && script !== 'demo') return null;
  const rest = words.includes('--') ? words.slice(words.indexOf('--') + 1) : [];
  return [script === 'start' ? 'run' : 'demo', ...rest];
}

/** The npm script a line runs; null when it runs none. */
function scriptOf(line: string): string | null {
  const match = /^npm (?:run )?(\S+)/.exec(line);
  return match === null || match[1] === 'ci' ? null : (match[1] ?? null);
}

suite('readme', () => {
  test('every configuration in it is valid, without a warning', () => {
    const documents = blocks('yaml');
    assert.ok(documents.length >= 1);
    for (const text of documents) {
      const sourced = sourcesOf(text, 'README.md', {});
      if (sourced !== null) {
        assert.deepEqual(sourced.problems, []);
        continue;
      }
      const result = parseConfig(text, 'README.md', {});
      assert.ok(result.ok, JSON.stringify(result));
      assert.deepEqual(result.warnings, []);
    }
  });

  test('the first block is the two commands', () => {
    const [first] = blocks('sh');
    assert.deepEqual(
      first
        ?.trim()
        .split('\n')
        .map((line) => (line.split('#')[0] ?? '').trim()),
      ['npm ci --loglevel=error && npm run demo', 'npm ci --loglevel=error && npm test'],
    );
  });

  test('every npm script it names exists', () => {
    const named = [
      ...commandLines().map(scriptOf),
      ...[...README.matchAll(/npm run ([\w:]+)/g)].map(([, name]) => name),
    ];
    const scripts = named.filter((name) => name !== null && name !== undefined);
    assert.ok(scripts.length >= 4);
    for (const name of scripts) assert.ok(SCRIPTS.includes(name), name);
  });

  test('every command and option it names exists', async () => {
    const lines = commandLines()
      .map(sluiceArgs)
      .filter((args) => args !== null);
    assert.ok(lines.length >= 6);
    for (const [name, ...args] of lines) {
      if (name === 'help') continue;
      const command = COMMANDS.find((known) => known.name === name);
      assert.ok(command !== undefined, `no command ${name}`);
      const { usage } = await command.load();
      for (const word of args.filter((arg) => !/^[A-Z]+$|\.yaml$|^(?:json|text)$/.test(arg))) {
        assert.ok(usage.includes(word), `${name} knows no ${word}`);
      }
    }
  });

  test('every file that a command line names exists', () => {
    const files = commandLines().flatMap((line) => line.match(/\b[\w/.-]+\.(?:yaml|ts)\b/g) ?? []);
    assert.ok(files.length >= 5);
    for (const file of files) assert.doesNotThrow(() => readFileSync(join(ROOT, file)), file);
  });

  test('every admin page it names is served', async (t) => {
    const admin = await startAdmin({ address: { host: '127.0.0.1', port: 0 }, view: sampleView() });
    t.after(() => admin.close());
    const named = [...README.matchAll(/`(\/(?:\w+z|metrics|api\/[\w/]+))`/g)].map(([, path]) => path ?? '');
    assert.ok(named.length >= 7);
    for (const path of named) assert.equal((await fetch(admin.url + path)).status, 200, path);
  });

  test('every metric it names is exported', async () => {
    const families = await scrape();
    const named = [...README.matchAll(/`((?:sluice|http)_\w+)`/g)].map(([, name]) => name ?? '');
    assert.ok(named.length >= 8);
    for (const name of named) assert.ok(families.has(name), name);
  });

  test('nothing is said to be missing that has a section of its own', () => {
    const [, missing = ''] = /not there yet:([^.]*)\./.exec(README) ?? [];
    const pages = readdirSync(join(ROOT, 'docs')).filter((name) => name.endsWith('.md'));
    const titles = pages.flatMap((name) => {
      const text = readFileSync(join(ROOT, 'docs', name), 'utf8');
      return [...text.matchAll(/^## (.+)$/gm)].map(([, title = '']) => title);
    });
    assert.ok(titles.includes('WebSocket'));
    for (const title of titles) assert.ok(!missing.includes(title), title);
  });

  test('every metric that a page of advice says to read by a label has that label', async () => {
    const families = await scrape();
    const folder = join(ROOT, 'docs/guides');
    const text = readdirSync(folder)
      .map((name) => readFileSync(join(folder, name), 'utf8'))
      .join('\n');
    const said = [...text.matchAll(/`(\w+)` in (?:[\w ]+ and in )?`(sluice_\w+)`/g)];
    assert.ok(said.length >= 1);
    for (const [, label = '', metric = ''] of said) {
      const samples = families.get(metric)?.samples ?? [];
      assert.ok(
        samples.some(({ labels }) => label in labels),
        `${metric}: ${label}`,
      );
    }
  });
});
