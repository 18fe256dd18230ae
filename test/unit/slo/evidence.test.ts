/** What several routes count together and each by itself: requests add up, users do not. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type RolloutRoute, type RolloutSpec, routesOf } from '#src/model/rollout.ts';
import { CELL } from '#src/model/tallies.ts';
import { EvidenceWindow, type Reading } from '#src/slo/evidence.ts';
import { emptyEvidence } from '#src/slo/verdict/score/account.ts';
import { SEVERAL, SPEC } from '../../support/simulate/detection.ts';
import { FakeWorker } from '../../support/simulate/worker.ts';

const START = 10_000;

class Bench {
  readonly workers = [new FakeWorker(1), new FakeWorker(2)];
  readonly regions = this.workers.map(({ region }) => region);
  readonly window: EvidenceWindow;
  readonly out: Reading = emptyEvidence();

  constructor(spec: RolloutSpec) {
    this.window = new EvidenceWindow(spec, this.regions);
  }

  finish({ canary }: RolloutRoute, user: number, isBad: boolean, nowMs: number): void {
    (this.workers[user % 2] as FakeWorker).finish({ cell: canary.cell, unit: canary.unit, user, isBad, nowMs });
  }

  read(): Reading {
    this.window.read(this.regions, this.out);
    return this.out;
  }

  /** Canary requests and users, all together and by route. */
  canary(): unknown {
    const { requests, users, routes = [] } = this.read();
    const shown = [{ requests, users }, ...routes].map((one) => [one.requests.canary, one.users.canary]);
    return shown.map((pair) => pair.map(({ finished, bad }) => `${bad}/${finished}`).join(' '));
  }
}

test('one route is read as itself, and nothing is told of routes', () => {
  const bench = new Bench(SPEC);
  bench.finish(SPEC, 1, true, START);
  assert.deepEqual(bench.canary(), ['1/1 1/1']);
  assert.deepEqual([bench.out.routes, bench.out.isConsistent], [undefined, true]);
});

test('requests of several routes add up', () => {
  const bench = new Bench(SEVERAL);
  for (const [n, route] of routesOf(SEVERAL).entries()) {
    for (let user = 0; user <= n; user++) bench.finish(route, 10 * n + user, n === 1, START);
  }
  assert.deepEqual(bench.canary(), ['2/6 2/6', '0/1 0/1', '2/2 2/2', '0/3 0/3']);
  assert.deepEqual(bench.canary(), ['0/0 0/0', '0/0 0/0', '0/0 0/0', '0/0 0/0'], 'what was read is the past');
});

test('a user on two routes is one user, and rests on all of them once it failed', () => {
  const bench = new Bench(SEVERAL);
  const [checkout, cart, pay] = routesOf(SEVERAL) as [RolloutRoute, RolloutRoute, RolloutRoute];
  bench.finish(checkout, 7, true, START);
  bench.finish(cart, 7, true, START);
  assert.deepEqual(bench.canary(), ['2/2 1/1', '1/1 1/1', '1/1 1/1', '0/0 0/0']);
  bench.finish(pay, 7, true, START + 2000);
  assert.deepEqual(bench.canary(), ['1/1 0/0', '0/0 0/0', '0/0 0/0', '1/1 1/1']);
});

test('what is skipped is never read, and a step makes the next rest a short one again', () => {
  const bench = new Bench(SEVERAL);
  const [, cart] = routesOf(SEVERAL) as [RolloutRoute, RolloutRoute];
  bench.finish(cart, 1, true, START);
  bench.window.skip(bench.regions);
  assert.deepEqual(bench.canary(), ['0/0 0/0', '0/0 0/0', '0/0 0/0', '0/0 0/0']);
  const failsAt = (second: number): boolean => {
    bench.finish(cart, 2, true, 1000 * second);
    return (bench.canary() as string[])[0]?.endsWith('1/1') === true;
  };
  assert.deepEqual([20, 31, 45].map(failsAt), [true, true, false], 'the second rest lasts 20 s');
  assert.equal(failsAt(52), true);
  bench.window.forgive();
  assert.deepEqual([93, 104].map(failsAt), [true, true], 'after 40 s, and then after 10 s again');
});

test('counters of one route that do not add up make the whole reading unsound', () => {
  const bench = new Bench(SEVERAL);
  const [, , pay] = routesOf(SEVERAL) as [RolloutRoute, RolloutRoute, RolloutRoute];
  bench.workers[0]?.add(pay.stable.cell, CELL.bad, 1);
  assert.equal(bench.read().isConsistent, false);
});
