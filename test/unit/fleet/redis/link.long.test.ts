/** The connection to a real Redis: never kept waiting, with a password, never told. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createServer } from 'node:tls';
import { Redis } from 'ioredis';
import { openLink, optionsOf } from '#src/fleet/redis/link.ts';
import { until } from '../../../support/gateway.ts';
import { type Authority, authorityOf } from '../../../support/http/certificates.ts';
import { listenLoopback } from '../../../support/plane.ts';
import { redisSettings } from '../../../support/stores/fleet/settings.ts';
import { cannotRun, REDIS, type StoreKind, startStore } from '../../../support/stores/server.ts';

const PASSWORD = 'opensesame';
const LOCKED: StoreKind = {
  ...REDIS,
  args: (folder, ports) => [...REDIS.args(folder, ports), '--requirepass', PASSWORD],
  // It listens; what it thinks of strangers is the test's affair.
  isReady: async (url) => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    await once(socket, 'connect');
    socket.destroy();
    return true;
  },
};
const EVENTS = { name: 'sluice-test', channels: ['c'], message: () => undefined, failed: () => undefined };

test('nothing is queued and nothing is retried, so that nobody waits', async () => {
  const { retryStrategy, ...options } = optionsOf(redisSettings(6379, { timeoutMs: 50 }), 'sluice-test');
  assert.deepEqual(options, {
    host: '127.0.0.1',
    port: 6379,
    db: 0,
    connectionName: 'sluice-test',
    replyMapping: 'legacy',
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    commandTimeout: 50,
    socketTimeout: 1000,
    connectTimeout: 500,
  });
  const patient = optionsOf(redisSettings(6379, { timeoutMs: 5000 }), 'sluice-test');
  assert.equal(patient.socketTimeout, 5000, 'no answer is waited for longer than a connection');
  assert.deepEqual(
    [1, 5, 1000].map((times) => retryStrategy?.(times)),
    [50, 250, 1000],
  );
});

test('secrets come from files, and a file that is not there is named', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-link-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'secret');
  writeFileSync(file, `${PASSWORD}\n`);
  const tls = { ca: file, cert: file, key: file, serverName: null };
  const options = optionsOf(redisSettings(1, { username: 'gateway', passwordFile: file, tls }), 'x');
  assert.deepEqual([options.username, options.password], ['gateway', PASSWORD]);
  assert.deepEqual(Object.keys(options.tls ?? {}), ['ca', 'cert', 'key', 'servername']);
  assert.equal((options.tls as { servername: string }).servername, '', 'an address is not asked for');
  const missing = redisSettings(1, { passwordFile: join(folder, 'none') });
  await assert.rejects(openLink(missing, EVENTS), { code: 'SLU_CONFIG_UNREADABLE', message: /none cannot be read/ });
});

test('without a server every question is refused, and errors are told instead of thrown', async () => {
  const errors: Error[] = [];
  const link = await openLink(redisSettings(1), { ...EVENTS, failed: (error) => void errors.push(error) });
  await assert.rejects(link.get(['a']));
  await assert.rejects(link.publish('c', 'x'));
  await until('it is told', () => errors.length > 0);
  link.close();
});

test('logs in, asks and listens, also after it was told to listen again', { skip: cannotRun(REDIS) }, async (t) => {
  const server = await startStore(LOCKED);
  t.after(() => server.end());
  const folder = mkdtempSync(join(tmpdir(), 'sluice-link-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'secret');
  writeFileSync(file, PASSWORD);
  const port = Number(new URL(server.url).port);
  const heard: string[] = [];
  const settings = redisSettings(port, { passwordFile: file, timeoutMs: 60_000 });
  const link = await openLink(settings, {
    ...EVENTS,
    message: (channel, text) => void heard.push(`${channel} ${text}`),
  });
  t.after(() => link.close());
  const say = async (text: string): Promise<void> =>
    until(`${text} is heard`, async () => {
      await link.publish('c', text).catch(() => undefined);
      return heard.includes(`c ${text}`);
    });
  await say('one');
  link.listenAgain();
  await say('two');
  assert.deepEqual(await link.get(['a', 'b']), [null, null]);
});

/** A server that tells which name it was asked for once somebody who believes it says something. */
async function startSecure(t: TestContext, authority: Authority, names: string, asked: unknown[]): Promise<number> {
  const server = createServer(authority.issue('redis', { names }).pem, (socket) => {
    socket.on('error', () => socket.destroy());
    socket.once('data', () => {
      asked.push((socket as { readonly servername?: unknown }).servername);
      socket.destroy();
    });
  });
  t.after(() => server.close());
  return listenLoopback(server);
}

