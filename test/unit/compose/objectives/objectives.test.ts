/** Counts go in; alerts with who is behind them, and the order of shedding, come out. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Objectives } from '#src/compose/objectives/objectives.ts';
import { nowMs } from '#src/lib/clock.ts';
import type { Log } from '#src/lib/log.ts';
import type { SloConfig, SloSource } from '#src/model/slo.ts';
import { CELL } from '#src/model/tallies.ts';
import type { Surroundings } from '#src/slo/budget/composite/score.ts';
import { SLICES, SloEngine } from '#src/slo/budget/engine.ts';
import { EndpointTotalsReader } from '#src/slo/totals/endpoint-totals.ts';
import { Totals } from '#src/slo/totals/totals.ts';
import { createDials } from '#src/snapshot/dials.ts';
import { type Current, Store } from '#src/snapshot/store.ts';
import { DEFAULT_SLO } from '#src/sources/defaults.ts';
import { parseConfig } from '#src/sources/parse.ts';
import { SOUND } from '../../../support/config.ts';
import { FakeWorker } from '../../../support/simulate/worker.ts';

/** Objectives of one route to a version with a limit, and the names of their alerts. */
function around(worker: FakeWorker) {
  const alerts: string[] = [];
  const log = {
    warn: (event: string, { name, long }: Record<string, string>) => alerts.push(`${event} ${name} ${long}`),
  };
  const dials = createDials();
  const store = new Store({ file: '', dials, wallTime: () => '', mayRecycle: () => false });
  store.offer(
    parseConfig(
      `${SOUND}    slo: {availability: 0.999}\n`.replace('shop:\n', 'shop:\n    overload: {limit: 5}\n'),
      '',
      {},
    ),
  );
  const [totals, endpointTotals] = [new Totals(), new EndpointTotalsReader()];
  const rest = {
    healthOf: () => ({ state: 'up', capacityRatio: 1, because: '', ejections: 0 }) as const,
    logMore: () => undefined,
  };
  const objectives = new Objectives({ log: log as unknown as Log, dials, totals, endpointTotals, ...rest });
  totals.follow([worker.region]);
  const current = store.current as Current;
  objectives.follow(current);
  const second = (): void => {
    for (let n = 0; n < SLICES; n++) {
      objectives.look([worker.region], false);
      objectives.turn([worker.region], nowMs());
    }
  };
  const [route] = current.snapshot.routes;
  const fail = (): void => {
    for (const cell of [route?.cell ?? 0, route?.splits[0]?.cell ?? 0]) {
      worker.add(cell, CELL.finished, 1000);
      worker.add(cell, CELL.bad, 500);
    }
  };
  return { objectives, alerts, second, fail };
}

it('a route that fails is told of, and stands as one with nothing to lose', () => {
  const { objectives, alerts, second, fail } = around(new FakeWorker(1));
  second();
  assert.equal(objectives.shedding.ofRoute('shop')?.standing, 3);
  fail();
  second();
  assert.ok(alerts.includes('slo_alert shop 1h'), alerts.join());
  assert.deepEqual(objectives.shedding.ofRoute('shop'), {
    priority: 'default',
    remainingRatio: objectives.slos.leftOf('shop', nowMs())?.remainingRatio,
    standing: 0,
    isBurning: true,
    because: 'its budget is overspent, burning fast',
  });
  assert.equal(objectives.shedding.ofVersion('shop/v1')?.isCurbed, true);
});

it('an idle route stands by what an earlier process counted, once that is known', () => {
  const before = around(new FakeWorker(1));
  before.fail();
  before.second();
  const saved = before.objectives.slos.save(nowMs());
  const { objectives, second } = around(new FakeWorker(2));
  second();
  assert.equal(objectives.shedding.ofRoute('shop')?.standing, 3);
  objectives.slos.restore(saved, nowMs(), 0);
  second();
  assert.equal(objectives.shedding.ofRoute('shop')?.standing, 0);
});

const SLO: SloConfig = { ...DEFAULT_SLO, availabilityRatio: 0.999, latency: null, calendar: null };
/** Asks for its surroundings once a second. */
const SCORED: SloSource = {
  scope: 'route',
  name: 'a',
  cells: [1],
  slo: {
    ...SLO,
    composite: {
      ...{ targetRatio: 0.99, atLeastRatio: 0.9, windowMs: 1000, formula: 'mean', dependencies: [], whileBelow: null },
      weights: { success: 1, latency: 1, health: 1, dependencies: 1 },
    },
  },
};

it('goes on with the others when the turn of one source throws, and its rollouts wait', () => {
  const worker = new FakeWorker(1);
  const told: string[] = [];
  const odd = { isOn: true };
  const surroundings = (): Surroundings => {
    if (odd.isOn) throw new TypeError('odd');
    return { health: 1, dependencies: null };
  };
  const engine = new SloEngine(surroundings, (source, error) => void told.push(`${source} ${String(error)}`));
  const turn = (nowMs: number) => engine.turn([worker.region], { nowMs, wallMs: nowMs }, true);
  engine.follow([SCORED, { scope: 'route', name: 'b', cells: [2], slo: SLO }]);
  worker.add(1, CELL.finished, 100);
  worker.add(2, CELL.finished, 10);
  for (let n = 1; n <= 5; n++) turn(1000 * n);
  assert.deepEqual(new Set(told), new Set(['route/a TypeError: odd']));
  assert.equal(engine.budgetOf('b', 5000)?.alert, null);
  assert.match(engine.budgetOf('a', 5000)?.alert ?? '', /not counted, by a defect of the gateway \(SLU1925\)/);
  const [, ofB] = ['a', 'b'].map((name) => engine.statusOf('route', name, { nowMs: 5000, wallMs: 5000 })[0]?.events);
  assert.deepEqual(ofB, { good: 10, bad: 0 });
  odd.isOn = false;
  for (let n = 6; n <= 8; n++) turn(1000 * n);
  assert.equal(engine.budgetOf('a', 8000)?.alert, null);
  assert.throws(() => {
    const strict = new SloEngine(() => {
      throw new TypeError('odd');
    });
    strict.follow([SCORED]);
    for (let n = 1; n <= 5; n++) strict.turn([worker.region], { nowMs: 1000 * n, wallMs: 0 }, true);
  }, /odd/);
});
