/** What a gateway tells the others of its own evidence. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Collector } from '#src/fleet/evidence/collect.ts';
import { decodeBits } from '#src/fleet/evidence/words.ts';
import { CELL, ENDPOINT, ENDPOINT_WORDS } from '#src/model/tallies.ts';
import { SPEC } from '../../../support/simulate/detection.ts';
import { FakeWorker } from '../../../support/simulate/worker.ts';

const SENDER = { id: 'a', member: 'a', adminUrl: '', share: 0.05, limits: '' };
const SPEC_WITH_ENDPOINT = { ...SPEC, canary: { ...SPEC.canary, endpoints: [3] } };

function counts(words: readonly number[], word: number): number {
  for (let n = 0; n < words.length; n += 2) if (words[n] === word) return words[n + 1] as number;
  return 0;
}

test('counts are sums over all workers that ever were, and users are told once a second', () => {
  const [a, b] = [new FakeWorker(1), new FakeWorker(2)];
  const collector = new Collector(SPEC_WITH_ENDPOINT);
  const { cell, unit } = SPEC.canary;
  const finish = (worker: FakeWorker, user: number, isBad: boolean, nowMs: number): void =>
    worker.finish({ cell, unit, user, isBad, nowMs });
  finish(a, 1, false, 5000);
  finish(b, 1, true, 5010);
  finish(b, 2, false, 5020);
  const first = collector.message([a.region, b.region], SENDER);
  assert.deepEqual([counts(first.canary.words, CELL.finished), counts(first.canary.words, CELL.bad)], [3, 1]);
  assert.deepEqual([decodeBits(first.canary.seen), decodeBits(first.canary.bad)], [[1, 2], [1]]);
  assert.deepEqual(first.stable, { words: [], seen: '', bad: '' });
  finish(b, 2, true, 5900);
  finish(a, 3, true, 6100);
  const second = collector.message([a.region, b.region], SENDER);
  assert.equal(counts(second.canary.words, CELL.finished), 5);
  assert.deepEqual([decodeBits(second.canary.seen), decodeBits(second.canary.bad)], [[3], [3]], 'user 2 has counted');
  const c = new FakeWorker(3);
  finish(c, 2, false, 6200);
  assert.equal(counts(collector.message([a.region, c.region], SENDER).canary.words, CELL.finished), 6, 'b has gone');
});

test('attempts are told by endpoint, in the order of the configuration', () => {
  const worker = new FakeWorker(1);
  const { endpoints } = worker.region.tallies;
  endpoints[3 * ENDPOINT_WORDS + ENDPOINT.finished] = 7;
  endpoints[3 * ENDPOINT_WORDS + ENDPOINT.bad] = 2;
  assert.deepEqual(new Collector(SPEC_WITH_ENDPOINT).message([worker.region], SENDER).endpoints, [7, 2]);
});
