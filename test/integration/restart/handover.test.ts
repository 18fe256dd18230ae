/** Restarts under load: nobody is refused, streams go on, and every failure leaves the old process serving. */

import assert from 'node:assert/strict';
import { createServer, get, type IncomingMessage, type ServerResponse } from 'node:http';
import { after, before, describe, it } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';
import { logged, startService, type TestService, until } from '../../support/gateway.ts';
import { listenLoopback } from '../../support/plane.ts';
import {
  GOOD_PROGRAM,
  isAlive,
  type Restarting,
  refusedRestart,
  restarted,
  startMixedLoad,
  startRestarting,
} from '../../support/state/restarting.ts';

const TOKEN = 'sixteen-visible-characters';
const LIMIT = { timeout: 540_000, skip: process.platform === 'win32' ? 'needs inherited sockets' : false };

let v1: TestService;

before(async () => {
  v1 = await startService('v1');
});

after(() => v1.close());

interface Wishes {
  readonly port?: number;
  readonly workers?: number;
  readonly drain?: string;
  readonly listen?: string;
}

function config({ port = v1.port, workers = 2, drain = '{delay: 3s, timeout: 150s}', listen }: Wishes = {}): string {
  return `
listen: ${listen ?? '127.0.0.1:0'}
admin: 127.0.0.1:0
adminToken: ${TOKEN}
workers: ${workers}
saturation: {response: observe}
drain: ${drain}
timeouts: {bodyIdle: 10m}
services:
  shop:
    outlierDetection: false
    versions:
      v1: {endpoints: ["127.0.0.1:${v1.port}"]}
  streams:
    versions:
      v1: {endpoints: ["127.0.0.1:${port}"]}
routes:
  - name: streams
    matches: [{path: {value: /streams}}]
    upgrade: {onRollback: keep}
    backendRefs: [{name: streams, version: v1}]
  - name: shop
    backendRefs: [{name: shop, version: v1}]
`;
}

/** A service that echoes on WebSockets and sends a download piece by piece. */
async function streamsOf(t: { after(end: () => void): void }) {
  const open: ServerResponse[] = [];
  const server = createServer((incoming, response) => {
    incoming.resume();
    response.writeHead(200).write('begin ');
    open.push(response);
  });
  const echo = new WebSocketServer({ server });
  echo.on('connection', (socket) => socket.on('message', (data: Buffer) => socket.send(data.toString())));
  const port = await listenLoopback(server);
  t.after(() => {
    server.closeAllConnections();
    server.close();
    for (const client of echo.clients) client.terminate();
  });
  return { port, open };
}

async function textOf(response: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of response) text += String(chunk);
  return text;
}

function echoed(socket: WebSocket, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    socket.once('message', (data: Buffer) => resolve(data.toString()));
    socket.once('close', () => reject(new Error('the session ended')));
    socket.send(text);
  });
}

/** The gateway serves, its loop turns, and nothing but the service's answers came back. */
async function assertServesOn(gateway: Restarting, pid: number): Promise<void> {
  const status = await gateway.status();
  assert.deepEqual([status.pid, status.ready, status.restart.state], [pid, true, 'none']);
  assert.equal(gateway.pid(), pid, 'the pid file names who serves');
  const counted = status.routes.at(-1)?.requests ?? 0;
  assert.equal(await (await fetch(gateway.proxyUrl)).text(), 'v1');
  await until('the loop turns', async () => ((await gateway.status()).routes.at(-1)?.requests ?? 0) > counted);
}

/** Asks on a connection of its own whether the gateway is ready, one time after another. */
function startProbe({ adminUrl }: Restarting): { stop(): Promise<string[]> } {
  const answers = new Set<string>();
  let isStopped = false;
  const probing = (async () => {
    while (!isStopped) answers.add(await probed(`${adminUrl}/readyz?verbose`));
  })();
  const stop = async (): Promise<string[]> => {
    isStopped = true;
    await probing;
    return [...answers];
  };
  return { stop };
}

function probed(url: string): Promise<string> {
  return new Promise((resolve) => {
    const asked = get(url, { agent: false }, (response) => {
      textOf(response).then(
        (text) => resolve(response.statusCode === 200 ? '200' : text),
        (error: unknown) => resolve(String(error)),
      );
    });
    asked.on('error', (error) => resolve(String(error)));
  });
}

