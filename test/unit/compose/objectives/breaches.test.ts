/** From counts in the workers' memory to what an alert and a rollback say. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Attribution } from '#src/compose/objectives/breaches.ts';
import type { AlertChange, Verdict } from '#src/model/slo.ts';
import { CELL, CELL_WORDS } from '#src/model/tallies.ts';
import { EndpointTotalsReader } from '#src/slo/totals/endpoint-totals.ts';
import { Totals } from '#src/slo/totals/totals.ts';
import { createDials } from '#src/snapshot/dials.ts';
import { type Current, Store } from '#src/snapshot/store.ts';
import { parseConfig } from '#src/sources/parse.ts';
import { SOUND } from '../../../support/config.ts';
import { FakeWorker } from '../../../support/simulate/worker.ts';

const ALERT: AlertChange = {
  scope: 'route',
  name: 'shop',
  indicator: 'availability',
  state: 'firing',
  severity: 'page',
  long: '1h',
  short: '5m',
  factor: 14.4,
  longBurn: 20,
  shortBurn: 20,
  remainingRatio: 0.5,
  sentence: 'it burns',
};

/** Version v2 fails, and its bodies take their time. */
function attributionOf(document: string): Attribution {
  const store = new Store({ file: '', dials: createDials(), wallTime: () => '', mayRecycle: () => false });
  store.offer(parseConfig(document, '', {}));
  const worker = new FakeWorker(1);
  const [totals, endpointTotals] = [new Totals(), new EndpointTotalsReader()];
  totals.follow([worker.region]);
  endpointTotals.follow([worker.region]);
  const attribution = new Attribution(totals, endpointTotals);
  attribution.follow(store.current as Current);
  for (const cell of [1, 2]) {
    worker.add(cell, CELL.finished, 100);
    worker.add(cell, CELL.attempts, 100);
  }
  worker.add(2, CELL.bad, 40);
  worker.region.tallies.cellFloats[(2 * CELL_WORDS + CELL.bodyMs) >> 1] = 900;
  attribution.turn(0);
  return attribution;
}

it('an alert that begins and a rollback name who is behind them', () => {
  const attribution = attributionOf(`${SOUND}    slo: {availability: 0.999}\n`);
  const version = 'version shop v2: 100 % of the additional failures, 40 of 100';
  assert.equal(
    attribution.alert(ALERT).sentence,
    `it burns; phase first-byte: 100 % of the additional failures, 40 of 200; ${version}`,
  );
  const verdict = (errors: number, latency: number) =>
    ({ errors: { logE: errors }, latency: { logE: latency } }) as Verdict;
  assert.match(attribution.explain('shop', verdict(9, 1)), /version shop v2: /);
  assert.equal(
    attribution.explain('shop', verdict(1, 9)),
    '100 % of the added time is the body, 100 % of it at version shop v2',
  );
});

it('a rollback for failures of one route of several is told by failures, though more of the sum is slowness', () => {
  const attribution = attributionOf(`${SOUND}    slo: {availability: 0.999}\n`);
  const verdict = (pay: number): Verdict => {
    const routes = [{ logE: -9 }, { logE: pay }];
    return { errors: { logE: -15 }, latency: { logE: -2 }, routes } as unknown as Verdict;
  };
  assert.match(attribution.explain('shop', verdict(12)), /version shop v2: .* failures/);
  assert.match(attribution.explain('shop', verdict(-12)), /added time/);
});

it('an alert that ends, and a route without objectives, say no more than they did', () => {
  const attribution = attributionOf(`${SOUND}    slo: {availability: 0.999}\n`);
  const ended = { ...ALERT, state: 'resolved' } as const;
  assert.equal(attribution.alert(ended), ended);
  assert.equal(attributionOf(SOUND).alert(ALERT), ALERT);
});
