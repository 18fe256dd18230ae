/** The command's arguments and exit codes. */

import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { startAdmin } from '#src/admin/server.ts';
import type { CanaryReport } from '#src/cli/check/report.ts';
import type { Status } from '#src/model/status.ts';
import { runOver } from '../../../support/readings/slo-file.ts';
import { sampleStatus } from '../../../support/readings/status.ts';
import { sampleView } from '../../../support/readings/view.ts';

async function check(context: TestContext, status: Partial<Status>, argv: readonly string[]) {
  const view = sampleView({ status: () => sampleStatus(status) });
  const admin = await startAdmin({ address: { host: '127.0.0.1', port: 0 }, view });
  context.after(() => admin.close());
  return runOver({}, ['check', 'canary', ...argv, '--admin', admin.url]);
}

describe('check canary', () => {
  it('takes sound arguments', async () => {
    for (const argv of [
      ['canray', 'shop'],
      ['canary'],
      ['canary', 'shop', 'basket'],
      ['canary', 'shop', '--probes', '0'],
      ['canary', 'shop', '--probes', '1001'],
      ['canary', 'shop', '--timeout', '1.5'],
      ['canary', 'shop', '--retries', '11'],
      ['canary', 'shop', '--slowest', '0'],
      ['canary', 'shop', '--max-errors', '2'],
      ['canary', 'shop', '--max-errors', ''],
      ['canary', 'shop', '--path', 'checkout'],
      ['canary', 'shop', '--path', '//other.test/'],
      ['canary', 'shop', '--path', '/\\other.test/'],
      ['canary', 'shop', '--health', 'http://other.test/'],
      ['canary', 'shop', '--gateway', 'other.test:80'],
      ['canary', 'shop', '--gateway', 'ftp://other.test'],
      ['canary', 'shop', '--expect', '6xx'],
      ['canary', 'shop', '--expect', '2x'],
      ['canary', 'shop', '--admin', 'nowhere'],
    ]) {
      const { code, err } = await runOver({}, ['check', ...argv]);
      assert.equal(code, 2, argv.join(' '));
      assert.match(err, /try: sluice check --help/);
    }
  });

  it('says when nobody answers', async () => {
    const { code, err } = await runOver({}, [
      'check',
      'canary',
      'shop',
      '--admin',
      'http://127.0.0.1:1',
      '--retries',
      '0',
    ]);
    assert.equal(code, 3);
    assert.match(err, /cannot reach the admin server at http:\/\/127\.0\.0\.1:1/);
  });

  it('tells every stage, also of those that could not be run', async (context) => {
    const { code, out } = await check(context, {}, ['checkout', '--version', 'v3', '-o', 'json']);
    const report = JSON.parse(out) as CanaryReport;
    assert.deepEqual([code, report.ok, report.version, report.sli], [1, false, 'v3', null]);
    assert.deepEqual(
      report.stages.map(({ name, state }) => `${name} ${state}`),
      ['gateway pass', 'version fail', 'endpoints skipped', 'route skipped', 'probe skipped', 'sli skipped'],
    );
    const text = await check(context, {}, ['checkout', '--version', 'v3', '--health', '/health']);
    assert.match(text.out, /^fail {4}version {3}route checkout has no version v3/m);
    assert.match(text.out, /^skipped health {4}skipped: it rests on a stage that failed$/m);
    assert.match(text.out, /checkout is not fit: 6 of 7 stages did not pass\n$/);
  });
});
