import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { runCli } from '#src/cli/cli.ts';
import type { LogLine } from '#src/model/threads/state.ts';
import { recordedDeps } from '../../../../support/cli.ts';
import { Recorded } from '../../../../support/simulate/watch/recorded.ts';
import { linesOf } from '../../../../support/state/lines.ts';

function history(): readonly LogLine[] {
  const gateway = new Recorded(5, undefined, { canaryErrorRatio: 1 });
  for (let n = 0; n < 200 && gateway.decisions.at(-1)?.kind !== 'rollback'; n++) gateway.tick();
  const { decisions, segments } = gateway.end();
  return linesOf(decisions, segments);
}

async function verify(argv: readonly string[], lines: readonly LogLine[] = history()) {
  const asked: string[] = [];
  const { deps, out, err } = recordedDeps();
  const log = { ...(await deps.log()), read: (path: string) => (asked.push(path), lines) };
  const code = await runCli(['verify', ...argv], { ...deps, log: async () => log });
  return { code, out: out(), err: err(), asked };
}

suite('sluice verify', () => {
  test('an untouched log is ok, each decision in a line, the head in the last one', async () => {
    const { code, out, asked } = await verify(['log.jsonl']);
    assert.deepEqual([code, asked], [0, ['log.jsonl']]);
    assert.match(out, /^ {3}1 {2}\S+ {2}verified {3}checkout: v2 starts at 5 %/m);
    assert.match(out, /^log.jsonl: ok, (\d+) of \1 decisions verified$/m);
    assert.match(out, /^tapes 2, looks \d+, head \d+:[0-9a-f]{64}$/m);
    assert.deepEqual((await verify(['--state', 'dir'])).asked, ['dir']);
  });

  test('a changed row is a failure that says what and where', async () => {
    const lines = history().map((line) =>
      line.kind === 'decision' && line.seq === 1 ? { ...line, body: line.body.replace('0.001', '0.002') } : line,
    );
    const { code, out } = await verify(['x'], lines);
    assert.equal(code, 1);
    assert.match(out, /^x: decision 1: its hash does not belong to its content$/m);
    assert.match(out, /refuted.*\n {6}alpha is 0.002, its evidence says 0.001|certificate.policy is/);
    const json = JSON.parse((await verify(['x', '-o', 'json'], lines)).out) as { ok: boolean; damages: unknown[] };
    assert.deepEqual([json.ok, json.damages.length], [false, 1]);
  });

  test('a head that is known from elsewhere must be there', async () => {
    const { code, out } = await verify(['x', '--head', `99:${'a'.repeat(64)}`]);
    assert.equal(code, 1);
    assert.match(out, /^x: log: the log should have decision 99 with hash aaaaaaaaaaaa \(as you said\) and ends at/m);
  });

  test('what is not understood is wrong usage', async () => {
    for (const argv of [[], ['a', '--state', 'b'], ['a', '--head', 'x'], ['a', 'b'], ['a', '--heat', '1']]) {
      assert.equal((await verify(argv)).code, 2, argv.join(' '));
    }
  });
});
