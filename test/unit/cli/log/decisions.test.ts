import assert from 'node:assert/strict';
import { suite, type TestContext, test } from 'node:test';
import { startAdmin } from '#src/admin/server.ts';
import { runCli } from '#src/cli/cli.ts';
import type { LogLine } from '#src/model/threads/state.ts';
import { formatLine } from '#src/state/read.ts';
import { recordedDeps } from '../../../support/cli.ts';
import { sampleDecision } from '../../../support/readings/status.ts';
import { sampleView } from '../../../support/readings/view.ts';
import { linesOf } from '../../../support/state/lines.ts';

const LINES = linesOf([sampleDecision({ id: 1 }), sampleDecision({ id: 2, kind: 'shadow' })], []);

async function cli(argv: readonly string[], env: Record<string, string> = {}, lines: readonly LogLine[] = LINES) {
  const { deps, out, err } = recordedDeps({ env });
  const log = { ...(await deps.log()), read: () => lines, format: formatLine };
  const code = await runCli(['decisions', ...argv], { ...deps, log: async () => log });
  return { code, out: out(), err: err() };
}

async function gateway(context: TestContext, log: string | null): Promise<Record<string, string>> {
  const view = sampleView({ decisions: () => [sampleDecision({ id: 7 })], log: () => log });
  const admin = await startAdmin({ address: { host: '127.0.0.1', port: 0 }, view });
  context.after(() => admin.close());
  return { SLUICE_ADMIN: admin.url };
}

suite('sluice decisions', { timeout: 120_000 }, () => {
  test('shows those of a state directory, a line each or as JSON', async () => {
    const { code, out } = await cli(['--state', 'dir']);
    assert.equal(code, 0);
    assert.match(out, /^ {3}1 {2}2026\S+ {2}rollback {2}v2 rolled back: .*\n {3}2 {2}\S+ {2}shadow {4}v2/);
    const { length } = JSON.parse((await cli(['--state', 'dir', '-o', 'json'])).out) as unknown[];
    assert.equal(length, 2);
  });

  test('shows a sentence that holds commands for a terminal, or lines of its own, as one line of text', async () => {
    const [forged] = linesOf([sampleDecision({ id: 1, sentence: 'v2 \u001b[2Jheld\n   2  forged' })], []);
    const { out } = await cli(['--state', 'dir'], {}, [forged as LogLine]);
    assert.match(out, /v2 \ufffd\[2Jheld\ufffd {3}2 {2}forged\n$/);
    assert.equal(out.split('\n').length, 2);
  });

  test('shows those of a running gateway', async (context) => {
    assert.match((await cli([], await gateway(context, null))).out, /^ {3}7 {2}/);
    const { code, err } = await cli(['--admin', 'http://127.0.0.1:1']);
    assert.deepEqual([code, err.startsWith('sluice: cannot reach the admin server')], [3, true]);
  });

  test('exports every line of a state directory, also more than are written at a time', async () => {
    const many = Array.from({ length: 2500 }, (): LogLine => ({ kind: 'head', seq: 1, hash: '' }));
    const { code, out } = await cli(['export', '--state', 'dir'], {}, many);
    assert.deepEqual([code, out.split('\n').length], [0, 2501]);
    assert.equal((await cli(['export', '--state', 'dir'])).out, LINES.map((line) => `${formatLine(line)}\n`).join(''));
  });

  test('exports what a gateway has in memory; one with a state directory says so', async (context) => {
    assert.equal((await cli(['export'], await gateway(context, 'a log\n'))).out, 'a log\n');
    const { code, err } = await cli(['export'], await gateway(context, null));
    assert.deepEqual(
      [code, err],
      [1, 'sluice: The log is in the state directory: sluice decisions export --state DIR\n'],
    );
    assert.equal((await cli(['export', '--admin', 'http://127.0.0.1:1'])).code, 3);
  });

  test('what is not understood is wrong usage', async () => {
    for (const argv of [['exprt'], ['export', '-o', 'json'], ['-o', 'xml'], ['export', 'x']]) {
      assert.equal((await cli(argv)).code, 2, argv.join(' '));
    }
  });
});
