/** What a gateway knows goes over to its successor: rollouts, decisions and budgets, with a state directory and without. */

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, it, type TestContext } from 'node:test';
import { startService, type TestService, until } from '../../support/gateway.ts';
import { inFolder } from '../../support/state/folder.ts';
import {
  GOOD_PROGRAM,
  type Restarting,
  refusedRestart,
  restarted,
  startMixedLoad,
  startRestarting,
} from '../../support/state/restarting.ts';

const TOKEN = 'sixteen-visible-characters';
const LIMIT = { timeout: 540_000, skip: process.platform === 'win32' ? 'needs inherited sockets' : false };
/** Without anything new, at the pace of `until`: longer than two readings take, and many turns of the loop. */
const LOOKS = 125;
const LOOK_MS = 10;
const DIES_WITH_STATE = `
process.send({ v: 1, kind: 'prepared', stateDirectory: DIRECTORY });
process.on('message', (message) => message.kind === 'take' && process.exit(7));
`;

let v1: TestService;

before(async () => {
  v1 = await startService('v1');
});

after(() => v1.close());

function config(state: string | null): string {
  const endpoint = `{endpoints: ["127.0.0.1:${v1.port}"]}`;
  return `
listen: 127.0.0.1:0
admin: 127.0.0.1:0
adminToken: ${TOKEN}
workers: 2
saturation: {response: observe}
drain: {delay: 3s, timeout: 10s}
${state === null ? '' : `state: {directory: "${state}"}`}
services: {shop: {versions: {v1: ${endpoint}, v2: ${endpoint}}}}
routes:
  - name: shop
    backendRefs:
      - {name: shop, version: v1, weight: 100}
      - {name: shop, version: v2, weight: 0}
    sticky: {header: x-user-id}
    slo: {availability: 0.999, budgetPolicy: {freeze: false}}
    rollout: {stable: v1, canary: v2, steps: [10, 30, 60], dwell: 1h, evidence: false, requestsMin: 0}
`;
}

async function command(gateway: Restarting, name: string): Promise<number> {
  await until('the loop knows the rollout', async () => (await gateway.status()).routes[0]?.rollout !== null);
  const { status } = await fetch(`${gateway.adminUrl}/api/v1/rollouts/shop/${name}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${TOKEN}`, connection: 'close' },
  });
  return status;
}

interface Standing {
  readonly step: number | undefined;
  readonly weight: number | undefined;
  readonly ids: readonly number[];
  readonly counted: number;
}

async function standing(gateway: Restarting): Promise<Standing> {
  const { routes, slos } = await gateway.status();
  const [route] = routes;
  const { good = 0, bad = 0 } = slos[0]?.events ?? {};
  return {
    step: route?.rollout?.step?.number,
    weight: route?.versions[1]?.weight,
    ids: (await gateway.decisions()).map(({ id }) => id),
    counted: good + bad,
  };
}

/** How many requests had been sent, and how many restarts were told of, at one time after another. */
type Course = readonly { readonly atMs: number; readonly sent: number; readonly restarts: number }[];

function heldIn({ output }: Restarting): number[] {
  return [...output().matchAll(/"loopStoodStillMs":(\d+)/g)].map(([, ms]) => Number(ms));
}

/** Notes it until it is stopped: a machine that is busy, or stands still, sends at an uneven pace. */
function follow(gateway: Restarting, sent: () => number): { readonly course: Course; readonly stop: () => void } {
  const course: { atMs: number; sent: number; restarts: number }[] = [];
  const look = (): void => {
    course.push({ atMs: performance.now(), sent: sent(), restarts: heldIn(gateway).length });
  };
  look();
  const timer = setInterval(look, LOOK_MS);
  return { course, stop: () => clearInterval(timer) };
}

