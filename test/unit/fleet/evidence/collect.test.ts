/** What a gateway tells the others of its own evidence. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Collector } from '#src/fleet/evidence/collect.ts';
import { decodeBits } from '#src/fleet/evidence/words.ts';
import { CELL, ENDPOINT, ENDPOINT_WORDS } from '#src/model/tallies.ts';
import { SPEC } from '../../../support/simulate/detection.ts';
import { FakeWorker } from '../../../support/simulate/worker.ts';

const SENDER = { id: 'a', member: 'a', adminUrl: '', share: 0.05, limits: '' };

function counts(words: readonly number[], word: number): number {
  for (let n = 0; n < words.length; n += 2) if (words[n] === word) return words[n + 1] as number;
  return 0;
}

test('counts are sums over all workers that ever were, and users are told once a second', () => {
  const [a, b] = [new FakeWorker(1), new FakeWorker(2)];
  const collector = new Collector(SPEC);
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

test('attempts are told by address, since the canary has the endpoint, whatever its slot had before', () => {
  const worker = new FakeWorker(1);
  const attempt = (slot: number, finished: number, bad: number): void => {
    const { endpoints } = worker.region.tallies;
    Atomics.add(endpoints, slot * ENDPOINT_WORDS + ENDPOINT.finished, finished);
    Atomics.add(endpoints, slot * ENDPOINT_WORDS + ENDPOINT.bad, bad);
  };
  const spec = (...pairs: readonly (readonly [slot: number, address: string])[]) => ({
    ...SPEC,
    canary: { ...SPEC.canary, endpoints: pairs.map(([slot]) => slot), addresses: pairs.map(([, name]) => name) },
  });
  attempt(3, 100, 50);
  const collector = new Collector(spec([3, 'a:80']));
  const told = () => collector.message([worker.region], SENDER).attempts;
  assert.deepEqual(told(), [['a:80', 0, 0]]);
  attempt(3, 7, 2);
  assert.deepEqual(told(), [['a:80', 7, 2]]);
  collector.follow(spec([4, 'b:80'], [3, 'a:80']));
  attempt(3, 1, 1);
  assert.deepEqual(told(), [
    ['b:80', 0, 0],
    ['a:80', 8, 3],
  ]);
  collector.follow(spec([3, 'c:80']));
  attempt(3, 1, 1);
  assert.deepEqual(told(), [['c:80', 0, 0]], 'another address in that slot begins with nothing');
});
