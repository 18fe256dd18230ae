/** Totals of endpoints over workers that come and go. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { ENDPOINT, ENDPOINT_WORDS, reserveTallies, viewTallies } from '#src/model/tallies.ts';
import type { Region } from '#src/slo/regions.ts';
import { EndpointTotalsReader } from '#src/slo/totals/endpoint-totals.ts';

function region(id: number, counts: Partial<Record<keyof typeof ENDPOINT, number>>): Region {
  const tallies = viewTallies(reserveTallies());
  for (const [name, count] of Object.entries(counts)) {
    tallies.endpoints[7 * ENDPOINT_WORDS + ENDPOINT[name as keyof typeof ENDPOINT]] = count;
  }
  return { id, tallies };
}

it('an endpoint nobody used has zeros', () => {
  const zeros = { inFlight: 0, connections: 0, requests: 0, bad: 0, connectFailures: 0, panics: 0 };
  assert.deepEqual(new EndpointTotalsReader().of(7), zeros);
});

it('workers add up, and a reading twice counts once', () => {
  const reader = new EndpointTotalsReader();
  reader.follow([
    region(1, { inFlight: 1, finished: 10, bad: 2, open: 3 }),
    region(2, { finished: 5, connectFailures: 1, panics: 4 }),
  ]);
  const expected = { inFlight: 1, connections: 3, requests: 15, bad: 2, connectFailures: 1, panics: 4 };
  assert.deepEqual(reader.of(7), expected);
  assert.deepEqual(reader.of(7), expected);
});

it('a worker that left keeps its counts and loses its gauges', () => {
  const reader = new EndpointTotalsReader();
  const first = region(1, { inFlight: 1, open: 1, finished: 10 });
  reader.follow([first]);
  assert.equal(reader.of(7).requests, 10);
  // Counted after the last reading, before the worker died.
  first.tallies.endpoints[7 * ENDPOINT_WORDS + ENDPOINT.finished] = 12;
  reader.follow([region(2, { finished: 1 })]);
  assert.deepEqual(reader.of(7), { inFlight: 0, connections: 0, requests: 13, bad: 0, connectFailures: 0, panics: 0 });
});

it('a counter that wraps goes on', () => {
  const reader = new EndpointTotalsReader();
  const one = region(1, { finished: 2_147_483_647 });
  reader.follow([one]);
  assert.equal(reader.of(7).requests, 2_147_483_647);
  one.tallies.endpoints[7 * ENDPOINT_WORDS + ENDPOINT.finished] = -2_147_483_647;
  assert.equal(reader.of(7).requests, 2_147_483_649);
});
