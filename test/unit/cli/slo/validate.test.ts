import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { startAdmin } from '#src/admin/server.ts';
import { CONFIG, OPENSLO, runOver } from '../../../support/readings/slo-file.ts';
import { sampleRoute, sampleStatus } from '../../../support/readings/status.ts';
import { sampleView } from '../../../support/readings/view.ts';

const validate = (text: string, ...more: string[]) =>
  runOver({ 'slo.yaml': text }, ['slo', 'validate', 'slo.yaml', ...more]);

/** Where a gateway is that had so many requests in so long. */
async function adminOf(context: TestContext, requests: number, uptimeMs: number): Promise<string> {
  const status = sampleStatus({ uptimeMs, routes: [sampleRoute({ name: 'checkout', requests })] });
  const admin = await startAdmin({
    address: { host: '127.0.0.1', port: 0 },
    view: sampleView({ status: () => status }),
  });
  context.after(() => admin.close());
  return admin.url;
}

describe('a sound file', () => {
  it('is told of by its objectives', async () => {
    const { code, out, err } = await validate(CONFIG);
    assert.deepEqual([code, err], [0, '']);
    assert.match(out, /^availability of route checkout {2}99\.9 %\n/);
    assert.match(out, /latency of route checkout {2}99 % within 300 ms\n/);
    assert.match(out, /slo\.yaml: 5 objective\(s\) of the gateway, 0 problem\(s\), 0 warning\(s\)\n$/);
  });

  it('says at a rate what budgets allow and when alerts fire', async () => {
    const { code, out } = await validate(OPENSLO, '--rps', '1000');
    assert.equal(code, 0);
    assert.match(
      out,
      /1000 events\/s: 28 days allow 2419000 bad ones; an outage fires page \(1h\) after 53 s, page \(6h\) after 131 s, ticket \(3d\) after 261 s/,
    );
  });

  it('says it as an object', async () => {
    const answer = JSON.parse((await validate(OPENSLO, '--rps', '1000', '-o', 'json')).out) as Record<string, unknown>;
    assert.deepEqual([answer['valid'], answer['format'], answer['problems']], [true, 'openslo', []]);
    const [objective] = answer['objectives'] as { feasibility: { budgetEvents: number }; warnings: string[] }[];
    assert.deepEqual([objective?.feasibility.budgetEvents, objective?.warnings], [2_419_200, []]);
  });
});

describe('a file', () => {
  it('with problems is refused with all of them', async () => {
    const { code, err, out } = await validate(OPENSLO.replace('0.999', '99.9').replace('[fast]', '[fest]'));
    assert.equal(code, 1);
    assert.deepEqual(
      err
        .split('\n')
        .map((line) => line.split(' ')[1])
        .filter(Boolean),
      ['SLU1216', 'SLU1215'],
    );
    assert.match(out, /2 problem\(s\)/);
    const json = JSON.parse((await validate('x: 1\n', '-o', 'json')).out) as { valid: boolean; problems: unknown[] };
    assert.deepEqual([json.valid, json.problems.length > 0], [false, true]);
  });

  it('whose traffic is too little is refused', async () => {
    const { code, err } = await validate(OPENSLO, '--rps', '0.0001');
    assert.equal(code, 1);
    assert.match(err, /^SLU1218 availability of route checkout: 28 days allow 0\.24192 failures/);
  });

  it('with a target so low that alerts cannot fire is warned of', async () => {
    const { code, err } = await validate(
      CONFIG.replace('availability: 0.999\n', 'availability: 0.9\n'),
      '--rps',
      '100',
    );
    assert.equal(code, 0);
    assert.equal(
      err,
      'warning: availability of route checkout: its page at 14.4x over 1h can never fire: that is more than everything\n',
    );
  });
});

describe('the traffic', () => {
  it('is what a gateway counted, and composite objectives have a second a second', async (context) => {
    const url = await adminOf(context, 50_000, 100_000);
    const { out } = await validate(CONFIG, '--admin', url);
    assert.match(out, /availability of route checkout {2}99\.9 %\n {2}500 events\/s/);
    assert.match(out, /composite of route checkout {2}99\.5 %\n {2}1 events\/s/);
  });

  it('needs a gateway that answers', async () => {
    assert.equal((await validate(CONFIG, '--admin', 'http://127.0.0.1:1')).code, 3);
  });

  it('is one rate above 0', async () => {
    for (const argv of [
      ['--rps', '0'],
      ['--rps', 'many'],
      ['--rps', '1', '--admin', 'http://127.0.0.1:1'],
    ]) {
      assert.equal((await validate(CONFIG, ...argv)).code, 2, argv.join(' '));
    }
    assert.equal((await runOver({}, ['slo', 'validate'])).code, 2);
  });
});