test('over TLS an address is compared with the certificate, and not asked for', async (t) => {
  const authority = authorityOf(t);
  const asked: unknown[] = [];
  const [own, other] = await Promise.all([
    startSecure(t, authority, 'IP:127.0.0.1', asked),
    startSecure(t, authority, 'IP:10.0.0.1,DNS:redis.test', asked),
  ]);
  const wrong = 'ERR_TLS_CERT_ALTNAME_INVALID';
  const cases: readonly [number, string, string | null, unknown][] = [
    [own, '127.0.0.1', null, false],
    [own, '127.0.0.1', '127.0.0.1', false],
    [other, '127.0.0.1', '10.0.0.1', false],
    [other, 'localhost', '10.0.0.1', false],
    [other, '127.0.0.1', 'redis.test', 'redis.test'],
    [other, '127.0.0.1', null, wrong],
    [own, '127.0.0.1', '10.0.0.1', wrong],
    [own, 'localhost', null, wrong],
  ];
  for (const [port, host, serverName, expected] of cases) {
    asked.length = 0;
    const tls = { ca: authority.ca, cert: null, key: null, serverName };
    const told: unknown[] = [];
    const failed = (error: NodeJS.ErrnoException): void => void told.push(error.code);
    const link = await openLink(redisSettings(port, { host, tls }), { ...EVENTS, failed });
    await until('it is asked, or told why not', () => asked.length + told.length > 0);
    link.close();
    assert.equal(asked[0] ?? told[0], expected, `${host} as ${serverName}`);
  }
});

test('certificates that were replaced are believed by the next connection, and one that is gone is told', async (t) => {
  const asked: unknown[] = [];
  const [first, second] = [authorityOf(t, 'first'), authorityOf(t, 'second')];
  const port = await startSecure(t, second, 'IP:127.0.0.1', asked);
  const tls = { ca: first.ca, cert: null, key: null, serverName: null };
  const told: string[] = [];
  const failed = (error: NodeJS.ErrnoException): void => void told.push(error.code ?? '');
  const link = await openLink(redisSettings(port, { tls }), { ...EVENTS, failed });
  t.after(() => link.close());
  await until('the server is not believed', () => told.includes('UNABLE_TO_VERIFY_LEAF_SIGNATURE'));
  assert.equal(asked.length, 0);
  rmSync(first.ca);
  await until('it is told', () => told.includes('SLU_CONFIG_UNREADABLE'));
  copyFileSync(second.ca, first.ca);
  await until('it is believed', () => asked.length > 0);
});

/** What a connection sends before it is ready. */
const HANDSHAKE_MAX = 10;

test('a server that stands still is left, and what was sent to it is forgotten', {
  skip: cannotRun(REDIS),
}, async (t) => {
  const { mock } = t.mock.method(Redis.prototype, 'sendCommand');
  const server = await startStore(REDIS);
  t.after(() => server.end());
  const link = await openLink(redisSettings(Number(new URL(server.url).port), { timeoutMs: 50 }), EVENTS);
  t.after(() => link.close());
  const isAnswered = (): Promise<boolean> =>
    link.get(['a']).then(
      () => true,
      () => false,
    );
  await until('it answers', isAnswered);
  const connections = new Set(mock.calls.map((call) => call.this as Redis));
  server.freeze();
  let closed = 0;
  for (const connection of connections) connection.on('close', () => void (closed += 1));
  const waiting = (): number[] =>
    [...connections].map((one) => (one as unknown as { commandQueue: unknown[] }).commandQueue.length);
  const ask = (): Promise<boolean[]> => Promise.all(Array.from({ length: 100 }, isAnswered));
  // Longer than one connection lasts: what it leaves behind does not add up.
  await until('it is left twice', async () => {
    await ask();
    return closed >= 2;
  });
  assert.ok(Math.max(...waiting()) <= HANDSHAKE_MAX, String(waiting()));
  server.thaw();
  await until('it answers again', isAnswered);
  assert.ok(Math.max(...waiting()) <= HANDSHAKE_MAX, String(waiting()));
});
