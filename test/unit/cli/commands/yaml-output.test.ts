/** `-o yaml` says what `-o json` says. */

import assert from 'node:assert/strict';
import { suite, type TestContext, test } from 'node:test';
import { parse, parseAllDocuments } from 'yaml';
import { startAdmin } from '#src/admin/server.ts';
import { runCli } from '#src/cli/cli.ts';
import { asksYaml, runForYaml } from '#src/cli/commands/yaml-output.ts';
import { recordedDeps } from '../../../support/cli.ts';
import { sampleRoute, sampleSlo, sampleStatus } from '../../../support/readings/status.ts';
import { sampleView } from '../../../support/readings/view.ts';

const STATUS = sampleStatus({ slos: [sampleSlo()] });

async function cli(t: TestContext, argv: readonly string[], status = STATUS) {
  const view = sampleView({ status: () => status });
  const admin = await startAdmin({ address: { host: '127.0.0.1', port: 0 }, view });
  t.after(() => admin.close());
  const { deps, out, err } = recordedDeps({ env: { SLUICE_ADMIN: admin.url } });
  const code = await runCli(argv, deps);
  return { code, out: out(), err: err() };
}

suite('-o yaml', { timeout: 120_000 }, () => {
  test('says what -o json says, with its exit code', async (t) => {
    for (const argv of [['status'], ['route', 'ls'], ['slo', 'get', 'checkout'], ['rollout', 'status', 'checkout']]) {
      const json = await cli(t, [...argv, '-o', 'json']);
      for (const asked of [['-o', 'yaml'], ['--output', 'yaml'], ['--output=yaml'], ['-oyaml']]) {
        const yaml = await cli(t, [...argv, ...asked]);
        assert.deepEqual([yaml.code, yaml.err], [json.code, json.err]);
        assert.deepEqual(parse(yaml.out), JSON.parse(json.out), argv.join(' '));
        assert.doesNotMatch(yaml.out, /^\{/);
      }
    }
  });

  test('does nothing to a terminal', async (t) => {
    const status = sampleStatus({ routes: [sampleRoute({ name: 'a\u009b2Jb\u202e👩\u200d🚒' })] });
    const { out } = await cli(t, ['status', '-o', 'yaml'], status);
    assert.doesNotMatch(out, /[\u009b\u202e\u001b\u200d]/);
    const json = await cli(t, ['status', '-o', 'json'], status);
    assert.deepEqual(parse(out), JSON.parse(json.out), 'and says the same still');
  });

  test('is wrong usage where there is no -o json, and nothing behind --', async (t) => {
    assert.equal((await cli(t, ['completion', 'bash', '-o', 'yaml'])).code, 2);
    assert.deepEqual(asksYaml(['a', '-o', 'yaml', '--', '-o', 'yaml']), ['a', '-o', 'json', '--', '-o', 'yaml']);
    for (const argv of [['yaml'], ['-o', 'json'], ['--', '-o', 'yaml'], ['--reason', 'yaml']]) {
      assert.equal(asksYaml(argv), null, argv.join(' '));
    }
  });

  test('is a document for each line of what goes on, however it is cut', async () => {
    const { deps, out } = recordedDeps();
    const parts = ['{"a": 1}\n', '{"a"', ': 2}\n', '{"a": 3}\n{"a": 4}\n', '{\n  "a": 5\n}\n'];
    const code = await runForYaml(async ({ stdout }) => {
      for (const text of parts) stdout.write(text);
      return 7;
    }, deps);
    assert.equal(code, 7);
    assert.equal(out().split('---\n').length, 5);
    assert.deepEqual(
      parseAllDocuments(out()).map((document) => document.toJS() as unknown),
      [1, 2, 3, 4, 5].map((a) => ({ a })),
    );
  });

  test('goes on behind a line that is no JSON, and keeps none of it', async () => {
    const { deps, out } = recordedDeps();
    const seen: string[] = [];
    await runForYaml(async ({ stdout }) => {
      for (const text of ['words\n', '{"a"', ': 1}\n', '{"a": 2\n', '{"a": 3}\n']) {
        stdout.write(text);
        seen.push(out());
      }
      return 0;
    }, deps);
    const first = 'words\n';
    const second = `${first}a: 1\n`;
    const third = `${second}{"a": 2\n`;
    assert.deepEqual(seen, [first, first, second, third, `${third}---\na: 3\n`]);
  });

  test('leaves what is no JSON as it is', async () => {
    const { deps, out } = recordedDeps();
    const run = runForYaml(async ({ stdout }) => {
      stdout.write('{"a": 1}\n');
      stdout.write('words\n');
      throw new Error('broken');
    }, deps);
    await assert.rejects(run, /broken/);
    assert.equal(out(), 'a: 1\nwords\n');
  });
});
