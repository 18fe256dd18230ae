import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { runCommand } from '#src/cli/run.ts';
import type { GatewayOptions } from '#src/model/gateway.ts';
import { fakeGateway, recordedDeps } from '../../support/cli.ts';
import { until } from '../../support/gateway.ts';

const PLAIN = { configKeyFile: null, isFreshRequired: false, pidFile: null, isTied: false, restartTimeoutMs: 60_000 };

function settingsOf(started: readonly GatewayOptions[]): unknown[] {
  return started.map((options) => {
    const { orphaned: _, committed: __, ...settings } = options;
    return settings;
  });
}

/** Starts the command and waits until the gateway has been started and its lines are printed. */
async function running(argv: readonly string[]) {
  const fake = fakeGateway();
  const recorded = recordedDeps({ startGateway: (options) => fake.start(options) });
  const code = runCommand.run(argv, recorded.deps);
  for (let turn = 0; turn < 10 && recorded.out() === ''; turn++) await Promise.resolve();
  return { ...fake, ...recorded, code };
}

suite('run', () => {
  test('it prints one line per fact and serves until the gateway is closed', async () => {
    const { code, out, started, close } = await running(['--config', 'shop.yaml', '--log-level', 'warn']);
    assert.deepEqual(settingsOf(started), [{ ...PLAIN, configFile: 'shop.yaml', logLevel: 'warn' }]);
    assert.equal(
      out(),
      'sluice 9.9.9\nproxy   http://127.0.0.1:8080\nadmin   http://127.0.0.1:9900\nconfig  shop.yaml #3f9a1c00\n',
    );
    close(0);
    assert.equal(await code, 0);
  });

  test('the keys of documents are in the file that is named', async () => {
    const { code, started, close } = await running(['--config-key-file', 'keys']);
    assert.equal(started[0]?.configKeyFile, 'keys');
    close(0);
    assert.equal(await code, 0);
  });

  test('the configuration is gateway.yaml and the level info unless said otherwise', async () => {
    const { code, started, close } = await running([]);
    assert.deepEqual(settingsOf(started), [{ ...PLAIN, configFile: 'gateway.yaml', logLevel: 'info' }]);
    close(1);
    assert.equal(await code, 1);
  });

  test('the first SIGTERM or SIGINT drains, the second ends at once with 1', async () => {
    for (const [first, second] of [
      ['SIGTERM', 'SIGTERM'],
      ['SIGINT', 'SIGTERM'],
      ['SIGTERM', 'SIGINT'],
    ] as const) {
      const { code, events, calls, exits, out, close } = await running([]);
      events.emit(first);
      assert.deepEqual(calls, ['drain']);
      assert.match(out(), /draining/);
      assert.deepEqual(exits, []);
      events.emit(second);
      assert.deepEqual([calls, exits], [['drain'], [1]]);
      close(0);
      await code;
    }
  });

  test('a gateway that others count on is drained while it starts, and one that nobody does yet ends at once', async () => {
    for (const isCommitted of [true, false]) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const fake = fakeGateway();
      const { deps, events, exits } = recordedDeps({
        startGateway: async (options) => {
          if (isCommitted) options.committed?.(fake.gateway);
          await promise;
          return fake.start(options);
        },
      });
      const code = runCommand.run([], deps);
      events.emit('SIGTERM');
      assert.deepEqual([fake.calls, exits], isCommitted ? [['drain'], []] : [[], [0]]);
      resolve();
      fake.close(0);
      assert.equal(await code, 0);
    }
  });

  test('a gateway that takes over from one that is gone before it could ends at once, and says why', async () => {
    const { code, started, exits, err, close } = await running([]);
    started[0]?.orphaned?.();
    assert.deepEqual(
      [exits, err()],
      [[1], 'sluice: ended, as the gateway that was to hand over has gone before it did\n'],
    );
    close(0);
    await code;
  });

  test('SIGUSR2 asks for a restart', async () => {
    const { code, events, calls, close } = await running([]);
    events.emit('SIGUSR2');
    assert.deepEqual(calls, ['restart by SIGUSR2']);
    close(0);
    assert.equal(await code, 0);
  });

  test('the pid file, the tie to the parent and the time for a restart are as asked', async () => {
    const { code, started, close } = await running(['--pid-file', 'p', '--with-parent', '--restart-timeout', '5']);
    const [options] = started;
    assert.deepEqual([options?.pidFile, options?.isTied, options?.restartTimeoutMs], ['p', true, 5000]);
    close(0);
    await code;
    const fresh = await running(['--require-fresh']);
    assert.equal(fresh.started[0]?.isFreshRequired, true);
    fresh.close(0);
    await fresh.code;
    for (const wrong of ['0', '3601', '1.5', 'soon']) {
      await assert.rejects(runCommand.run(['--restart-timeout', wrong], recordedDeps().deps), { code: 'SLU_USAGE' });
    }
  });

  test('SIGHUP reads the configuration again', async () => {
    const { code, events, calls, close } = await running([]);
    events.emit('SIGHUP');
    events.emit('SIGHUP');
    assert.deepEqual(calls, ['reload', 'reload']);
    close(0);
    await code;
  });

  test('what nobody caught is taken by the gateway that serves, and ends a process that does not', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const fake = fakeGateway();
    const { deps, events } = recordedDeps({ startGateway: (options) => promise.then(() => fake.start(options)) });
    const code = runCommand.run([], deps);
    assert.equal(events.listenerCount('uncaughtException'), 0);
    resolve();
    await until('it serves', () => events.listenerCount('uncaughtException') === 1);
    events.emit('uncaughtException', new Error('odd'), 'unhandledRejection');
    assert.deepEqual(fake.calls, ['unhandledRejection: Error: odd']);
    fake.close(0);
    await code;
    assert.equal(events.listenerCount('uncaughtException'), 0);
  });

  test('a parent that goes away drains it only if that was asked for, and is no second signal', async () => {
    const alone = await running([]);
    alone.events.emit('disconnect');
    assert.deepEqual(alone.calls, []);
    alone.close(0);
    await alone.code;
    const child = await running(['--with-parent']);
    child.events.emit('SIGTERM');
    child.events.emit('disconnect');
    assert.deepEqual([child.calls, child.exits], [['drain'], []]);
    child.close(0);
    await child.code;
    const orphan = await running(['--with-parent']);
    orphan.events.emit('disconnect');
    assert.deepEqual(orphan.calls, ['drain']);
    orphan.close(0);
    await orphan.code;
  });

  test('a drain that fails ends it with 1 and says why', async () => {
    const { gateway, close } = fakeGateway();
    const broken = { ...gateway, drain: () => Promise.reject(new Error('stuck')) };
    const recorded = recordedDeps({ startGateway: () => Promise.resolve(broken) });
    const code = runCommand.run([], recorded.deps);
    for (let turn = 0; turn < 10 && recorded.out() === ''; turn++) await Promise.resolve();
    recorded.events.emit('SIGTERM');
    for (let turn = 0; turn < 10 && recorded.exits.length === 0; turn++) await Promise.resolve();
    assert.deepEqual(recorded.exits, [1]);
    assert.match(recorded.err(), /draining failed: stuck/);
    close(0);
    await code;
  });

  test('no listener is left behind', async () => {
    const { code, events, close } = await running(['--with-parent']);
    assert.ok(events.eventNames().length >= 4);
    close(0);
    await code;
    assert.deepEqual(events.eventNames(), []);
  });

  test('wrong arguments are usage errors before anything is started', async () => {
    for (const argv of [['--log-level', 'loud'], ['--confg', 'x'], ['gateway.yaml']]) {
      const fake = fakeGateway();
      const { deps } = recordedDeps({ startGateway: (options) => fake.start(options) });
      await assert.rejects(runCommand.run(argv, deps), { code: 'SLU_USAGE' });
      assert.deepEqual(fake.started, []);
    }
  });
});
