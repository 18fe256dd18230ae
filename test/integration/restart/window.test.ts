/** What happens to a gateway while its successor gets ready, or takes over: nothing of it may be lost between the two. */

import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import { logged, startService, type TestService, until } from '../../support/gateway.ts';
import { inFolder } from '../../support/state/folder.ts';
import {
  GOOD_PROGRAM,
  isAlive,
  type Restarting,
  restarted,
  startMixedLoad,
  startRestarting,
} from '../../support/state/restarting.ts';

const TOKEN = 'sixteen-visible-characters';
const LIMIT = { timeout: 540_000, skip: process.platform === 'win32' ? 'needs inherited sockets' : false };

let v1: TestService;
let v2: TestService;

before(async () => {
  [v1, v2] = await Promise.all([startService('v1'), startService('v2')]);
});

after(() => Promise.all([v1.close(), v2.close()]));

function config(service: TestService, more = ''): string {
  return `
listen: 127.0.0.1:0
admin: 127.0.0.1:0
adminToken: ${TOKEN}
workers: 2
saturation: {response: observe}
drain: {delay: 100ms, timeout: 10s}
${more}
services: {shop: {outlierDetection: false, versions: {v1: {endpoints: ["127.0.0.1:${service.port}"]}}}}
routes: [{name: shop, backendRefs: [{name: shop, version: v1}]}]
`;
}

/** Has what a successor says about `kind` wait until there is a file; it writes `<file>.waits` then. */
function holding(kind: 'prepared' | 'serving', file: string): string {
  return `
import { existsSync, writeFileSync } from 'node:fs';
const send = process.send;
process.send = (message, sent) => {
  if (message.kind !== ${JSON.stringify(kind)}) return send.call(process, message, sent);
  writeFileSync(${JSON.stringify(`${file}.waits`)}, '');
  const look = setInterval(() => {
    if (!existsSync(${JSON.stringify(file)})) return;
    clearInterval(look);
    send.call(process, message, sent);
  }, 10);
};
${GOOD_PROGRAM}`;
}

/** Damages the state's file the moment that it is handed over. */
function damaging(file: string): string {
  return `
import { writeFileSync } from 'node:fs';
process.on('message', ({ kind }) => kind === 'take' && writeFileSync(${JSON.stringify(file)}, 'x'.repeat(8192)));
${GOOD_PROGRAM}`;
}

/** Ends its second worker when it is told to. */
const MORTAL = `
import { syncBuiltinESMExports } from 'node:module';
import threads from 'node:worker_threads';
const { Worker } = threads;
threads.Worker = class extends Worker {
  constructor(file, options) {
    super(file, options);
    if (options.name === 'sluice-worker-1') process.on('SIGWINCH', () => void this.terminate());
  }
};
syncBuiltinESMExports();
${GOOD_PROGRAM}`;

async function told({ adminUrl }: Restarting, path: string): Promise<{ status: number; body: string }> {
  const response = await fetch(`${adminUrl}/api/v1/${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${TOKEN}`, connection: 'close' },
  });
  return { status: response.status, body: await response.text() };
}

/** Starts a successor that waits with what it says until \`go\`. */
async function heldAt(gateway: Restarting, kind: 'prepared' | 'serving', folder: string) {
  const file = join(folder, kind);
  gateway.program(holding(kind, file));
  gateway.signal('SIGUSR2');
  await until('it waits', () => existsSync(`${file}.waits`));
  const successor = Number(/"event":"restart_begun".*"successor":(\d+)/.exec(gateway.output())?.[1]);
  return { successor, go: () => writeFileSync(file, '') };
}

describe('a gateway that is told to end while its successor takes over', LIMIT, () => {
  for (const told of ['the old process', 'the successor'] as const) {
    it(`ends both in order: ${told}`, (t) =>
      inFolder(async (folder) => {
        const gateway = await startRestarting(t, config(v1));
        const { successor, go } = await heldAt(gateway, 'serving', folder);
        assert.equal(gateway.pid(), successor);
        assert.equal((await gateway.status()).ready, true);
        const load = startMixedLoad(t, gateway.proxyUrl);
        await until('there is traffic', () => load.sent() > 100);
        assert.deepEqual([...(await load.stop()).keys()], ['200 v1']);
        process.kill(told === 'the successor' ? successor : (gateway.first.pid as number), 'SIGTERM');
        await until('it is heard', () => gateway.output().includes('draining; a second signal ends it at once'));
        assert.ok(isAlive(successor), 'it may have accepted');
        go();
        if (told === 'the old process') await until('both are gone', () => !isAlive(successor));
        assert.equal(await gateway.firstExited, 0);
        await until('both are gone', () => !isAlive(successor));
        assert.doesNotMatch(gateway.output(), /restart_failed|drain_failed/);
        assert.equal(gateway.pid(), 0, 'the pid file is gone');
      }));
  }
});

