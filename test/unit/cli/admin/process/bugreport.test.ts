import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { suite, type TestContext, test } from 'node:test';
import { runCli } from '#src/cli/cli.ts';
import { adminFor, depsOf } from '../../../../support/readings/admin.ts';

function fileIn(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-report-'));
  context.after(() => rmSync(folder, { recursive: true }));
  return join(folder, 'report.json');
}

const DEBUG = {
  profile: () => null,
  heapSnapshot: () => Readable.from([]),
  config: () => ({ adminTokenHash: '[redacted]' }),
};

suite('sluice bugreport', { timeout: 120_000 }, () => {
  test('writes the report for its owner alone, and says what is in it', async (context) => {
    const [file, url] = [fileIn(context), await adminFor(context, { debug: DEBUG })];
    const { deps, out } = depsOf(url);
    assert.equal(await runCli(['bugreport', file], deps), 0);
    const report = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
    assert.deepEqual(report['config'], { adminTokenHash: '[redacted]' });
    assert.equal(statSync(file).mode & 0o777, 0o600);
    for (const part of Object.keys(report)) assert.match(out(), new RegExp(`^${part} +\\d+ +\\S`, 'm'));
    assert.ok(out().endsWith(`written to ${file}, readable by its owner alone: look before you hand it on\n`));
  });

  test('writes over nothing unless it is told to', async (context) => {
    const [file, url] = [fileIn(context), await adminFor(context, { debug: DEBUG })];
    const { deps, out, err } = depsOf(url);
    assert.equal(await runCli(['bugreport', file, '-o', 'json'], deps), 0);
    const told = JSON.parse(out()) as { file: string; parts: { name: string; bytes: number }[] };
    assert.equal(told.file, file);
    assert.ok(told.parts.every(({ bytes }) => bytes > 0));
    assert.equal(await runCli(['bugreport', file], deps), 1);
    assert.equal(err(), `sluice: ${file} is there already: name another file, or --force\n`);
    assert.equal(await runCli(['bugreport', file, '--force'], deps), 0);
    assert.equal(await runCli(['bugreport', join(file, 'below')], deps), 1);
    assert.match(err(), /cannot be written: ENOTDIR/);
  });

  test('needs the token and a gateway', async (context) => {
    const stranger = depsOf(await adminFor(context, { debug: DEBUG }), '');
    assert.equal(await runCli(['bugreport', fileIn(context)], stranger.deps), 1);
    assert.match(stranger.err(), /set SLUICE_ADMIN_TOKEN\n$/);
    assert.equal(await runCli(['bugreport'], depsOf('http://127.0.0.1:1').deps), 3);
  });
});
