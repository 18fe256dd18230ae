/** What metrics read of an objective: what its status says, live, and for nothing while nothing was counted. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { SloConfig, SloSource } from '#src/model/slo.ts';
import { CELL } from '#src/model/tallies.ts';
import { SLICES, SloEngine } from '#src/slo/budget/engine.ts';
import { errorsOf } from '#src/slo/totals/objective-reading.ts';
import { DEFAULT_SLO } from '#src/sources/defaults.ts';
import { bytesPerCall, COUNTED } from '../../../support/proxy/allocation.ts';
import { FakeWorker } from '../../../support/simulate/worker.ts';

const SLO: SloConfig = {
  ...DEFAULT_SLO,
  availabilityRatio: 0.999,
  latency: { thresholdMs: 300, targetRatio: 0.99 },
  calendar: null,
};
const SOURCE: SloSource = { scope: 'route', name: 'a', cells: [1], slo: SLO };

function seconds(engine: SloEngine, { region }: FakeWorker, nowMs: number): { nowMs: number; wallMs: number } {
  const now = { nowMs, wallMs: nowMs };
  for (let n = 0; n < SLICES; n++) engine.turn([region], now);
  return now;
}

describe('a reading of an objective', () => {
  it('says what the status says, without being asked for again', () => {
    const engine = new SloEngine();
    const worker = new FakeWorker(1);
    engine.follow([SOURCE]);
    const { readings } = engine;
    assert.deepEqual(
      readings.map(({ indicator, remainingRatio, eventsTotal }) => [indicator, remainingRatio, eventsTotal]),
      [
        ['availability', null, { good: 0, bad: 0 }],
        ['latency', null, { good: 0, bad: 0 }],
      ],
    );
    seconds(engine, worker, 0);
    worker.add(1, CELL.finished, 1000);
    worker.add(1, CELL.bad, 500);
    worker.add(1, CELL.errorClasses + 2, 500);
    const statuses = engine.status(seconds(engine, worker, 1000));
    for (const [n, { name, scope, targetRatio, remainingRatio, burnRates, ...status }] of statuses.entries()) {
      const reading = readings[n];
      assert.ok(reading !== undefined);
      assert.deepEqual([reading.scope, reading.name, reading.indicator], [scope, name, status.indicator]);
      assert.deepEqual([reading.targetRatio, reading.remainingRatio], [targetRatio, remainingRatio]);
      assert.deepEqual([reading.burnRates, reading.eventsTotal], [burnRates, status.eventsTotal]);
      assert.deepEqual([reading.errors, reading.score], [status.errors, status.score]);
      assert.deepEqual(
        reading.alerts,
        status.alerts.map(({ severity, long, isFiring }) => ({ severity, long, isFiring })),
      );
    }
    assert.equal(readings[0]?.alerts[0]?.isFiring, true);
    assert.equal(engine.readings, readings, 'the same ones until there are others');
    engine.follow([SOURCE]);
    assert.notEqual(engine.readings, readings);
  });

  it('has the errors of its route by class, weighted, and none before the first', () => {
    const weights = { ...SLO, errorWeights: { client: 0, transient: 0.5, server: 1 } };
    assert.deepEqual(errorsOf(new Float64Array([1, 2, 3]), weights), {
      client: 1,
      transient: 2,
      server: 3,
      weighted: 4,
    });
    assert.deepEqual(errorsOf(null, weights), { client: 0, transient: 0, server: 0, weighted: 0 });
  });

  it('costs nothing while nothing was counted', COUNTED, () => {
    const engine = new SloEngine();
    engine.follow([SOURCE]);
    const [reading] = engine.readings;
    assert.ok(reading !== undefined);
    let sum = 0;
    const bytes = bytesPerCall(() => {
      sum += reading.targetRatio + (reading.remainingRatio ?? 0) + (reading.burnRates['1h'] ?? 0);
      sum +=
        reading.eventsTotal.good + reading.errors.server + reading.alerts.length + (reading.score === null ? 0 : 1);
    });
    assert.ok(bytes < 1, `${bytes} B, ${sum}`);
  });
});
