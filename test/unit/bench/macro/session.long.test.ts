import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { Children } from '../../../../bench/macro/children.ts';
import { type Contender, PLAIN } from '../../../../bench/macro/contenders/contender.ts';
import { readOptions } from '../../../../bench/macro/options.ts';
import { chooseCores, coresForTwo, type Session, startGateway } from '../../../../bench/macro/session.ts';

describe('the cores of a run', () => {
  test('are two different ones, or none', () => {
    const { gateway, load } = chooseCores();
    assert.ok(gateway.length === load.length && gateway.length <= 1);
    if (gateway.length > 0) assert.notDeepEqual(gateway, load);
  });

  test('for two workers the gateway gets two, and the load a third where there is one', () => {
    const cores = coresForTwo({ gateway: [0], load: [1] });
    assert.deepEqual(cores.gateway, [0, 1]);
    assert.deepEqual(cores.load, [availableParallelism() >= 3 ? 2 : 1]);
    assert.deepEqual(coresForTwo({ gateway: [], load: [] }), { gateway: [], load: [] });
  });
});

const SERVER = (port: number): string =>
  `require('node:http').createServer((_, response) => response.end()).listen(${port}, '127.0.0.1')`;

function sessionIn(folder: string, children: Children, signal: AbortSignal): Session {
  return {
    options: readOptions([]),
    folder,
    children,
    binary: (name) => name,
    cores: { gateway: [], load: [] },
    signal,
    upstreamPort: 1,
    upstream: children.start('none', [], [process.execPath, '-e', '']),
    ticksPerSecond: 100,
    say: () => undefined,
  };
}

describe('startGateway', () => {
  const contender: Contender = {
    name: 'node-undici',
    needs: [],
    prepare: ({ port }) => [process.execPath, '-e', SERVER(port)],
    readyUrl: ({ port }) => `http://127.0.0.1:${port}/`,
    version: () => '1',
  };

  test('gives it ports and a folder of its own and waits until it serves', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-session-'));
    const children = new Children();
    t.after(async () => {
      await children.stopAll();
      rmSync(folder, { recursive: true });
    });
    const session = sessionIn(folder, children, new AbortController().signal);
    const [first, second] = await Promise.all([
      startGateway(session, contender, PLAIN),
      startGateway(session, contender, { ...PLAIN, routes: 10 }),
    ]);
    assert.notEqual(first.place.port, second.place.port);
    assert.notEqual(first.place.folder, second.place.folder);
    assert.equal(second.place.setup.routes, 10);
    assert.equal((await fetch(`http://127.0.0.1:${first.place.port}/`)).status, 200);
  });

  test('starts nothing in a run that was stopped', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-session-'));
    const children = new Children();
    t.after(async () => {
      await children.stopAll();
      rmSync(folder, { recursive: true });
    });
    const session = sessionIn(folder, children, AbortSignal.abort());
    await assert.rejects(startGateway(session, contender, PLAIN), { name: 'AbortError' });
  });
});