describe('a restart under load', LIMIT, () => {
  it('five times over refuses nobody, and what streams goes on', async (t) => {
    const streams = await streamsOf(t);
    const gateway = await startRestarting(t, config({ port: streams.port }));
    const download = new Promise<IncomingMessage>((resolve) => get(`${gateway.proxyUrl}/streams/file`, resolve));
    const socket = new WebSocket(`${gateway.proxyUrl.replace('http', 'ws')}/streams/chat`);
    t.after(() => socket.terminate());
    await new Promise((resolve) => socket.once('open', resolve));
    const text = textOf(await download);
    const load = startMixedLoad(t, gateway.proxyUrl);
    const probe = startProbe(gateway);
    const pids = new Set([gateway.pid()]);
    for (let n = 1; n <= 5; n++) {
      const sent = load.sent();
      pids.add(await restarted(gateway));
      await until('the new process has traffic', () => load.sent() > sent + 100);
      assert.equal(await echoed(socket, `hello ${n}`), `hello ${n}`);
      streams.open[0]?.write(`${n} `);
    }
    const answers = await load.stop();
    assert.deepEqual([...answers.keys()], ['200 v1'], JSON.stringify([...answers]));
    assert.equal(pids.size, 6);
    assert.deepEqual(await probe.stop(), ['200']);
    streams.open[0]?.end('end');
    assert.equal(await text, 'begin 1 2 3 4 5 end');
    assert.equal(gateway.first.exitCode, null, 'who carries a stream stays for it');
    socket.close();
    assert.equal(await gateway.firstExited, 0);
    const held = (): string[] => gateway.output().match(/(?<="loopStoodStillMs":)\d+/g) ?? [];
    await until('each is told', () => held().length === 5);
    t.diagnostic(`loop stood still for ${held().join(', ')} ms; ${[...answers.values()].join(' + ')} requests`);
  });

  it('takes in another configuration: more workers, fewer workers', async (t) => {
    const gateway = await startRestarting(t, config({ workers: 1 }));
    const load = startMixedLoad(t, gateway.proxyUrl);
    for (const workers of [3, 1, 2]) {
      gateway.save(config({ workers }));
      const sent = load.sent();
      await restarted(gateway);
      assert.equal((await gateway.status()).workers.length, workers);
      await until('it has traffic', () => load.sent() > sent + 100);
    }
    assert.deepEqual([...(await load.stop()).keys()], ['200 v1']);
  });

  it('to another address leaves the old one', async (t) => {
    const gateway = await startRestarting(t, config());
    gateway.save(config({ listen: '127.0.0.2:0' }));
    await restarted(gateway);
    const { proxyUrl } = await gateway.status();
    assert.equal(new URL(proxyUrl).hostname, '127.0.0.2');
    assert.equal(await (await fetch(proxyUrl)).text(), 'v1');
    assert.equal(await gateway.firstExited, 0);
    await assert.rejects(fetch(gateway.proxyUrl));
  });

  it('is commanded over the admin server as well, with the token', async (t) => {
    const gateway = await startRestarting(t, config());
    const before = gateway.pid();
    const ask = (token: string): Promise<Response> =>
      fetch(`${gateway.adminUrl}/api/v1/restart`, { method: 'POST', headers: { authorization: `Bearer ${token}` } });
    assert.equal((await ask('another-token-of-sixteen')).status, 401);
    const answers = await Promise.all([ask(TOKEN), ask(TOKEN)]);
    const [begun, second] = answers.toSorted((a, b) => a.status - b.status) as [Response, Response];
    assert.deepEqual([begun.status, second.status], [202, 409], 'one at a time');
    const { restart } = (await begun.json()) as { restart: { pid: number } };
    await until('it serves', async () => (await gateway.status().catch(() => null))?.pid === restart.pid);
    assert.notEqual(restart.pid, before);
    assert.equal(await gateway.firstExited, 0);
  });
});

describe('a restart that fails', LIMIT, () => {
  const broken: readonly (readonly [string, string, RegExp])[] = [
    ['cannot be parsed', 'this is no program', /it ended with code 1/],
    ['crashes when it starts', 'throw new Error("unlucky");', /it ended with code 1/],
    ['ends without a word', 'process.exit(0);', /it ended with code 0/],
    ['has a bad token', `process.env.SLUICE_ADMIN_TOKEN = 'short'; ${GOOD_PROGRAM}`, /SLUICE_ADMIN_TOKEN must be/],
    [
      'speaks another language',
      'process.send({ v: 99, kind: "prepared" }); setInterval(() => undefined, 1000);',
      /it speaks version 99 of the hand-over/,
    ],
    [
      'takes the state and dies',
      'process.send({ v: 1, kind: "prepared", stateDirectory: null }); process.on("message", (m) => m.kind === "take" && process.exit(7));',
      /it ended with code 7/,
    ],
  ];

  it('leaves the old process serving and its loop turning, whatever the new program does', async (t) => {
    const gateway = await startRestarting(t, config());
    const pid = gateway.pid();
    const load = startMixedLoad(t, gateway.proxyUrl);
    for (const [what, program, because] of broken) {
      gateway.program(program);
      assert.match(await refusedRestart(gateway), because, what);
      await assertServesOn(gateway, pid);
    }
    assert.equal((await gateway.status()).restart.failures, broken.length);
    assert.match((await gateway.status()).restart.lastFailure?.because ?? '', /code 7/);
    gateway.program(GOOD_PROGRAM);
    gateway.save(config({ drain: 'nonsense' }));
    assert.match(await refusedRestart(gateway), /has 1 problem\(s\); .*gateway\.yaml:\d+:\d+: SLU/);
    await assertServesOn(gateway, pid);
    gateway.save(config());
    await restarted(gateway);
    assert.deepEqual([...(await load.stop()).keys()], ['200 v1']);
    assert.equal(await gateway.firstExited, 0);
  });

  it('as the new program never gets ready, is given up in time', async (t) => {
    const gateway = await startRestarting(t, config(), { args: ['--restart-timeout', '2'] });
    gateway.program('setInterval(() => undefined, 1000);');
    assert.match(await refusedRestart(gateway), /it could not serve within 2 s/);
    await assertServesOn(gateway, gateway.pid());
  });

  it('because the gateway is told to end meanwhile ends both', async (t) => {
    const gateway = await startRestarting(t, config());
    gateway.program('setInterval(() => undefined, 1000);');
    gateway.signal('SIGUSR2');
    const begun = /"event":"restart_begun".*"successor":(\d+)/;
    await logged(gateway, begun);
    const successor = Number(begun.exec(gateway.output())?.[1]);
    assert.ok(isAlive(successor));
    gateway.signal('SIGTERM');
    assert.equal(await gateway.firstExited, 0);
    await until('the new process is gone', () => !isAlive(successor));
    assert.equal(gateway.pid(), 0, 'the pid file is gone');
  });
});
