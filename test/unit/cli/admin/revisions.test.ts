import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { suite, test } from 'node:test';
import { startAdmin } from '#src/admin/server.ts';
import { formatDiff, formatHistory } from '#src/cli/admin/revisions.ts';
import { runCli } from '#src/cli/cli.ts';
import type { RevisionEntry } from '#src/model/threads/revision.ts';
import { recordedDeps } from '../../../support/cli.ts';
import { refusedPortOf } from '../../../support/proxy/running.ts';
import { depsOf, NO_ACTIONS } from '../../../support/readings/admin.ts';
import { sampleView } from '../../../support/readings/view.ts';

const entry = (number: number, changes: Partial<RevisionEntry> = {}): RevisionEntry => ({
  number,
  revision: number,
  hash: 'ab12cd34ef56ff'.padEnd(64, '0'),
  at: '2026-11-01T08:00:00.000Z',
  origin: ['gateway.yaml'],
  contentOf: number,
  routes: 2,
  bytes: 900,
  release: '1',
  verifiedWith: null,
  isKept: true,
  ...changes,
});

suite('sluice config history and diff', () => {
  test('lists revisions newest first, marks the one in force, and says why the sources differ', () => {
    const rollback = entry(12, { origin: ['rollback by api'], contentOf: 9 });
    assert.equal(
      formatHistory([rollback, entry(11, { isKept: false })], 'pinned to revision 9 by api: why'),
      '      hash          accepted                  routes  bytes   changed\n' +
        '* 12  ab12cd34ef56  2026-11-01T08:00:00.000Z  2       900     rollback by api (content of 9)\n' +
        '  11  ab12cd34ef56  2026-11-01T08:00:00.000Z  2       let go  gateway.yaml\n' +
        'pinned to revision 9 by api: why\n',
    );
  });

  test('shows what differs by place, one line for each field, long values cut', () => {
    const changes = [
      { scope: 'gateway', name: '', field: 'limits.headerCountMax', before: 128, after: 64 },
      { scope: 'route', name: 'shop', field: 'timeout', before: 'x'.repeat(300), after: null },
      { scope: 'route', name: 'shop', field: 'backendRefs[shop/v2]', after: { weight: 5 } },
      { scope: 'route', name: 'old', field: '', before: 1 },
    ] as const;
    assert.equal(
      formatDiff({ before: '1 ab', after: '2 cd', changes, more: 7 }),
      '1 ab -> 2 cd\ngateway\n  ~ limits.headerCountMax: 128 -> 64\nroute shop\n' +
        `  ~ timeout: "${'x'.repeat(199)}... -> null\n  + backendRefs[shop/v2]: {"weight":5}\n` +
        'route old\n  - 1\nand 7 more\n',
    );
    assert.equal(formatDiff({ before: '1 ab', after: '2 cd', changes: [], more: 0 }), '1 ab -> 2 cd\n  the same\n');
  });

  test('tells all of it as JSON', async (context) => {
    const diff = { before: '1 ab', after: '2 cd', changes: [], more: 0 };
    const view = { revisions: () => [entry(2), entry(1)], diff: () => ({ kind: 'done', diff }) as const };
    const done = { kind: 'done', sentence: 'back to 1', number: 3, hash: 'ab' } as const;
    const actions = { ...NO_ACTIONS, configure: () => Promise.resolve(done) };
    const admin = await startAdmin({ address: { host: '127.0.0.1', port: 0 }, view: sampleView(view), actions });
    context.after(() => admin.close());
    const json = async (...argv: string[]): Promise<unknown> => {
      const { deps, out } = depsOf(admin.url);
      assert.equal(await runCli(['config', ...argv, '-o', 'json'], deps), 0, argv.join(' '));
      return JSON.parse(out());
    };
    assert.deepEqual(await json('history'), { revisions: [entry(2), entry(1)], difference: '' });
    assert.deepEqual(await json('diff', '1', '2'), diff);
    const { kind: _, ...told } = done;
    assert.deepEqual(await json('rollback', '1', '--reason', 'it broke'), told);
    assert.deepEqual(await json('unpin'), told);
  });

  test('a command that nobody answered may have been done; one that reached nobody was not', async (t) => {
    const server = createServer((request) => request.resume().once('end', () => request.socket.destroy()));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => server.close());
    const admin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    for (const words of [['rollback', '--reason', 'r'], ['unpin']]) {
      const { deps, err } = recordedDeps();
      assert.equal(await runCli(['config', ...words, '--admin', admin], deps), 1);
      assert.match(
        err(),
        /^sluice: unknown whether it was done, look again with sluice config history: no answer from/,
      );
    }
    const { deps, err } = recordedDeps();
    const gone = `http://127.0.0.1:${await refusedPortOf(t)}`;
    assert.equal(await runCli(['config', 'unpin', '--admin', gone], deps), 3);
    assert.match(err(), /^sluice: cannot reach the admin server/);
  });

  test('an unknown command says which there are', async () => {
    const { deps, err } = recordedDeps();
    assert.equal(await runCli(['config', 'rolback', '--reason', 'r'], deps), 2);
    assert.match(err(), /unknown command config rolback \(did you mean rollback\?\)/);
  });
});
