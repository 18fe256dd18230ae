import assert from 'node:assert/strict';
import { on } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { Children, freePort, untilReady } from '../../../../bench/macro/children.ts';
import { BODY, BODY_PATH, LARGE_PATH, MIB, upstreamCommand } from '../../../../bench/macro/upstream.ts';
import { findBinary } from '../../../support/runner/servers.ts';

describe('the upstream', () => {
  test('answers from memory, with 1 MiB, and after a body that it has read to the end', async (t) => {
    const nginx = findBinary('nginx');
    if (nginx === null) return t.skip('nginx is not installed (Debian package nginx)');
    const folder = mkdtempSync(join(tmpdir(), 'sluice-upstream-'));
    const children = new Children();
    t.after(async () => {
      await children.stopAll();
      rmSync(folder, { recursive: true });
    });
    const port = await freePort();
    const base = `http://127.0.0.1:${port}`;
    await untilReady(children.start('upstream', [], upstreamCommand(folder, port, nginx)), `${base}/`);
    assert.equal(await (await fetch(`${base}/anything`)).text(), BODY);
    assert.equal((await (await fetch(base + LARGE_PATH)).arrayBuffer()).byteLength, MIB);
    const posted = await fetch(base + BODY_PATH, { method: 'POST', body: 'x'.repeat(MIB) });
    assert.equal(await posted.text(), BODY);

    // The answer must not come before the body's last byte.
    const socket = connect(port, '127.0.0.1');
    t.after(() => socket.destroy());
    let answer = '';
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1');
    });
    socket.write(`POST ${BODY_PATH} HTTP/1.1\r\nHost: a\r\nContent-Length: ${MIB}\r\n\r\n${'x'.repeat(MIB - 1)}`);
    await fetch(`${base}/`);
    assert.equal(answer, '');
    socket.write('x');
    for await (const _ of on(socket, 'data')) if (answer.endsWith(BODY)) break;
    assert.ok(answer.startsWith('HTTP/1.1 200'), answer.slice(0, 200));
  });
});
