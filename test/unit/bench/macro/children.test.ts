import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import { Children, freePort, untilReady } from '../../../../bench/macro/children.ts';

const FOREVER = 'setInterval(() => {}, 1000)';
const DEAF = `process.on('SIGTERM', () => {}); process.stdout.write('deaf'); ${FOREVER}`;

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
    const polite = children.start('polite', -1, [process.execPath, '-e', FOREVER]);
    const deaf = children.start('deaf', -1, [process.execPath, '-e', DEAF]);
    await once(deaf.process.stdout ?? deaf.process, 'data');
    assert.ok(isAlive(polite.pid) && isAlive(deaf.pid));
    await children.stopAll();
    assert.ok(!isAlive(polite.pid) && !isAlive(deaf.pid));
  });

  test('refuses a program that cannot be started', () => {
    assert.throws(() => new Children().start('none', -1, ['/nonexistent/program']), /none: .* could not be started/);
  });
});

describe('untilReady', () => {
  test('comes back when the URL answers 200, not before', async (t) => {
    const children = new Children();
    t.after(() => children.stopAll());
    const child = children.start('sleeper', -1, [process.execPath, '-e', FOREVER]);
    let asked = 0;
    const server = createServer((_, response) => {
      asked += 1;
      response.writeHead(asked < 3 ? 503 : 200).end();
    }).listen(0, '127.0.0.1');
    t.after(() => server.close());
    await once(server, 'listening');
    await untilReady(child, `http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    assert.equal(asked, 3);
  });

  test('gives up with the output of a child that ended', async () => {
    const child = new Children().start('broken', -1, [process.execPath, '-e', "throw new Error('no port')"]);
    await once(child.process, 'close');
    await assert.rejects(untilReady(child, `http://127.0.0.1:${await freePort()}/`), /broken ended[\s\S]*no port/);
  });
});