it('commands are refused by both while the state changes hands, those that write nothing down too', LIMIT, (t) =>
  inFolder(async (folder) => {
    const gateway = await startRestarting(t, config(v1));
    const { go } = await heldAt(gateway, 'serving', folder);
    for (const path of ['faults/stop', 'config/unpin', 'reload', 'rollouts/shop/start', 'routes/shop/restore']) {
      for (const _ of [1, 2, 3, 4]) {
        const { status, body } = await told(gateway, path);
        assert.equal(status, 409, path);
        assert.match(body, /a restart is under way; try again/, path);
      }
    }
    go();
    await until('it is over', () => gateway.output().includes('"event":"taken_over"'));
    assert.equal((await told(gateway, 'reload')).status, 200);
  }),
);

describe('what changes while a successor', LIMIT, () => {
  /** Answers that came after the first of the new version. */
  async function answersAfterV2(t: TestContext, gateway: Restarting) {
    await until('the change is in force', async () => (await (await fetch(gateway.proxyUrl)).text()) === 'v2');
    return startMixedLoad(t, gateway.proxyUrl);
  }

  it('gets ready is in force from its first answer on', (t) =>
    inFolder(async (folder) => {
      const gateway = await startRestarting(t, config(v1));
      const { go } = await heldAt(gateway, 'prepared', folder);
      gateway.save(config(v2));
      const load = await answersAfterV2(t, gateway);
      go();
      await until('another process serves', () => gateway.output().includes('"event":"taken_over"'));
      const sent = load.sent();
      await until('it has traffic', () => load.sent() > sent + 100);
      assert.deepEqual([...(await load.stop()).keys()], ['200 v2']);
    }));

  it("takes over is the successor's, and comes here when that fails", (t) =>
    inFolder(async (folder) => {
      const gateway = await startRestarting(t, config(v1));
      const { successor } = await heldAt(gateway, 'serving', folder);
      gateway.save(config(v2));
      await logged(gateway, /"event":"config_live"/);
      const taken = (): number => gateway.output().split('"event":"config_live"').length - 1;
      assert.equal(taken(), 1, 'the old process holds');
      process.kill(successor, 'SIGKILL');
      await until('the old process goes on', () => gateway.output().includes('"event":"restart_failed"'));
      const load = await answersAfterV2(t, gateway);
      await until('it has traffic', () => load.sent() > 100);
      assert.deepEqual([...(await load.stop()).keys()], ['200 v2']);
      assert.equal(taken(), 2);
    }));
});

it('a worker that dies while a successor gets ready ends that, and clients that waited for it go on', LIMIT, (t) =>
  inFolder(async (folder) => {
    const gateway = await startRestarting(t, config(v1), { program: MORTAL });
    const { successor } = await heldAt(gateway, 'prepared', folder);
    gateway.first.kill('SIGWINCH');
    await until('the successor is gone', () => !isAlive(successor));
    await logged(gateway, /"event":"restart_failed","because":"worker 1 of this process died; try again"/);
    await until('it is replaced', async () =>
      (await gateway.status()).workers.every(({ state }) => state === 'serving'),
    );
    const load = startMixedLoad(t, gateway.proxyUrl);
    await until('there is traffic', () => load.sent() > 200);
    assert.deepEqual([...(await load.stop()).keys()], ['200 v1']);
    gateway.program(GOOD_PROGRAM);
    await restarted(gateway);
  }),
);

it('a state that the successor finds damaged comes from the old process', LIMIT, (t) =>
  inFolder(async (folder) => {
    const state = join(folder, 'state');
    const text = config(v1, `state: {directory: ${JSON.stringify(state)}}`).replace(
      'version: v1}]}',
      'version: v1}], slo: {availability: 0.9}}',
    );
    const gateway = await startRestarting(t, text);
    const load = startMixedLoad(t, gateway.proxyUrl);
    const counted = async (): Promise<number> => (await gateway.status()).slos[0]?.events.good ?? 0;
    await until('traffic is counted', async () => (await counted()) > 100);
    await load.stop();
    const before = await counted();
    gateway.program(damaging(join(state, 'sluice.db')));
    await restarted(gateway);
    assert.match(gateway.output(), /"event":"state_damaged"/);
    assert.ok((await counted()) >= before);
  }),
);
