/** Gates under attack and fault: stalled readers, slow heads, a dead thread, a full disk. Others are served meanwhile. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdtempSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { BroadcastChannel } from 'node:worker_threads';
import { DIALS_MAX } from '#src/model/tallies.ts';
import { createStandings } from '#src/model/threads/load/standing.ts';
import { Workers } from '#src/proxy/threads/workers.ts';
import { createEndpointDials } from '#src/snapshot/endpoint-dials.ts';
import { createLatencyDials } from '#src/snapshot/latency-dials.ts';
import { startService, until } from '../../support/gateway.ts';
import { listenLoopback, sketchSnapshot } from '../../support/plane.ts';
import { planeChildOf } from '../../support/proxy/child.ts';
import {
  answeringOf,
  askedOn,
  clientOf,
  eventually,
  GET,
  getOf,
  isWhole,
  OK,
  oneVersion,
  perHead,
  upstreamOf,
} from '../../support/proxy/running.ts';
import { rawClient } from '../../support/raw.ts';

const MIB = 1_048_576;
const MAIN = join(import.meta.dirname, '../../../src/main.ts');
const BIG_BYTES = 64 * MIB;
const PIECE = Buffer.alloc(MIB);
const READINGS_MAX = 8;
/** What a supervisor does between fork and exec that opened the sockets itself. */
const SHELL = 'LISTEN_PID=$$ exec "$@"';

