/** What is written as OpenSLO is sound OpenSLO, and says the same when it is read. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readOpenSlo } from '#src/cli/slo/check/openslo.ts';
import { isPlain, openSloDocuments } from '#src/cli/slo/formats/openslo.ts';
import { objectivesIn } from '#src/cli/slo/objective.ts';
import { sloTools } from '#src/compose/answers/slo-tools.ts';
import { configOf } from '../../../../support/config.ts';
import { CONFIG, documentsOf } from '../../../../support/readings/slo-file.ts';

const PLAIN = objectivesIn(configOf(CONFIG)).filter(isPlain);

test('a round trip brings back every objective, without a problem or a warning', () => {
  const { documents, findings } = documentsOf(sloTools.writeYaml(openSloDocuments(PLAIN)));
  const own = readOpenSlo(documents, findings).map(({ fields: _fields, ...objective }) => objective);
  assert.deepEqual([findings.problems, findings.warnings], [[], []]);
  assert.deepEqual(own, PLAIN);
  assert.equal(PLAIN.length, 3);
});

test('other tools find queries', () => {
  const [, , slo] = openSloDocuments(PLAIN) as { spec: { indicator: { spec: { ratioMetric: unknown } } } }[];
  const query = 'sum(sluice_slo_events_total{scope="route",name="checkout",sli="availability"})';
  assert.deepEqual(slo?.spec.indicator.spec.ratioMetric, {
    counter: true,
    good: { metricSource: { type: 'Prometheus', spec: { query: query.replace('}', ',outcome="good"}') } } },
    total: { metricSource: { type: 'Prometheus', spec: { query } } },
  });
});

test('objectives of seconds have no form', () => {
  assert.deepEqual(
    objectivesIn(configOf(CONFIG))
      .filter((one) => !isPlain(one))
      .map(({ indicator }) => indicator),
    ['composite', 'business'],
  );
});
