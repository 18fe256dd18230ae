/** The process that is to take over, as it is started and heard. */

import assert from 'node:assert/strict';
import { closeSync, openSync } from 'node:fs';
import { describe, it, type TestContext } from 'node:test';
import { type Successor, startSuccessor } from '#src/compose/handover/successor.ts';
import type { FromSuccessor } from '#src/model/threads/handover.ts';

const ADDRESS = { host: '127.0.0.1', port: 0, isActivated: false };

interface Started {
  readonly successor: Successor;
  /** Resolves with the first thing it says. */
  readonly said: Promise<FromSuccessor>;
  readonly exited: Promise<string>;
}

function start(t: TestContext, script: string, program = process.execPath): Started {
  const fds = [1, 2, 3, 4].map(() => openSync('/dev/null', 'r'));
  const [one, two, three, four] = fds as [number, number, number, number];
  const heard = Promise.withResolvers<FromSuccessor>();
  const gone = Promise.withResolvers<string>();
  const successor = startSuccessor(
    { program, argv: ['-e', script], env: { ...process.env, LISTEN_PID: '1', LISTEN_FDS: '3' }, pid: process.pid },
    {
      proxy: { ...ADDRESS, fds: [one, two] },
      admin: { ...ADDRESS, fds: [three] },
      others: [{ ...ADDRESS, fds: [four] }],
    },
    { heard: heard.resolve, exited: gone.resolve },
  );
  t.after(() => {
    successor.kill();
    for (const fd of fds) closeSync(fd);
  });
  return { successor, said: heard.promise, exited: gone.promise };
}

const LIMIT = { timeout: 120_000, skip: process.platform === 'win32' };

describe('a successor', LIMIT, () => {
  it('finds the sockets from descriptor 3 on, and which is which, and nothing that was meant for another', async (t) => {
    const { said } = start(
      t,
      `const { SLUICE_HANDOVER, LISTEN_PID = 'none' } = process.env;
       for (const fd of [3, 4, 5]) require('fs').fstatSync(fd);
       process.send({ v: 1, kind: 'failed', because: SLUICE_HANDOVER + LISTEN_PID });`,
    );
    const { because } = (await said) as { because: string };
    const [text, pid] = [because.slice(0, -4), because.slice(-4)];
    assert.deepEqual(JSON.parse(text), {
      v: 1,
      parent: process.pid,
      proxy: { ...ADDRESS, fds: [3, 4] },
      admin: { ...ADDRESS, fds: [5] },
      others: [{ ...ADDRESS, fds: [6] }],
    });
    assert.equal(pid, 'none');
  });

  it('is sent messages, and its end is told', async (t) => {
    const { successor, exited } = start(
      t,
      `process.on('message', ({ isInDirectory }) => process.exit(isInDirectory ? 5 : 6));`,
    );
    assert.ok(successor.pid > 0);
    successor.send({ v: 1, kind: 'take', isInDirectory: true });
    assert.equal(await exited, 'it ended with code 5');
    successor.send({ v: 1, kind: 'take', isInDirectory: true });
  });

  it('that says something else is not understood', async (t) => {
    for (const message of ['{ v: 2, kind: "prepared" }', '{ v: 1, kind: "hello" }', '"prepared"', 'null']) {
      const { said } = start(t, `process.send(${message}, () => process.exit());`);
      assert.match(JSON.stringify(await said), /"failed","because":"it speaks version .* of the hand-over/);
    }
  });

  it('can be killed', async (t) => {
    const { successor, exited } = start(t, 'setInterval(() => undefined, 1000);');
    successor.kill();
    assert.equal(await exited, 'it ended by SIGKILL');
  });

  it('that is not there is told', async (t) => {
    const { successor, exited } = start(t, '', '/nowhere/node');
    assert.equal(successor.pid, 0);
    assert.match(await exited, /it could not be started: .*ENOENT/);
  });
});
