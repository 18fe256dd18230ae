import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import { Children, freePort, pinned, untilReady } from '../../../../bench/macro/children.ts';
import { until } from '../../../support/gateway.ts';

const FOREVER = 'setInterval(() => {}, 1000)';
const DEAF = `process.on('SIGTERM', () => {}); process.stdout.write('deaf'); ${FOREVER}`;

/** Whether it was not killed: a zombie was, and so was one whose end nobody has looked at yet. */
function isRunning(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch (error) {
    assert.match((error as NodeJS.ErrnoException).code ?? '', /^(?:ENOENT|ESRCH)$/);
    return false;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    assert.equal((error as NodeJS.ErrnoException).code, 'ESRCH');
    return false;
  }
}

describe('Children', () => {
  test('ends every child, even one that does not listen', async () => {
    const children = new Children(200);
    const polite = children.start('polite', [], [process.execPath, '-e', FOREVER]);
    const deaf = children.start('deaf', [], [process.execPath, '-e', DEAF]);
    await once(deaf.process.stdout ?? deaf.process, 'data');
    assert.ok(isAlive(polite.pid) && isAlive(deaf.pid));
    await children.stopAll();
    assert.ok(!isAlive(polite.pid) && !isAlive(deaf.pid));
  });

  test('refuses a program that cannot be started', () => {
    assert.throws(() => new Children().start('none', [], ['/nonexistent/program']), /none: .* could not be started/);
  });
});

describe('a child with children of its own', { skip: process.platform === 'linux' ? false : 'no /proc here' }, () => {
  test('is killed with them', async () => {
    const children = new Children(200);
    const inner = 'process.stdout.write(String(process.pid)); setInterval(() => {}, 1000)';
    const spawned = `require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(inner)}], { stdio: ['ignore', 'inherit', 'inherit'] })`;
    const outer = children.start('outer', [], [process.execPath, '-e', `${spawned}; ${FOREVER}`]);
    const [said] = (await once(outer.process.stdout ?? outer.process, 'data')) as [Buffer];
    const innerPid = Number(String(said));
    const closed = once(outer.process, 'close');
    children.killAll();
    // The pipe closes when the last process that holds it ends.
    await closed;
    assert.ok(!isAlive(outer.pid));
    await until('the inner one is gone too', () => !isRunning(innerPid));
  });
});

describe('freePort', () => {
  test('gives a port that can be listened on, outside the range of outgoing connections', async () => {
    const port = await freePort();
    assert.ok(port > 1_024 && port < 32_768);
    const server = createServer().listen(port, '127.0.0.1');
    await once(server, 'listening');
    server.close();
  });
});

describe('pinned', () => {
  test('leaves a command alone without cores', () => {
    assert.deepEqual(pinned([], ['a', 'b']), ['a', 'b']);
    assert.deepEqual(pinned([0, 1], ['a', 'b']), ['taskset', '-c', '0,1', 'a', 'b']);
  });
});

describe('untilReady', () => {
  test('comes back when the URL answers 200, not before', async (t) => {
    const children = new Children();
    t.after(() => children.stopAll());
    const child = children.start('sleeper', [], [process.execPath, '-e', FOREVER]);
    let asked = 0;
    const server = createServer((_, response) => {
      asked += 1;
      response.writeHead(asked < 3 ? 503 : 200).end();
    }).listen(0, '127.0.0.1');
    t.after(() => server.close());
    await once(server, 'listening');
    await untilReady(child, `http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    // It asks again where an answer took longer than its patience.
    assert.ok(asked >= 3, `${asked} questions`);
  });

  test('gives up with the output of a child that ended', async () => {
    const child = new Children().start('broken', [], [process.execPath, '-e', "throw new Error('no port')"]);
    await once(child.process, 'close');
    await assert.rejects(untilReady(child, `http://127.0.0.1:${await freePort()}/`), /broken ended[\s\S]*no port/);
  });
});
