/** From limits of a document to what is asked of Redis, put off in the table, logged and shown. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FleetRates } from '#src/compose/fleet/rates.ts';
import type { Log } from '#src/lib/log.ts';
import { reserveRates } from '#src/model/overload.ts';
import type { Snapshot } from '#src/model/snapshot.ts';
import { type LinkedRate, linkRates } from '#src/proxy/decide/rate/limits.ts';
import { Rates } from '#src/proxy/decide/rate/rates.ts';
import { sketchSnapshot } from '../../../support/plane.ts';

const LIMIT = { name: 'few', requests: 10, perMs: 1000, burst: 5, by: 'route', scope: 'fleet' } as const;
const VERSIONS = { versions: [{ name: 'v1', ports: [1], weight: 1 }] };

function snapshotOf(...limits: Snapshot['routes'][number]['rateLimits']): Snapshot {
  return sketchSnapshot({ routes: [{ ...VERSIONS, rateLimits: limits }] });
}

function rig() {
  const memory = reserveRates();
  const now = {
    ms: 0,
    memory: null as SharedArrayBuffer | null,
    answer: (): Promise<unknown> => Promise.resolve([0, 0]),
  };
  const lines: string[] = [];
  const asked: { keys: readonly string[]; args: readonly (string | number)[] }[] = [];
  const note = (event: string, fields: object): void => void lines.push(`${event} ${JSON.stringify(fields)}`);
  const rates = new FleetRates({
    log: { info: note, warn: note } as unknown as Log,
    memory: () => now.memory,
    nowMs: () => now.ms,
  });
  const run = (_: string, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown> => {
    asked.push({ keys, args });
    return now.answer();
  };
  const [linked] = linkRates('route0', [LIMIT]) as [LinkedRate];
  const counter = new Rates(memory);
  const turn = (): Promise<void> => rates.turn();
  return { rates, now, memory, lines, asked, run, turn, ask: () => counter.take(linked, 0, now.ms) === 0 };
}

test('limits of the fleet are exchanged once there is a fleet and there are workers', async () => {
  const { rates, now, memory, asked, run, turn, ask } = rig();
  rates.follow(snapshotOf(LIMIT, { ...LIMIT, name: 'own', scope: 'gateway' }));
  assert.ok(ask() && ask());
  await turn();
  rates.open({ run }, 'edge');
  await turn();
  assert.deepEqual([asked, rates.status.limits], [[], 1]);
  now.memory = memory;
  now.answer = () => Promise.resolve([900_000, 0]);
  await turn();
  assert.equal(asked.length, 1);
  assert.match(asked[0]?.keys.join() ?? '', /^sluice:edge:\{rates\}:[0-9a-f]{1,8}:[0-9a-f]{1,8}$/);
  assert.deepEqual(
    asked[0]?.args.map((one) => Math.round(Number(one))),
    [100, 2, 64 * 500, 500_000],
  );
  assert.equal(ask(), false, '900 ms ahead is more than its burst');
  assert.deepEqual(rates.status.exchanges, { done: 1, failed: 0 });
  rates.close();
  await turn();
  assert.equal(asked.length, 1);
});

test('limits of the gateway alone ask nobody', async () => {
  const { rates, now, memory, asked, run, turn } = rig();
  now.memory = memory;
  rates.open({ run }, 'edge');
  rates.follow(snapshotOf({ ...LIMIT, scope: 'gateway' }));
  await turn();
  assert.deepEqual([asked, rates.status], [[], { ...rates.status, limits: 0, mode: 'shared' }]);
});

test('a Redis that does not answer is told of once, and so is that it does again', async () => {
  const { rates, now, memory, lines, run, turn, ask } = rig();
  now.memory = memory;
  rates.open({ run }, 'edge');
  rates.follow(snapshotOf(LIMIT));
  now.answer = () => Promise.reject(new Error('no answer'));
  for (now.ms = 0; now.ms <= 3000; now.ms += 200) {
    assert.ok(ask(), 'its own limit holds');
    await turn();
  }
  assert.deepEqual([rates.status.mode, rates.status.because], ['local', 'no answer']);
  now.answer = () => Promise.resolve([0, 0]);
  ask();
  await turn();
  assert.deepEqual(lines, [
    'fleet_rates_local {"fleet":"edge","because":"no answer"}',
    'fleet_rates_shared {"fleet":"edge"}',
  ]);
});

test('a configuration that changes is followed', async () => {
  const { rates, now, memory, asked, run, turn, ask } = rig();
  now.memory = memory;
  rates.open({ run }, 'edge');
  rates.follow(snapshotOf(LIMIT));
  ask();
  await turn();
  rates.follow(snapshotOf({ ...LIMIT, requests: 11 }));
  ask();
  await turn();
  assert.equal(asked.length, 1, 'the limit is another one now');
});
