/**
 * The guides do what they say: every block of a shell is run, in its order and in one shell, every configuration is checked, by
 * the gateway's own parser or by the program that it is for, and what is shown of a command's output is what the command prints. What
 * needs something that is not here is marked and listed.
 */

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { parseConfig } from '#src/sources/parse.ts';
import { findBinary } from '../../support/runner/servers.ts';
import { assertShown, shownIn } from '../../support/runner/shown.ts';
import { freePorts } from '../../support/stores/server.ts';

const ROOT = join(import.meta.dirname, '../../..');
const GUIDES = join(ROOT, 'docs/guides');
/** What is not run here, by guide: what it needs. */
const OUTSIDE: Readonly<Record<string, readonly string[]>> = { 'operating.md': ['docker', 'kubernetes', 'systemd'] };
/** Ports that guides name; free ones stand in for them. */
const PORTS = ['8080', '9900', '7001', '7002'];
const HANG_MS = 540_000;

interface Block {
  readonly language: string;
  /** What follows it: the file that it is, whom it is for, or what it needs. */
  readonly about: string;
  readonly text: string;
}

function blocksOf(guide: string): Block[] {
  const text = readFileSync(join(GUIDES, guide), 'utf8');
  return [...text.matchAll(/^```(\S+) ?([^\n]*)\n([\s\S]*?)^```$/gm)].map(
    ([, language = '', about = '', body = '']) => ({
      language,
      about,
      text: body,
    }),
  );
}

/** A folder as a checkout is, with the commands that the guide names. */
function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-guide-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  symlinkSync(join(ROOT, 'deploy'), join(folder, 'deploy'));
  mkdirSync(join(folder, 'bin'));
  const main = join(ROOT, 'src/main.ts');
  writeFileSync(join(folder, 'bin/sluice'), `#!/bin/sh\nexec "${process.execPath}" "${main}" "$@"\n`, { mode: 0o755 });
  return folder;
}

/** Runs a script; whatever it starts ends with it. */
async function runScript(t: TestContext, folder: string, script: string): Promise<void> {
  const path = [join(folder, 'bin'), dirname(process.execPath), process.env['PATH'] ?? ''].join(':');
  const whole = `set -euo pipefail\ntrap 'code=$?; set +e; kill $(jobs -p) 2>/dev/null; wait; exit $code' EXIT\n${script}`;
  const child = spawn('bash', ['-c', whole], {
    cwd: folder,
    env: { ...process.env, PATH: path, TMPDIR: folder },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own, so that nothing of it is left when it hangs.
    detached: true,
  });
  const { pid } = child;
  assert.ok(pid !== undefined);
  const closed = once(child, 'close');
  t.after(async () => {
    if (child.exitCode === null && child.signalCode === null) process.kill(-pid, 'SIGKILL');
    await closed;
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const timer = setTimeout(() => process.kill(-pid, 'SIGKILL'), HANG_MS);
  const [code] = (await closed) as [number | null];
  clearTimeout(timer);
  assert.equal(code, 0, `${script}\n${output}`);
}

function assertConfig(text: string, guide: string): void {
  const result = parseConfig(text, guide, {});
  assert.ok(result.ok, JSON.stringify(result));
  assert.deepEqual(result.warnings, [], guide);
}

function assertYaml(text: string): void {
  for (const { errors, warnings } of parseAllDocuments(text)) assert.deepEqual([...errors, ...warnings], []);
}

/** Another gateway's own check of its configuration, where it is installed. */
function assertTaken(binary: string, text: string, folder: string): void {
  const program = findBinary(binary);
  if (program === null) return;
  const file = join(folder, `${binary}.conf`);
  const isNginx = binary === 'nginx';
  writeFileSync(
    file,
    isNginx ? `pid nginx.pid;\nerror_log stderr;\nevents {}\nhttp {\naccess_log off;\n${text}}\n` : text,
  );
  const args = isNginx ? ['-t', '-p', folder, '-c', file] : ['-c', '-f', file];
  const { status, stderr, stdout } = spawnSync(program, args, { cwd: folder, encoding: 'utf8' });
  assert.equal(status, 0, stderr + stdout);
}

describe('the guides', { timeout: 2 * HANG_MS, concurrency: true }, () => {
  const guides = readdirSync(GUIDES).filter((name) => name.endsWith('.md'));
  const missing = ['bash', 'curl', 'openssl'].filter((binary) => findBinary(binary) === null);

  it('are there', () => {
    assert.deepEqual(guides.toSorted(), ['canary.md', 'moving.md', 'operating.md', 'security.md', 'slos.md']);
  });

  for (const guide of guides) {
    const blocks = blocksOf(guide);
    const scripts = blocks.filter(({ language }) => language === 'sh');

    it(`${guide}: needs nothing else than is listed`, () => {
      const outside = scripts.filter(({ about }) => about !== '').map(({ about }) => about);
      assert.deepEqual(
        outside,
        (OUTSIDE[guide] ?? []).map((what) => `outside ${what}`),
      );
    });

    it(`${guide}: every configuration is sound`, (t) => {
      const folder = folderOf(t);
      const shown = (block: Block): boolean => block.language === 'text' && block.text.startsWith('$ ');
      for (const { language, about, text } of blocks.filter((block) => block.language !== 'sh' && !shown(block))) {
        if (language === 'yaml' && about === 'gateway.yaml') assertConfig(text, guide);
        else if (language === 'yaml' && ['traefik', 'kubernetes'].includes(about)) assertYaml(text);
        else if (['nginx', 'haproxy'].includes(language)) assertTaken(language, text, folder);
        else assert.fail(`nobody checks a block of ${language} ${about}`);
      }
    });

    const run = scripts.filter(({ about }) => about === '');
    if (run.length === 0) continue;
    const skip = missing.length > 0 && `${missing.join(', ')} missing`;
    it(`${guide}: every command does what it says`, { skip }, async (t) => {
      const folder = folderOf(t);
      const free = await freePorts(PORTS.length);
      const placed = (text: string): string =>
        text.replaceAll(/\b(?:8080|9900|7001|7002)\b/g, (port) => String(free[PORTS.indexOf(port)]));
      for (const { about, text } of blocks.filter(({ language }) => language === 'yaml')) {
        // A gateway that stood still would shed what a guide asks.
        const more = about === 'gateway.yaml' ? '\nsaturation: {response: observe}\n' : '';
        writeFileSync(join(folder, about), placed(text) + more);
      }
      // What the commands ask by default is the admin port that stands in.
      const admin = `export SLUICE_ADMIN=http://127.0.0.1:${free[PORTS.indexOf('9900')]}\n`;
      const shown = shownIn([`docs/guides/${guide}`]);
      const script = run.map(({ text }) => placed(text)).join('\n');
      const kept = script.split('\n').map((line) => {
        const n = shown.findIndex(({ command }) => command === line);
        return n === -1 ? line : `${line} > shown-${n} && cat shown-${n}`;
      });
      await runScript(t, folder, admin + kept.join('\n'));
      for (const [n, { output }] of shown.entries()) {
        assertShown(output, readFileSync(join(folder, `shown-${n}`), 'utf8'));
      }
    });
  }
});
