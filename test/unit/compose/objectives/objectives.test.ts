/** Counts go in; alerts with who is behind them, and the order of shedding, come out. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Objectives } from '#src/compose/objectives/objectives.ts';
import { nowMs } from '#src/lib/clock.ts';
import type { Log } from '#src/lib/log.ts';
import { CELL } from '#src/model/tallies.ts';
import { EndpointTotalsReader } from '#src/slo/totals/endpoint-totals.ts';
import { Totals } from '#src/slo/totals/totals.ts';
import { createDials } from '#src/snapshot/dials.ts';
import { type Current, Store } from '#src/snapshot/store.ts';
import { parseConfig } from '#src/sources/parse.ts';
import { SOUND } from '../../../support/config.ts';
import { FakeWorker } from '../../../support/simulate/worker.ts';

it('a route that fails is told of, and stands as one with nothing to lose', () => {
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
  const [totals, endpointTotals, worker] = [new Totals(), new EndpointTotalsReader(), new FakeWorker(1)];
  const around = {
    healthOf: () => ({ state: 'up', capacityRatio: 1, because: '', ejections: 0 }) as const,
    logMore: () => undefined,
  };
  const objectives = new Objectives({ log: log as unknown as Log, dials, totals, endpointTotals, ...around });
  totals.follow([worker.region]);
  const current = store.current as Current;
  objectives.follow(current);
  const turn = (): void => {
    objectives.look([worker.region], true);
    for (let n = 0; n < 10; n++) objectives.turn([worker.region], nowMs());
  };
  turn();
  assert.equal(objectives.shedding.ofRoute('shop')?.standing, 3);
  const [route] = current.snapshot.routes;
  for (const cell of [route?.cell ?? 0, route?.splits[0]?.cell ?? 0]) {
    worker.add(cell, CELL.finished, 1000);
    worker.add(cell, CELL.bad, 500);
  }
  turn();
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
