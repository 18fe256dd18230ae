/** The gate against an admin server: text, JSON, baselines and exit codes. */

import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { startAdmin } from '#src/admin/server.ts';
import { bucketIndex } from '#src/lib/histogram.ts';
import type { Status } from '#src/model/status.ts';
import { runOver } from '../../../support/readings/slo-file.ts';
import { sampleRoute, sampleSlo, sampleStatus } from '../../../support/readings/status.ts';
import { sampleView } from '../../../support/readings/view.ts';

const CALM = sampleSlo({ alerts: sampleSlo().alerts.map((alert) => ({ ...alert, isFiring: false })) });

async function gate(
  context: TestContext,
  status: Partial<Status>,
  argv: readonly string[],
  files: Record<string, string> = {},
) {
  const view = sampleView({ status: () => sampleStatus(status) });
  const admin = await startAdmin({ address: { host: '127.0.0.1', port: 0 }, view });
  context.after(() => admin.close());
  return runOver(files, ['gate', '--admin', admin.url, ...argv]);
}

describe('the gate', () => {
  it('is open while budgets last', async (context) => {
    const { code, out } = await gate(context, { slos: [CALM] }, []);
    assert.deepEqual(
      [code, out],
      [0, 'pass    availability of route checkout: 50 % of the budget is left\nthe gate is open\n'],
    );
  });

  it('is closed by what burns, and says so as an object', async (context) => {
    const { code, out } = await gate(context, { slos: [CALM, sampleSlo()] }, ['-o', 'json']);
    const answer = JSON.parse(out) as { open: boolean; checks: { state: string }[] };
    assert.deepEqual([code, answer.open, answer.checks.map(({ state }) => state)], [1, false, ['pass', 'fail']]);
  });

  it('is closed while nothing is known, unless that is allowed', async (context) => {
    const idle = { slos: [sampleSlo({ remainingRatio: null })] };
    assert.equal((await gate(context, idle, [])).code, 1);
    assert.equal((await gate(context, idle, ['--allow-no-data'])).code, 0);
    const none = await gate(context, { slos: [] }, ['--allow-no-data']);
    assert.deepEqual([none.code, none.out], [1, 'the gate is closed: there is nothing to go by\n']);
  });

  it('compares with what it wrote before', async (context) => {
    const routes = [sampleRoute({ requests: 1000, bad: 1, p99Ms: 10 })];
    const at = (ms: number) => ({
      route: 'checkout',
      counts: [[bucketIndex(10), 1000], ...(ms === 0 ? [] : [[bucketIndex(ms), 1000] as const])] as const,
    });
    const written = await gate(context, { routes, latencies: [at(0)] }, ['-o', 'baseline', '--route', 'checkout']);
    assert.equal(written.code, 0);
    const files = { 'before.json': written.out };
    const worse = [sampleRoute({ requests: 2000, bad: 101, p99Ms: 10 })];
    const argv = ['--baseline', 'before.json', '--route', 'checkout'];
    const closed = await gate(context, { slos: [CALM], routes: worse, latencies: [at(10.5)] }, argv, files);
    assert.equal(closed.code, 1);
    assert.match(closed.out, /fail {4}errors of route checkout: 100 bad of 1000, 1 of 1000 before/);
    const better = [sampleRoute({ requests: 2000, bad: 2, p99Ms: 10 })];
    assert.equal((await gate(context, { slos: [CALM], routes: better, latencies: [at(10.5)] }, argv, files)).code, 0);
    const slower = { slos: [CALM], routes: better, latencies: [at(14)] };
    assert.equal((await gate(context, slower, argv, files)).code, 1);
    assert.equal((await gate(context, slower, [...argv, '--tolerance', '0.5'], files)).code, 0);
  });

  it('knows the routes that there are', async (context) => {
    const { code, err } = await gate(context, { slos: [CALM] }, ['--route', 'chekcout']);
    assert.equal(code, 1);
    assert.match(err, /there is no route chekcout \(did you mean checkout\?\)/);
  });

  it('takes sound numbers, and a gateway that answers', async () => {
    for (const argv of [['--min-budget', '2'], ['--tolerance', '0.1'], ['--min-budget', ''], ['extra']]) {
      assert.equal((await runOver({}, ['gate', ...argv])).code, 2, argv.join(' '));
    }
    assert.equal((await runOver({ 'b.json': '{}' }, ['gate', '--baseline', 'b.json'])).code, 2);
    assert.equal((await runOver({}, ['gate', '--admin', 'http://127.0.0.1:1'])).code, 3);
  });
});
