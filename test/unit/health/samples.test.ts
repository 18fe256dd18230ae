/** Increases of endpoints' words over workers that come and go. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { type Sample, SampleReader } from '#src/health/samples.ts';
import { ENDPOINT, ENDPOINT_WORDS } from '#src/model/tallies.ts';
import { PROBE_RESULT } from '#src/model/threads/load/capacity.ts';
import { FakeCounters } from '../../support/simulate/health.ts';

function read(reader: SampleReader, endpoint = 3): Sample | null {
  const sample: Sample = { good: -1, bad: -1, inRow: -1, answered: -1, waitedMs: -1 };
  return reader.read(endpoint, sample) ? sample : null;
}

it('workers add up, and a second reading has only what is new', () => {
  const [a, b] = [new FakeCounters(1), new FakeCounters(2)];
  const reader = new SampleReader();
  reader.follow([a.region, b.region]);
  a.did(3, { good: 4, tookMs: 20 });
  b.did(3, { good: 1, tookMs: 50 });
  b.did(3, { bad: 2 });
  assert.deepEqual(read(reader), { good: 5, bad: 2, inRow: 2, answered: 5, waitedMs: 130 });
  assert.equal(read(reader), null);
  a.did(3, { bad: 1 });
  assert.deepEqual(read(reader), { good: 0, bad: 1, inRow: 1, answered: 0, waitedMs: 0 });
});

it('a row counts in the worker that goes on with it, not in one that rests', () => {
  const [a, b] = [new FakeCounters(1), new FakeCounters(2)];
  const reader = new SampleReader();
  reader.follow([a.region, b.region]);
  a.did(3, { bad: 4 });
  assert.equal(read(reader)?.inRow, 4);
  b.did(3, { bad: 1 });
  assert.equal(read(reader)?.inRow, 1);
  a.did(3, { bad: 1 });
  assert.equal(read(reader)?.inRow, 5);
});

it('endpoints are apart', () => {
  const one = new FakeCounters(1);
  const reader = new SampleReader();
  reader.follow([one.region]);
  one.did(3, { good: 1 });
  assert.equal(read(reader, 4), null);
  assert.equal(read(reader, 3)?.good, 1);
});

it('a worker that comes counts from zero, one that stays goes on, one that left is gone', () => {
  const [a, b, c] = [new FakeCounters(1), new FakeCounters(2), new FakeCounters(3)];
  const reader = new SampleReader();
  reader.follow([a.region, b.region]);
  for (const worker of [a, b]) worker.did(3, { good: 10 });
  read(reader);
  c.did(3, { good: 2 });
  a.did(3, { good: 1 });
  b.did(3, { good: 1 });
  reader.follow([b.region, c.region]);
  assert.equal(read(reader)?.good, 3);
});

it('a counter that wraps goes on', () => {
  const one = new FakeCounters(1);
  const words = one.region.tallies.endpoints;
  const reader = new SampleReader();
  reader.follow([one.region]);
  for (const word of [ENDPOINT.finished, ENDPOINT.good]) words[3 * ENDPOINT_WORDS + word] = 2 ** 31 - 1;
  read(reader);
  for (const word of [ENDPOINT.finished, ENDPOINT.good]) words[3 * ENDPOINT_WORDS + word] = -(2 ** 31) + 1;
  assert.equal(read(reader)?.good, 2);
});

it('of probes there is the latest of each worker, by its number, until that worker makes another', () => {
  const [a, b, c] = [new FakeCounters(1), new FakeCounters(2), new FakeCounters(3)];
  const reader = new SampleReader();
  reader.follow([a.region, b.region, c.region]);
  assert.deepEqual(reader.probes(3), []);
  a.probed(3, 7, 'answered');
  c.probed(3, 8, 'bad');
  const reports = [
    { number: 7, result: PROBE_RESULT.answered },
    { number: 8, result: PROBE_RESULT.bad },
  ];
  for (let n = 0; n < 2; n++) assert.deepEqual(reader.probes(3), reports);
  a.probed(3, 9, 'ignored');
  assert.deepEqual(reader.probes(3)[0], { number: 9, result: PROBE_RESULT.ignored });
  assert.deepEqual(reader.probes(4), []);
});
