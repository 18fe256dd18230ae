import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { runCli } from '#src/cli/cli.ts';
import { logTools } from '#src/compose/answers/log-tools.ts';
import type { LogLine } from '#src/model/threads/state.ts';
import { parseConfig } from '#src/sources/parse.ts';
import { recordedDeps } from '../../../support/cli.ts';
import { SOUND_ROLLOUT } from '../../../support/config.ts';
import { Recorded } from '../../../support/simulate/watch/recorded.ts';
import { linesOf } from '../../../support/state/lines.ts';
import { convicted, revertOf } from '../../../support/state/reverts.ts';

/** A history of the route of SOUND_ROLLOUT that ends in a rollback. */
function history(): LogLine[] {
  const gateway = new Recorded(5, undefined, { canaryErrorRatio: 0.2 });
  gateway.reload({ route: 'shop' });
  for (let n = 0; n < 400 && gateway.decisions.at(-1)?.kind !== 'rollback'; n++) gateway.tick();
  const { decisions, segments } = gateway.end();
  return linesOf(decisions, segments);
}

async function replay(argv: readonly string[], lines: readonly LogLine[], policy = SOUND_ROLLOUT) {
  const { deps, out, err } = recordedDeps();
  const config = {
    ...(await deps.config()),
    readText: () => Promise.resolve(policy),
    parse: (text: string, file: string) => parseConfig(text, file, {}),
  };
  const log = { ...logTools, read: () => lines };
  return {
    code: await runCli(['replay', ...argv], { ...deps, config: async () => config, log: async () => log }),
    out: out(),
    err: err(),
  };
}

suite('sluice replay', () => {
  test('without a policy the decisions are identical; a changed one fails', async () => {
    const lines = history();
    const { code, out } = await replay(['log'], lines);
    assert.equal(code, 0, out);
    assert.match(out, /^shop {2}tape .* decisions, identical$/m);
    assert.match(out, /^identical {2}2 of 2$/m);
    const changed = lines.map((line) =>
      line.kind === 'decision' && line.seq === 1
        ? { ...line, body: line.body.replace('"alpha":0.001', '"alpha":0.5') }
        : line,
    );
    const other = await replay(['log'], changed);
    assert.equal(other.code, 1);
    assert.match(other.out, /0 decisions identical, then:\n {2}recorded .*\n(.*\n)* {2}replayed /);
  });

  test('reverts of configurations are judged again, and one that was changed fails', async () => {
    const conviction = convicted(1, { routes: 2, before: 0, after: 1 });
    assert.ok(conviction !== null);
    const revert = revertOf(conviction);
    const { code, out } = await replay(['log'], linesOf([revert], []));
    assert.equal(code, 0, out);
    assert.match(out, /^r0 {2}revert 2026-\S+ {2}identical: route r0: \d+ of \d+/);
    const late = { ...revert, certificate: { ...revert.certificate, turns: null } };
    assert.match((await replay(['log'], linesOf([late], []))).out, / {2}without evidence: /);
    const forged = await replay(['log'], linesOf([{ ...revert, failed: 1 }], []));
    assert.deepEqual([forged.code, / {2}comes out otherwise: /.test(forged.out)], [1, true]);
  });

  test('with a policy it tells what would have been, when, and what it costs', async () => {
    const policy = SOUND_ROLLOUT.replace(
      'canary: v2',
      'canary: v2, alpha: 0.000000001, badMin: 100000, steps: default',
    );
    const { code, out } = await replay(['log', '--policy', 'p.yaml'], history(), policy);
    assert.equal(code, 0, out);
    assert.match(out, /^recorded {3}1 rollbacks, \d+ bad canary requests$/m);
    assert.match(out, /^replayed {3}0 rollbacks, \d+ bad canary requests at least$/m);
    const json = await replay(['log', '--policy', 'p.yaml', '-o', 'json'], history(), policy);
    const { tapes } = JSON.parse(json.out) as { tapes: { differsAt: number | null }[] };
    assert.notEqual(tapes[0]?.differsAt, null);
  });

  test('a policy without rollouts, or that is none, is a failure; no log is wrong usage', async () => {
    const without = SOUND_ROLLOUT.replace(/^ {4}rollout:.*\n/m, '');
    assert.match((await replay(['log', '--policy', 'p'], [], without)).err, /p has no route with a rollout/);
    assert.match((await replay(['log', '--policy', 'p'], [], 'routes: 7')).err, /p is no policy/);
    assert.equal((await replay([], [])).code, 2);
  });
});
