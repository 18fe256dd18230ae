import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { startAdmin } from '#src/admin/server.ts';
import { runCli } from '#src/cli/cli.ts';
import { recordedDeps } from '../../../../support/cli.ts';
import { runOver } from '../../../../support/readings/slo-file.ts';
import { sampleDecision, sampleRoute, sampleSlo, sampleStatus } from '../../../../support/readings/status.ts';
import { sampleView } from '../../../../support/readings/view.ts';

const CONTRACT = 'commitments: [{route: checkout, p99: 300ms, availability: 0.9999}]\n';

async function adminOf(context: TestContext, asked: () => void = () => undefined): Promise<string> {
  const status = sampleStatus({ routes: [sampleRoute({ p99Ms: 250 })], slos: [sampleSlo()] });
  const view = sampleView({ status: () => (asked(), status), decisions: () => [sampleDecision()] });
  const admin = await startAdmin({ address: { host: '127.0.0.1', port: 0 }, view });
  context.after(() => admin.close());
  return admin.url;
}

describe('sla', () => {
  it('reports what is kept and what is broken', async (context) => {
    const url = await adminOf(context);
    const { code, out } = await runOver({ 'a.yaml': CONTRACT }, ['sla', 'a.yaml', '--admin', url]);
    assert.equal(code, 1);
    assert.deepEqual(out.split('\n').slice(0, 3), [
      'kept    p99 of route checkout: 250 ms, at most 300 ms promised',
      'broken  availability of route checkout: 99.95 % good, 50 bad of 100000; at least 99.99 % promised; objective route/checkout/availability',
      'the contract is broken: 1 of 2',
    ]);
    const kept = await runOver({ 'a.yaml': CONTRACT.replace('0.9999', '0.99') }, ['sla', 'a.yaml', '--admin', url]);
    assert.deepEqual([kept.code, kept.out.endsWith('the contract is kept\n')], [0, true]);
  });

  it('reports again and again as lines of JSON until it is told to stop', async (context) => {
    let times = 0;
    const { deps, events, out } = recordedDeps();
    const url = await adminOf(context, () => {
      times += 1;
      if (times === 3) events.emit('SIGTERM');
    });
    const config = { ...(await deps.config()), readText: () => Promise.resolve(CONTRACT) };
    const argv = ['sla', 'a.yaml', '--every', '1ms', '--admin', url, '-o', 'json'];
    assert.equal(await runCli(argv, { ...deps, config: async () => config }), 1);
    const reports = out()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { kept: boolean });
    assert.deepEqual(
      reports.map(({ kept }) => kept),
      [false, false, false],
    );
    assert.equal(events.listenerCount('SIGTERM'), 0);
  });

  it('says what is wrong with a contract, a duration or an address', async () => {
    const wrong = await runOver({ 'a.yaml': 'commitments: []\n' }, ['sla', 'a.yaml']);
    assert.deepEqual([wrong.code, /SLU1215 commitments/.test(wrong.err)], [1, true]);
    const files = { 'a.yaml': CONTRACT };
    assert.equal((await runOver(files, ['sla'])).code, 2);
    for (const every of ['soon', '0ms'])
      assert.equal((await runOver(files, ['sla', 'a.yaml', '--every', every])).code, 2);
    assert.equal((await runOver(files, ['sla', 'a.yaml', '--admin', 'http://127.0.0.1:1'])).code, 3);
  });
});
