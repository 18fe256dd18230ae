import assert from 'node:assert/strict';
import { suite, type TestContext, test } from 'node:test';
import { startAdmin } from '#src/admin/server.ts';
import { runCli } from '#src/cli/cli.ts';
import type { Status } from '#src/model/status.ts';
import { adminFor, depsOf, NO_ACTIONS } from '../../../../support/readings/admin.ts';
import { sampleRoute, sampleStatus } from '../../../../support/readings/status.ts';
import { sampleView } from '../../../../support/readings/view.ts';
import { WAITS } from '../../../../support/runner/depth.ts';

const LIMITS = { delayMs: 0, timeoutMs: 1000 };

/** A gateway whose admin server ends some looks after it was asked to drain. */
async function draining(context: TestContext, looksLeft: number, look: () => void = () => undefined) {
  let looks = Number.POSITIVE_INFINITY;
  const status = (): Status => {
    look();
    if (looks-- <= 0) void admin.close();
    return sampleStatus({ routes: [sampleRoute({ inFlight: 3 })] });
  };
  const steer = {
    reload: () => assert.fail('not asked for'),
    drain: () => {
      looks = looksLeft;
      return LIMITS;
    },
  };
  // Where it ends, nobody else is given its port: none listens at this address.
  const address = { host: '127.0.0.2', port: 0 };
  const admin = await startAdmin({ address, view: sampleView({ status }), actions: NO_ACTIONS, steer });
  context.after(() => admin.close());
  return admin.url;
}

suite('sluice drain', { timeout: 120_000 }, () => {
  test('waits until the process has ended, and shows on a terminal what is under way', WAITS, async (context) => {
    const { deps, out } = depsOf(await draining(context, 1));
    const shown: string[] = [];
    const stderr = { ...deps.stderr, isTTY: true, write: (text: string) => shown.push(text) };
    assert.equal(await runCli(['drain'], { ...deps, stderr }), 0);
    assert.equal(out(), 'process 4711 has ended\n');
    assert.match(shown.join(''), /process 4711 drains, 3 requests under way/);
    assert.equal(shown.at(-1), '\r\u001b[2K');
  });

  test('only begins where it is not to wait, as text and as JSON', async (context) => {
    const { deps, out } = depsOf(await draining(context, 9));
    assert.equal(await runCli(['drain', '--no-wait'], deps), 0);
    assert.equal(await runCli(['drain', '--no-wait', '-o', 'json'], deps), 0);
    const [text = '', json = ''] = out().split('\n');
    assert.equal(text, 'process 4711 drains, 3 requests were under way');
    assert.deepEqual(JSON.parse(json), { pid: 4711, state: 'draining', inFlight: 3 });
  });

  test('an interruption ends the waiting, not the drain', async (context) => {
    let looks = 0;
    let interrupt = (): void => undefined;
    const url = await draining(context, 99, () => {
      if (++looks === 3) interrupt();
    });
    const { deps, events } = depsOf(url);
    interrupt = () => void events.emit('SIGINT');
    assert.equal(await runCli(['drain'], deps), 130);
    assert.equal(events.listenerCount('SIGINT'), 0);
  });

  test('needs the token and a gateway', async (context) => {
    const { deps, err } = depsOf(await adminFor(context), 'another-token-of-sixteen');
    assert.equal(await runCli(['drain'], deps), 1);
    assert.match(err(), /set SLUICE_ADMIN_TOKEN\n$/);
    assert.equal(await runCli(['drain'], depsOf('http://127.0.0.1:1').deps), 3);
  });
});