/** Writes a big answer as the socket takes it. */
function pour(socket: Socket): void {
  let left = BIG_BYTES;
  const more = (): void => {
    while (left > 0 && !socket.destroyed) {
      left -= PIECE.length;
      if (!socket.write(PIECE)) return;
    }
  };
  socket.on('drain', more);
  socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${BIG_BYTES}\r\n\r\n`);
  more();
}

/** Asks `count` times on one connection, one after the other; the time that each took, in ms. */
async function timesOf(port: number, count: number): Promise<number[]> {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true });
  const times: number[] = [];
  for (let n = 0; n < count; n++) {
    const started = performance.now();
    socket.write(GET);
    let answer = '';
    while (!isWhole(answer)) answer += String((await once(socket, 'data'))[0]);
    times.push(performance.now() - started);
    assert.match(answer, /^HTTP\/1\.1 200 OK\r\n/);
  }
  socket.destroy();
  return times.sort((a, b) => a - b);
}

/** The time that 99 % of 2,000 small requests take at the most, in ms. */
async function p99Ms(port: number): Promise<number> {
  return (await timesOf(port, 2000))[1980] as number;
}

describe('200 readers that stall within 64 MiB', () => {
  it('cost at most 30 MB of resident set, and hold nobody up', async (t) => {
    const upstream = await upstreamOf(
      t,
      perHead((socket, path) => (path === '/big' ? pour(socket) : socket.write(OK))),
    );
    const child = await planeChildOf(t, upstream.port);
    await timesOf(child.port, 5000);
    const before = await child.read();
    const readers = Array.from({ length: 200 }, () => clientOf(t, child));
    for (const { socket } of readers) socket.pause();
    for (const reader of readers) reader.send(getOf('/big'));
    await eventually(() => upstream.received.length >= 200, 'all have asked');
    let after = await child.read();
    for (let same = 0; same < 5; ) {
      await sleep(50);
      const next = await child.read();
      same = Math.abs(next.rss - after.rss) < MIB / 4 && next.inFlight.version === 200 ? same + 1 : 0;
      after = next;
    }
    await timesOf(child.port, 200);
    const grown = after.rss - before.rss;
    t.diagnostic(`${(grown / 1e6).toFixed(1)} MB of resident set, ${Math.round(grown / 200 / 1024)} KiB each`);
    assert.ok(grown <= 30e6, `${(grown / 1e6).toFixed(1)} MB`);
  });
});

/** The p99 of an innocent client while the heads of 200 others trickle, in ms. */
async function besideTrickling(t: TestContext, port: number): Promise<number> {
  const slow = Array.from({ length: 200 }, () => clientOf(t, { port }));
  for (const client of slow) client.send('GET / HTTP/1.1\r\nHost: a\r\nX: ');
  const drip = setInterval(() => {
    for (const client of slow) client.send('x');
  }, 50);
  try {
    return await p99Ms(port);
  } finally {
    clearInterval(drip);
    for (const client of slow) client.socket.destroy();
  }
}

describe('200 clients whose heads trickle', () => {
  it('do not slow an innocent one down: its p99 stays below 10 ms, or near what it was on a busy machine', async (t) => {
    const upstream = await answeringOf(t);
    const child = await planeChildOf(t, upstream.port);
    await p99Ms(child.port);
    const readings: string[] = [];
    // Others on the machine can make one reading slow, or some, but the clients all of them.
    for (let n = 0; n < READINGS_MAX; n++) {
      const calmMs = await p99Ms(child.port);
      const busyMs = await besideTrickling(t, child.port);
      readings.push(`${busyMs.toFixed(2)} ms beside them, ${calmMs.toFixed(2)} ms alone`);
      if (busyMs > Math.max(10, calmMs * 4)) continue;
      t.diagnostic(`p99 ${readings.join('; ')}`);
      return;
    }
    assert.fail(`p99 ${readings.join('; ')}`);
  });
});

/** Asks again and again on one connection, on another when it breaks; counts what failed. */
function askForEver(port: number, isOver: () => boolean): Promise<{ failed: number; lost: number; answered: number }> {
  const counts = { failed: 0, lost: 0, answered: 0 };
  const loop = async (): Promise<typeof counts> => {
    let client = rawClient(port);
    while (!isOver()) {
      const status = await askedOn(client, GET).catch(() => 0);
      if (status === 200) counts.answered++;
      else {
        counts.failed++;
        client.socket.destroy();
        client = rawClient(port);
        counts.lost++;
      }
    }
    client.socket.destroy();
    return counts;
  };
  return loop();
}

describe('a thread that dies under load', () => {
  it('costs each of its connections one answer at the most, the others none, and is back', async (t) => {
    const upstream = await upstreamOf(
      t,
      perHead((socket) => setImmediate(() => socket.write(OK))),
    );
    const dials = new SharedArrayBuffer(DIALS_MAX * 4);
    new Int32Array(dials).fill(1);
    const deaths: number[] = [];
    const workers = new Workers({
      file: new URL('../../support/proxy/workers/mortal-worker.ts', import.meta.url),
      count: 2,
      listeners: [{ host: '127.0.0.1', port: 0 }],
      dials,
      endpointDials: createEndpointDials().buffer,
      latencyDials: createLatencyDials().buffer,
      standings: createStandings().buffer,
      snapshot: sketchSnapshot(oneVersion(upstream.port)),
      died: (id) => void deaths.push(id),
    });
    t.after(() => workers.stop());
    const [port = 0] = await workers.start();
    let isOver = false;
    const clients = Array.from({ length: 24 }, () => askForEver(port, () => isOver));
    await eventually(() => upstream.received.join('').length > 24 * 100 * GET.length, 'the load runs');
    const channel = new BroadcastChannel('sluice-test-kill');
    channel.postMessage(0);
    await eventually(() => deaths.length === 1, 'it is dead');
    const diedAtMs = performance.now();
    await eventually(() => workers.status().every(({ state }) => state === 'serving'), 'it is back');
    t.diagnostic(`back after ${Math.round(performance.now() - diedAtMs)} ms`);
    isOver = true;
    channel.close();
    const counts = await Promise.all(clients);
    assert.deepEqual(deaths, [0]);
    assert.ok(
      counts.every(({ failed }) => failed <= 1),
      JSON.stringify(counts),
    );
    assert.ok(
      counts.some(({ failed }) => failed === 0),
      'the other thread lost nobody',
    );
    assert.ok(
      counts.some(({ failed }) => failed === 1),
      'the dead thread had connections',
    );
    assert.equal(workers.status()[0]?.restarts, 1);
  });
});

interface FullDisk {
  readonly port: number;
  readonly save: (note: string) => void;
  readonly isAlive: () => boolean;
}

/** A gateway whose standard output and error are a device without room: as it cannot say its ports, it is given its sockets. */
async function gatewayOnFullDisk(t: TestContext, servicePort: number): Promise<FullDisk> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-test-'));
  const file = join(folder, 'gateway.yaml');
  const servers = [createServer(), createServer()] as const;
  const [port, admin] = [await listenLoopback(servers[0]), await listenLoopback(servers[1])];
  const fds = servers.map((server) => (server as unknown as { _handle: { fd: number } })._handle.fd);
  const save = (note: string): void => {
    writeFileSync(
      `${file}.new`,
      `listen: 127.0.0.1:${port}\nadmin: 127.0.0.1:${admin}\nworkers: 1\nsaturation: {response: observe}\n` +
        `services:\n  shop:\n    versions:\n      v1: {endpoints: ["127.0.0.1:${servicePort}"]}\nroutes:\n  - {name: shop, backendRefs: [{name: shop}]}\n# ${note}\n`,
    );
    renameSync(`${file}.new`, file);
  };
  save('first');
  const full = openSync('/dev/full', 'w');
  const child = spawn('sh', ['-c', SHELL, 'sh', process.execPath, MAIN, 'run', '--config', file], {
    stdio: ['ignore', full, full, ...fds],
    env: { ...process.env, LISTEN_FDS: '2' },
  });
  const exited = once(child, 'exit');
  for (const server of servers) server.close();
  closeSync(full);
  t.after(async () => {
    child.kill('SIGKILL');
    await exited;
    rmSync(folder, { recursive: true, force: true });
  });
  const isUp = async (): Promise<boolean> =>
    (await fetch(`http://127.0.0.1:${admin}/readyz`).catch(() => null))?.status === 200;
  await until('it serves', async () => child.exitCode !== null || (await isUp()));
  return { port, save, isAlive: () => child.exitCode === null && child.signalCode === null };
}

describe('a disk without room for logs', () => {
  it('costs no answer and does not end the process', { skip: !existsSync('/dev/full') }, async (t) => {
    const service = await startService('v1');
    t.after(() => service.close());
    const { port, save, isAlive } = await gatewayOnFullDisk(t, service.port);
    assert.ok(isAlive(), 'it started');
    const client = rawClient(port);
    t.after(() => client.socket.destroy());
    let bad = 0;
    for (let n = 0; n < 500; n++) {
      // Reloads, good and bad, and broken requests are what is logged.
      if (n % 50 === 0) save(n % 100 === 0 ? `change ${n}` : `\nlistne: ${n}`);
      if ((await askedOn(client, getOf('/ok').replace('\r\n\r\n', '\r\nAccept: */*\r\n\r\n'))) !== 200) bad++;
      const broken = rawClient(port);
      broken.send('BAD\r\n\r\n');
      assert.match(await broken.closed(), /^HTTP\/1\.1 400 /);
    }
    assert.equal(bad, 0);
    assert.ok(isAlive(), 'it still runs');
  });
});
