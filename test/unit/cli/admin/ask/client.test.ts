import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { startAdmin } from '#src/admin/server.ts';
import { fetchDecisions, fetchStatus } from '#src/cli/admin/ask/client.ts';
import { sampleDecision, sampleStatus } from '../../../../support/readings/status.ts';
import { sampleView } from '../../../../support/readings/view.ts';

suite('admin-client', () => {
  test('it reads what the admin server serves', async (context) => {
    const admin = await startAdmin({
      address: { host: '127.0.0.1', port: 0 },
      view: sampleView({ decisions: () => [sampleDecision(), sampleDecision({ id: 2, kind: 'resume' })] }),
    });
    context.after(() => admin.close());
    assert.deepEqual(await fetchStatus(admin.url), sampleStatus());
    assert.deepEqual(
      (await fetchDecisions(admin.url)).map(({ kind }) => kind),
      ['rollback', 'resume'],
    );
  });

  test('an answer that is no success rejects with the page and the status', async (context) => {
    const admin = await startAdmin({
      address: { host: '127.0.0.1', port: 0 },
      view: sampleView({
        status: () => {
          throw new Error('broken');
        },
      }),
    });
    context.after(() => admin.close());
    await assert.rejects(fetchStatus(admin.url), /\/api\/v1\/status answered 500: .*broken/);
  });
});
