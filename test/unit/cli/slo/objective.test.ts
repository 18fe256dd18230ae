import assert from 'node:assert/strict';
import { test } from 'node:test';
import { budgetOf, daysText, idOf, objectivesIn, percentText, selectorOf, titleOf } from '#src/cli/slo/objective.ts';
import { configOf } from '../../../support/config.ts';
import { CONFIG } from '../../../support/readings/slo-file.ts';

const OBJECTIVES = objectivesIn(configOf(CONFIG));

test('a configuration has the objectives of its routes, its services and the gateway', () => {
  assert.deepEqual(
    OBJECTIVES.map((one) => [titleOf(one), one.targetRatio, one.thresholdMs]),
    [
      ['availability of route checkout', 0.999, null],
      ['latency of route checkout', 0.99, 300],
      ['composite of route checkout', 0.995, null],
      ['availability of service shop', 0.9995, null],
      ['business of gateway business', 0.99, null],
    ],
  );
});

test('each has a name of its own, and the labels of its series', () => {
  assert.equal(new Set(OBJECTIVES.map(idOf)).size, OBJECTIVES.length);
  const [first] = OBJECTIVES;
  assert.ok(first !== undefined);
  assert.equal(idOf(first), 'checkout-route-availability');
  assert.equal(selectorOf(first), 'scope="route",name="checkout",sli="availability"');
});

test('days are weeks where they can be, as Prometheus writes them', () => {
  assert.deepEqual([28, 7, 30, 1].map(daysText), ['4w', '1w', '30d', '1d']);
});

test('a period of the calendar is of each objective', () => {
  const of = (window: string) =>
    configOf(CONFIG.replace('availability: 0.999\n', `availability: 0.999\n      ${window}\n`));
  const calendars = objectivesIn(of('timeWindow: {duration: 1M}')).map(({ calendar }) => calendar);
  assert.deepEqual(calendars, ['month', 'month', 'month', null, null]);
});

test('budgets and percentages have no dust', () => {
  assert.equal(budgetOf({ targetRatio: 0.9995 }), 0.0005);
  assert.equal(percentText(0.9995), '99.95');
  assert.equal(percentText(0.57), '57');
});
