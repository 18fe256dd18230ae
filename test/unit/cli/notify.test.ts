/** `sluice notify` against a real admin server. */

import assert from 'node:assert/strict';
import { suite, type TestContext, test } from 'node:test';
import type { AdminActions } from '#src/admin/commands.ts';
import { startAdmin } from '#src/admin/server.ts';
import { hashToken } from '#src/admin/token.ts';
import { runCli } from '#src/cli/cli.ts';
import { alertLines } from '#src/cli/notify.ts';
import type { AlertCommand, AlertsStatus } from '#src/model/threads/load/alerts.ts';
import { recordedDeps } from '../../support/cli.ts';
import { sampleActive, sampleChannelStatus } from '../../support/readings/alerts.ts';
import { sampleStatus } from '../../support/readings/status.ts';
import { sampleView } from '../../support/readings/view.ts';

const TOKEN = 'sixteen-visible-characters';
const ALERTS: AlertsStatus = {
  active: [sampleActive()],
  activeCount: 1,
  dropped: 0,
  channels: [sampleChannelStatus(), sampleChannelStatus({ name: 'oncall', type: 'pagerduty', deadLetters: [] })],
};

interface Told {
  readonly alerts?: AlertsStatus | null;
  readonly token?: string;
}

async function cli(t: TestContext, argv: readonly string[], { alerts = ALERTS, token = TOKEN }: Told = {}) {
  const commands: AlertCommand[] = [];
  const actions: AdminActions = {
    tokenHash: () => hashToken(TOKEN),
    command: () => ({ kind: 'refused', detail: 'not asked' }),
    restore: () => ({ kind: 'refused', detail: 'not asked' }),
    configure: () => Promise.resolve({ kind: 'refused', detail: 'not asked' }),
    stopFaults: () => ({ kind: 'refused', detail: 'not asked' }),
    restart: () => ({ kind: 'refused', detail: 'not asked' }),
    setWeights: () => Promise.resolve({ kind: 'unknown', detail: '' }),
    onRefused: () => undefined,
    alert: (command) => {
      commands.push(command);
      if (command.channel === 'nobody') return Promise.resolve({ kind: 'unknown', detail: 'there is no such channel' });
      if (command.channel === 'dead') return Promise.resolve({ kind: 'failed', detail: 'dead: status 500' });
      return Promise.resolve(command.name === 'test' ? { kind: 'sent', tookMs: 17 } : { kind: 'retried', letters: 2 });
    },
  };
  const view = sampleView({ status: () => sampleStatus({ alerts }) });
  const admin = await startAdmin({ address: { host: '127.0.0.1', port: 0 }, view, actions });
  t.after(() => admin.close());
  const { deps, out, err } = recordedDeps({ env: { SLUICE_ADMIN: admin.url, SLUICE_ADMIN_TOKEN: token } });
  const code = await runCli(['notify', ...argv], deps);
  return { code, out: out(), err: err(), commands };
}

suite('sluice notify', { timeout: 240_000 }, () => {
  test('shows channels, what could not be delivered, and what goes on', async (t) => {
    const { code, out } = await cli(t, []);
    assert.equal(code, 0);
    assert.deepEqual(out.split('\n'), [
      'CHANNEL  TYPE       STATE  QUEUED  SENT  DEAD  LAST ERROR',
      'team     slack      idle   0       12    1',
      'oncall   pagerduty  idle   0       12    0',
      'dead team 2023-11-14T22:13:20.000Z PAGE burn: 1 firing: status 404: no_service',
      '1 alerts go on',
      'ticket burn since 2023-11-14T22:13:20.000Z: route shop burns 14 times too fast',
      '',
    ]);
    assert.equal((await cli(t, ['list'], { alerts: null })).out, 'no alerts are configured\n');
    assert.deepEqual(JSON.parse((await cli(t, ['list', '-o', 'json'])).out), ALERTS);
  });

  test('exits with 1 when a channel fails', async (t) => {
    for (const state of ['retrying', 'unusable'] as const) {
      const alerts = { ...ALERTS, channels: [sampleChannelStatus({ state })] };
      assert.equal((await cli(t, ['list'], { alerts })).code, 1);
    }
  });

  test('tests a channel, and says when it did not take it', async (t) => {
    const { code, out, commands } = await cli(t, ['test', 'team']);
    assert.deepEqual([code, out], [0, 'team took it in 17 ms\n']);
    assert.deepEqual(commands, [{ name: 'test', channel: 'team', by: 'api' }]);
    const json = await cli(t, ['test', 'team', '--output', 'json']);
    assert.deepEqual(JSON.parse(json.out), { tested: { channel: 'team', tookMs: 17 } });
    const dead = await cli(t, ['test', 'dead']);
    assert.deepEqual([dead.code, dead.err], [1, 'sluice: dead: status 500\n']);
    assert.equal((await cli(t, ['test', 'nobody'])).code, 1);
  });

  test('retries one channel or all', async (t) => {
    const all = await cli(t, ['retry']);
    assert.deepEqual([all.code, all.out], [0, '2 back in the queue\n']);
    assert.deepEqual(all.commands, [{ name: 'retry', channel: null, by: 'api' }]);
    assert.deepEqual((await cli(t, ['retry', 'team'])).commands, [{ name: 'retry', channel: 'team', by: 'api' }]);
    assert.deepEqual(JSON.parse((await cli(t, ['retry', '-o', 'json'])).out), { retried: { letters: 2 } });
  });

  test('the status has a line for what goes on and for channels that fail, and none while all is well', () => {
    const well = sampleChannelStatus({ deadLetters: [] });
    assert.deepEqual(alertLines(null), []);
    assert.deepEqual(alertLines({ ...ALERTS, active: [], activeCount: 0, channels: [well] }), []);
    const failing = sampleChannelStatus({ name: 'chat', state: 'retrying', queued: 3, lastError: 'status 503' });
    assert.deepEqual(alertLines({ ...ALERTS, channels: [well, failing] }), [
      'ALERTS   1 go on, 0 of them pages: sluice notify',
      'ALERTS   channel chat is retrying, 3 wait, 1 could not be delivered: status 503',
    ]);
  });

  test('needs the token, words that it knows, and a server that answers', async (t) => {
    const { code, err } = await cli(t, ['retry'], { token: 'not-the-token-at-all' });
    assert.deepEqual([code, /set SLUICE_ADMIN_TOKEN/.test(err)], [1, true]);
    for (const argv of [['test'], ['list', 'team'], ['send'], ['retry', '-o', 'xml']]) {
      assert.equal((await cli(t, argv)).code, 2, argv.join(' '));
    }
    assert.equal((await cli(t, ['list', '--admin', 'http://127.0.0.1:1'])).code, 3);
    assert.equal((await cli(t, ['test', 'team', '--admin', 'http://127.0.0.1:1'])).code, 3);
  });
});