/** Requests of which no budget heard are at most those of the time in which nobody counted. */
function assertCounted(gateway: Restarting, course: Course, missing: number): void {
  const held = heldIn(gateway);
  const atMost = held.map((ms, n) => {
    const told = course.find(({ restarts }) => restarts > n) ?? assert.fail('a restart that nobody saw');
    // Twice as long, as it is told a little later.
    const before = course.findLast(({ atMs }) => atMs <= told.atMs - 2 * ms) ?? { sent: 0 };
    // And each connection's last answers in the old process.
    return told.sent - before.sent + 20;
  });
  const most = atMost.reduce((sum, count) => sum + count, 0);
  assert.ok(
    missing >= 0 && missing <= most,
    `${missing} missing, at most ${atMost.join(' + ')}; ${held.join()} ms held`,
  );
}

async function goesOver(t: TestContext, gateway: Restarting): Promise<void> {
  assert.equal(await command(gateway, 'start'), 200);
  assert.equal(await command(gateway, 'promote'), 200);
  const load = startMixedLoad(t, gateway.proxyUrl);
  const { course, stop } = follow(gateway, () => load.sent());
  t.after(stop);
  await until('traffic is counted', async () => (await standing(gateway)).counted > 100);
  for (let n = 0; n < 2; n++) {
    await restarted(gateway);
    const { step, weight, ids } = await standing(gateway);
    assert.deepEqual({ step, weight, ids: ids.slice(0, 2) }, { step: 2, weight: 30, ids: [1, 2] });
  }
  assert.equal(await command(gateway, 'promote'), 200);
  const answers = await load.stop();
  stop();
  const sent = [...answers.values()].reduce((sum, count) => sum + count, 0);
  // Each route is read in every tenth turn of the loop, which turns ten times a second: nothing is left to be read.
  let [seen, looks] = [-1, 0];
  await until('everything is counted', async () => {
    const { counted } = await standing(gateway);
    looks = counted === seen ? looks + 1 : 0;
    seen = counted;
    return looks === LOOKS;
  });
  const { step, ids, counted } = await standing(gateway);
  assert.deepEqual({ step, ids }, { step: 3, ids: [1, 2, 3] });
  assertCounted(gateway, course, sent - counted);
}

function written(directory: string): { seqs: number[]; ids: number[] } {
  const database = new DatabaseSync(join(directory, 'sluice.db'), { readOnly: true });
  const rows = database.prepare('SELECT seq, body FROM decisions ORDER BY seq').all();
  database.close();
  const ids = rows.map(({ body }) => (JSON.parse(body as string) as { id: number }).id);
  return { seqs: rows.map(({ seq }) => seq as number), ids };
}

describe('what a gateway knows', LIMIT, () => {
  it('goes over in memory where there is no state directory', async (t) => {
    await goesOver(t, await startRestarting(t, config(null)));
  });

  it('goes over through the state directory, no decision lost or written twice', async (t) =>
    inFolder(async (folder) => {
      const state = join(folder, 'state');
      const gateway = await startRestarting(t, config(state));
      await goesOver(t, gateway);
      await until('it is written', () => written(state).ids.length === 3);
      assert.deepEqual(written(state), { seqs: [1, 2, 3], ids: [1, 2, 3] });
      assert.doesNotMatch(gateway.output(), /state_unavailable|state_unsaved|state_invalid/);
    }));

  it('stays with the old process when the new one dies with it', async (t) =>
    inFolder(async (folder) => {
      const state = join(folder, 'state');
      const gateway = await startRestarting(t, config(state));
      assert.equal(await command(gateway, 'start'), 200);
      gateway.program(DIES_WITH_STATE.replace('DIRECTORY', JSON.stringify(state)));
      assert.match(await refusedRestart(gateway), /code 7/);
      assert.equal(await command(gateway, 'promote'), 200);
      await until('it is written', () => written(state).ids.length === 2);
      gateway.program(GOOD_PROGRAM);
      await restarted(gateway);
      const { step, weight, ids } = await standing(gateway);
      assert.deepEqual({ step, weight, ids }, { step: 2, weight: 30, ids: [1, 2] });
      assert.doesNotMatch(gateway.output(), /state_unavailable|state_unsaved/);
    }));
});
