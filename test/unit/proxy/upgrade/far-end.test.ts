import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { suite, type TestContext, test } from 'node:test';
import { FarEnd, type FarEndSetup } from '#src/proxy/upgrade/far-end.ts';
import { maskedCloseFrame } from '#src/proxy/upgrade/frames.ts';
import { listenLoopback } from '../../../support/plane.ts';
import { closedSocket, eventually } from '../../../support/proxy/running.ts';
import { textFrame } from '../../../support/proxy/upgrade.ts';

const HEAD = 'HTTP/1.1 101 Go\r\n\r\n';
const KEY = 0x01020304;
const CLOSE = '\x88\x02\x03\xe9';
const MASKED_CLOSE = maskedCloseFrame(KEY).toString('latin1');

interface Scene {
  readonly far: FarEnd;
  /** The upstream's own end of the connection. */
  readonly upstream: Socket;
  readonly down: () => string;
  readonly up: () => string;
  readonly touched: () => number;
}

async function farEndOf(t: TestContext, setup: Partial<FarEndSetup> = {}): Promise<Scene> {
  const server = createServer({ allowHalfOpen: true });
  const port = await listenLoopback(server);
  const ours = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  const [upstream] = (await once(server, 'connection')) as [Socket];
  t.after(() => {
    ours.destroy();
    upstream.destroy();
    server.close();
  });
  let up = '';
  let down = '';
  let touched = 0;
  upstream.on('data', (bytes: Buffer) => {
    up += bytes.toString('latin1');
  });
  upstream.on('error', () => undefined);
  upstream.on('end', () => upstream.end());
  ours.pause();
  const far = new FarEnd({
    upstream: ours,
    head: HEAD,
    rest: Buffer.alloc(0),
    hasFrames: true,
    key: KEY,
    touched: () => touched++,
    ...setup,
  });
  far.on('error', () => undefined);
  far.on('data', (bytes: Buffer) => {
    down += bytes.toString('latin1');
  });
  return { far, upstream, down: () => down, up: () => up, touched: () => touched };
}

/** What http-proxy-3 does: asks, gets the 101, lays the pipes. */
async function opened(t: TestContext, setup: Partial<FarEndSetup> = {}): Promise<Scene> {
  const on = await farEndOf(t, setup);
  on.far.write('GET / HTTP/1.1\r\n');
  on.far.write('Host: a\r\n\r\n');
  await eventually(() => on.down().startsWith(HEAD), 'the 101');
  on.far.opened();
  return on;
}

suite('far-end', () => {
  test('a request is swallowed and answered with our 101 and what the upstream had sent behind its own', async (t) => {
    const on = await farEndOf(t, { rest: Buffer.from(textFrame('hi'), 'latin1') });
    on.far.write('GET / HTTP/1.1\r\nHost: a\r\n');
    on.upstream.write('not yet');
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(on.down(), '');
    on.far.write('\r\n');
    await eventually(() => on.down() === `${HEAD}${textFrame('hi')}not yet`, 'all of it in order');
    assert.equal(on.up(), '');
  });

  test('bytes go both ways once the pipes are laid, and not before', async (t) => {
    const on = await opened(t);
    on.far.write(Buffer.from(textFrame('ping'), 'latin1'));
    await eventually(() => on.up() === textFrame('ping'), 'up');
    on.upstream.write(Buffer.from(textFrame('pong'), 'latin1'));
    await eventually(() => on.down() === HEAD + textFrame('pong'), 'down');
    assert.ok(on.touched() >= 2);
    const early = await farEndOf(t);
    early.far.write('GET / HTTP/1.1\r\n\r\n');
    const failed = once(early.far, 'error');
    early.far.write('smuggled');
    await failed;
    await closedSocket(early.upstream);
    assert.equal(early.up(), '');
  });

  test('each side may end while the other goes on', async (t) => {
    const on = await opened(t, { hasFrames: false });
    on.upstream.end('last down');
    await once(on.far, 'end');
    on.far.end('last up');
    await eventually(() => on.up() === 'last up', 'up');
    await closedSocket(on.upstream);
    assert.equal(on.down(), `${HEAD}last down`);
  });

  test('a broken upstream destroys it with the error; destroyed, it destroys the upstream', async (t) => {
    const broken = await opened(t);
    const failed = once(broken.far, 'error') as Promise<[NodeJS.ErrnoException]>;
    broken.upstream.resetAndDestroy();
    assert.equal((await failed)[0].code, 'ECONNRESET');
    const dropped = await opened(t);
    dropped.far.destroy();
    await closedSocket(dropped.upstream);
  });

  test('it remembers who sent the first close frame', async (t) => {
    const on = await opened(t);
    assert.equal(on.far.closer, null);
    on.upstream.write(Buffer.from(CLOSE, 'latin1'));
    await eventually(() => on.far.closer !== null, 'a close frame');
    on.far.write(Buffer.from(MASKED_CLOSE, 'latin1'));
    await eventually(() => on.up() === MASKED_CLOSE, 'the answer');
    assert.equal(on.far.closer, 'upstream');
  });

  test('told to leave between frames, it says goodbye both ways and ends', async (t) => {
    const on = await opened(t);
    const ended = Promise.all([once(on.far, 'end'), once(on.upstream, 'end')]);
    on.far.leave();
    on.far.leave();
    await ended;
    assert.equal(on.down(), HEAD + CLOSE);
    await eventually(() => on.up() === MASKED_CLOSE, 'goodbye');
    on.far.write('not any more');
    on.far.end();
    await closedSocket(on.upstream);
    assert.equal(on.up(), MASKED_CLOSE);
  });

  test('told to leave within a frame, it waits for its end in that direction alone', async (t) => {
    const on = await opened(t);
    const frame = Buffer.from(textFrame('half and half'), 'latin1');
    on.far.write(frame.subarray(0, 5));
    on.upstream.write(frame.subarray(0, 5));
    await eventually(() => on.up().length === 5 && on.down().length === HEAD.length + 5, 'halves');
    on.far.leave();
    on.upstream.write(Buffer.concat([frame.subarray(5), frame]));
    await eventually(() => on.down() === HEAD + frame.toString('latin1') + CLOSE, 'goodbye down');
    assert.equal(on.up().length, 5);
    on.far.write(Buffer.concat([frame.subarray(5), frame]));
    await eventually(() => on.up() === frame.toString('latin1') + MASKED_CLOSE, 'goodbye up');
  });

  test('told to leave before the pipes are laid, it does so behind the 101', async (t) => {
    const on = await farEndOf(t);
    on.far.leave();
    on.far.write('GET / HTTP/1.1\r\n\r\n');
    await once(on.far, 'end');
    assert.equal(on.down(), HEAD + CLOSE);
    assert.equal(on.up(), '');
    on.far.opened();
    await eventually(() => on.up() === MASKED_CLOSE, 'goodbye up');
  });

  test('without frames it just ends', async (t) => {
    const on = await opened(t, { hasFrames: false });
    on.far.leave();
    await Promise.all([once(on.far, 'end'), once(on.upstream, 'end')]);
    assert.deepEqual([on.down(), on.up()], [HEAD, '']);
  });
});
