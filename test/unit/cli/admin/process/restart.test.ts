import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { suite, type TestContext, test } from 'node:test';
import type { AdminActions } from '#src/admin/commands.ts';
import { startAdmin } from '#src/admin/server.ts';
import { hashToken } from '#src/admin/token.ts';
import { restartCommand } from '#src/cli/admin/process/restart.ts';
import type { Status } from '#src/model/status.ts';
import type { RestartAnswer } from '#src/model/threads/handover.ts';
import { recordedDeps } from '../../../../support/cli.ts';
import { listenLoopback } from '../../../../support/plane.ts';
import { sampleStatus } from '../../../../support/readings/status.ts';
import { sampleView } from '../../../../support/readings/view.ts';
import { WAITS } from '../../../../support/runner/depth.ts';

const TOKEN = 'sixteen-visible-characters';
const BEGUN: RestartAnswer = { kind: 'begun', pid: 4712, limitMs: 60_000 };

/** Runs `sluice restart` against an admin server whose status is `later` once it was asked to restart; null: it is gone. */
async function cli(
  context: TestContext,
  answer: RestartAnswer,
  later: Partial<Status> | null,
  { token = TOKEN, more = [] }: { readonly token?: string; readonly more?: readonly string[] } = {},
) {
  let status = sampleStatus();
  const actions: AdminActions = {
    tokenHash: () => hashToken(TOKEN),
    restore: () => ({ kind: 'refused', detail: 'not asked' }),
    command: () => ({ kind: 'refused', detail: 'not here' }),
    configure: () => Promise.resolve({ kind: 'refused', detail: 'not here' } as const),
    stopFaults: () => ({ kind: 'refused', detail: 'not asked' }) as const,
    restart: () => {
      if (later === null) setImmediate(() => void admin.close());
      else status = sampleStatus(later);
      return answer;
    },
    setWeights: () => Promise.resolve({ kind: 'unknown', detail: '' }),
    onRefused: () => undefined,
  };
  const view = sampleView({ status: () => status });
  // Where it goes away, nobody else is given its port: none listens at this address.
  const admin = await startAdmin({ address: { host: '127.0.0.2', port: 0 }, view, actions });
  context.after(() => admin.close());
  const { deps, out, err } = recordedDeps({ env: { SLUICE_ADMIN_TOKEN: token } });
  const code = await restartCommand.run(['--admin', admin.url, ...more], deps);
  return { code, out: out(), err: err() };
}

suite('restart', { timeout: 120_000 }, () => {
  test('follows until another process answers', async (context) => {
    const { code, out } = await cli(context, BEGUN, { pid: 4712, version: '0.2.0' });
    assert.equal(out, 'process 4712 starts\nprocess 4712 serves, release 0.2.0; process 4711 drains\n');
    assert.equal(code, 0);
  });

  test('tells it as JSON once it is over', async (context) => {
    const { code, out } = await cli(context, BEGUN, { pid: 4712, version: '0.2.0' }, { more: ['-o', 'json'] });
    assert.deepEqual([code, JSON.parse(out)], [0, { pid: 4712, version: '0.2.0', before: 4711 }]);
  });

  test('a gateway that goes away meanwhile is said to be, and no mistake of the command', async (context) => {
    const { code, err } = await cli(context, BEGUN, null);
    assert.equal(code, 3);
    assert.match(err, /^sluice: cannot reach the admin server at /);
  });

  test('says why it failed', async (context) => {
    const lastFailure = { at: '', because: 'it ended with code 1' };
    const { code, err } = await cli(context, BEGUN, { restart: { state: 'none', failures: 1, lastFailure } });
    assert.equal(err, 'sluice: the restart failed: it ended with code 1; process 4711 serves on\n');
    assert.equal(code, 1);
  });

  test('waits no longer than the gateway says that it can take', async (context) => {
    const { code, err } = await cli(context, { ...BEGUN, limitMs: 400 }, {});
    assert.equal(err, 'sluice: process 4711 has not said within 0.4 s what came of it: ask sluice status\n');
    assert.equal(code, 1);
  });

  test('waits no longer either for a gateway that keeps silent', WAITS, async (context) => {
    let questions = 0;
    const server = createServer((request, response) => {
      if (request.method === 'POST') response.end(JSON.stringify({ restart: { pid: 4712, limitMs: 3000 } }));
      else if (questions++ === 0) response.end(JSON.stringify(sampleStatus()));
    });
    const port = await listenLoopback(server);
    context.after(() => {
      server.closeAllConnections();
      server.close();
    });
    const { deps, err } = recordedDeps({ env: { SLUICE_ADMIN_TOKEN: TOKEN } });
    assert.equal(await restartCommand.run(['--admin', `http://127.0.0.1:${port}`], deps), 1);
    assert.match(err(), /has not said within 3 s/);
    assert.equal(questions, 2, 'the second one had what was left of the time, not its own');
  });

  test('says why it is refused', async (context) => {
    const refused = await cli(context, { kind: 'refused', detail: 'A restart is under way' }, {});
    assert.deepEqual([refused.code, refused.err], [1, 'sluice: A restart is under way\n']);
    const stranger = await cli(context, BEGUN, {}, { token: 'another-token-of-sixteen' });
    assert.equal(stranger.code, 1);
    assert.match(stranger.err, /set SLUICE_ADMIN_TOKEN/);
  });

  test('needs a gateway', async () => {
    const { deps, err } = recordedDeps();
    assert.equal(await restartCommand.run(['--admin', 'http://127.0.0.1:1'], deps), 3);
    assert.match(err(), /cannot reach the admin server/);
  });
});
