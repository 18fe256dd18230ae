import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pyrraDocuments } from '#src/cli/slo/formats/pyrra.ts';
import { objectivesIn } from '#src/cli/slo/objective.ts';
import { configOf } from '../../../../support/config.ts';
import { CONFIG } from '../../../../support/readings/slo-file.ts';

test('Pyrra gets an objective each, its target as text and four weeks', () => {
  const documents = pyrraDocuments(objectivesIn(configOf(CONFIG))) as { metadata: { name: string }; spec: unknown }[];
  assert.equal(documents.length, 5);
  assert.equal(documents[0]?.metadata.name, 'checkout-route-availability');
  assert.deepEqual(documents[0]?.spec, {
    target: '99.9',
    window: '4w',
    description: 'availability of route checkout',
    indicator: {
      ratio: {
        errors: {
          metric: 'sluice_slo_events_total{scope="route",name="checkout",sli="availability",outcome="bad"}',
        },
        total: { metric: 'sluice_slo_events_total{scope="route",name="checkout",sli="availability"}' },
      },
    },
  });
});
