/**
 * What wires take for granted of the runtime's private handles. Read the failures of this file first after an update of
 * Node: docs/adr/0013-wires.md.
 */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it, type TestContext } from 'node:test';
import {
  EOF,
  errorName,
  type Handle,
  newHandle,
  READ,
  ShutdownWrap,
  STATE,
  WRITE_ERROR,
} from '#src/proxy/wire/binding.ts';
import { openGate, rounds } from '../../../support/proxy/wires/wires.ts';

const FILE = new URL('../../../../src/proxy/wire/binding.ts', import.meta.url);
const BIG = Buffer.alloc(16_777_216, 'x');

async function pairOf(t: TestContext): Promise<[Handle, Handle]> {
  const gate = await openGate();
  const pair = await gate.pair();
  gate.close();
  t.after(() => {
    for (const handle of pair) handle.close();
  });
  return pair;
}

/** Runs code in a process of its own, because what it shows would spoil this one. */
function inChild(code: string, ...options: string[]): { readonly stdout: string; readonly stderr: string } {
  const script = `const b = await import(${JSON.stringify(FILE.href)}); ${code}`;
  return spawnSync(process.execPath, [...options, '--input-type=module', '--eval', script], { encoding: 'utf8' });
}

describe('a write', () => {
  it('that the kernel takes returns 0, whatever its kind and length', async (t) => {
    const [left] = await pairOf(t);
    for (const text of ['', 'text', 'x'.repeat(20_000)]) assert.equal(left.writeLatin1String(null, text), 0);
    for (const length of [0, 1, 20_000]) assert.equal(left.writeBuffer(null, Buffer.alloc(length)), 0);
  });

  it('that waits returns a request of its own, and completes later', async (t) => {
    const [left, right] = await pairOf(t);
    const first = left.writeBuffer(null, BIG);
    const second = left.writeLatin1String(null, 'text');
    assert.ok(typeof first === 'object' && typeof second === 'object' && first !== second);
    assert.equal(STATE[WRITE_ERROR], 0);
    const done: unknown[] = [];
    first.oncomplete = (status) => done.push('first', status);
    const all = new Promise<void>((resolve) => {
      second.oncomplete = (status) => {
        done.push('second', status);
        resolve();
      };
    });
    right.useUserBuffer(Buffer.alloc(65_536));
    right.onread = () => undefined;
    right.readStart();
    assert.deepEqual(done, []);
    await all;
    assert.deepEqual(done, ['first', 0, 'second', 0]);
  });

  it('that fails returns the error, or a request and the error beside it when others wait', async (t) => {
    const [left] = await pairOf(t);
    const [full] = await pairOf(t);
    left.shutdown(new ShutdownWrap());
    assert.equal(errorName(left.writeLatin1String(null, 'text') as number), 'EPIPE');
    full.writeBuffer(null, BIG);
    full.shutdown(new ShutdownWrap());
    assert.equal(typeof full.writeLatin1String(null, 'text'), 'object');
    assert.equal(errorName(STATE[WRITE_ERROR] as number), 'EPIPE');
  });

  it('that waits when its handle closes is canceled', async (t) => {
    const [left] = await pairOf(t);
    const request = left.writeBuffer(null, BIG);
    assert.ok(typeof request === 'object');
    const status = new Promise<number>((resolve) => {
      request.oncomplete = resolve;
    });
    left.close();
    assert.equal(errorName(await status), 'ECANCELED');
  });
});

describe('a read', () => {
  it('goes into the memory that was given, its count into the state; the end is a code', async (t) => {
    const [left, right] = await pairOf(t);
    const memory = Buffer.alloc(4);
    const heard: (number | string)[] = [];
    right.useUserBuffer(memory);
    const ended = new Promise<void>((resolve) => {
      right.onread = () => {
        const count = STATE[READ] as number;
        heard.push(count > 0 ? memory.toString('latin1', 0, count) : count);
        if (count === EOF) resolve();
      };
    });
    right.readStart();
    left.writeLatin1String(null, 'abcdef');
    left.shutdown(new ShutdownWrap());
    await ended;
    assert.deepEqual(heard, ['abcd', 'ef', EOF]);
    assert.equal(errorName(EOF), 'EOF');
  });
});

describe('a handle', () => {
  it('that is not connected refuses everything with an error', async () => {
    const handle = newHandle();
    const codes = [handle.readStart(), handle.shutdown(new ShutdownWrap()), handle.getpeername({})];
    assert.deepEqual(codes.map(errorName), ['ENOTCONN', 'ENOTCONN', 'EBADF']);
    assert.equal(errorName(handle.writeLatin1String(null, 'text') as number), 'EBADF');
    handle.close();
    await rounds(3);
    handle.close();
  });

  it('that is reset while a FIN is under way cannot be closed any more, which is why no wire does it', () => {
    const { stdout, stderr } = inChild(`
      const { createServer } = await import('node:net');
      const server = createServer().listen(0, '127.0.0.1', () => {
        const handle = b.newHandle();
        const request = new b.TCPConnectWrap();
        request.oncomplete = () => {
          handle.shutdown(new b.ShutdownWrap());
          console.log(b.errorName(handle.reset()));
          handle.close();
          setImmediate(() => setImmediate(() => {
            console.log(process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length);
            process.exit();
          }));
        };
        handle.connect(request, '127.0.0.1', server.address().port);
      });
      server.on('connection', (socket) => socket.unref());`);
    assert.match(stdout, /^EINVAL\n[12]\n$/, stderr);
  });
});

describe('a runtime without them', () => {
  for (const [name, stub, missing] of [
    ['with no binding at all', 'process.binding = undefined', 'streamBaseState'],
    ['with writes that tell nothing', 'bare.kLastWriteWasAsync = undefined', 'kLastWriteWasAsync in stream_wrap'],
    ['with handles that cannot do a thing', 'class TCP {}; bare.TCP = TCP', 'useUserBuffer'],
  ] as const) {
    it(`${name} is refused when it starts, with what is missing and what to do`, () => {
      const before = `const real = process.binding; const bare = {}; process.binding = (name) => ({ ...real(name), ...bare }); ${stub};`;
      const { stderr } = inChild('', '--import', `data:text/javascript,${encodeURIComponent(before)}`);
      assert.match(
        stderr,
        new RegExp(`${missing}.*start Sluice with Node 24 or 26, or with the one that its lockfile brings`),
      );
    });
  }
});
