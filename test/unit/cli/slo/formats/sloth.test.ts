import assert from 'node:assert/strict';
import { test } from 'node:test';
import { slothDocuments } from '#src/cli/slo/formats/sloth.ts';
import { objectivesIn } from '#src/cli/slo/objective.ts';
import { configOf } from '../../../../support/config.ts';
import { CONFIG } from '../../../../support/readings/slo-file.ts';

test('Sloth gets a document per name, with targets in percent and its own window', () => {
  const documents = slothDocuments(objectivesIn(configOf(CONFIG))) as {
    version: string;
    service: string;
    slos: { name: string; objective: number; sli: { events: { error_query: string; total_query: string } } }[];
  }[];
  assert.deepEqual(
    documents.map(({ version, service, slos }) => [
      version,
      service,
      slos.map(({ name, objective }) => `${name} ${objective}`),
    ]),
    [
      ['prometheus/v1', 'checkout', ['route-availability 99.9', 'route-latency 99', 'route-composite 99.5']],
      ['prometheus/v1', 'shop', ['service-availability 99.95']],
      ['prometheus/v1', 'business', ['gateway-business 99']],
    ],
  );
  assert.deepEqual(documents[0]?.slos[0]?.sli.events, {
    error_query:
      'sum(rate(sluice_slo_events_total{scope="route",name="checkout",sli="availability",outcome="bad"}[{{.window}}]))',
    total_query: 'sum(rate(sluice_slo_events_total{scope="route",name="checkout",sli="availability"}[{{.window}}]))',
  });
});
