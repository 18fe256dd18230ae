/** One sick endpoint of several is found by its share of the excess; a sick version, noise and the distant past are not. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ENDPOINT, ENDPOINT_WORDS } from '#src/model/tallies.ts';
import { AttemptWindow, SickEndpoint } from '#src/slo/verdict/sick-endpoint.ts';
import { FakeWorker } from '../../../support/simulate/worker.ts';

function setup(endpoints = [1, 2, 3]) {
  const sick = new SickEndpoint(endpoints, 0);
  const empty = () => endpoints.map(() => ({ finished: 0, bad: 0 }));
  let news = empty();
  const attempt = (endpoint: number, finished: number, bad: number): void => {
    const counts = news[endpoints.indexOf(endpoint)] as { finished: number; bad: number };
    counts.finished += finished;
    counts.bad += bad;
  };
  const take = (nowMs: number): void => {
    sick.take(news, nowMs);
    news = empty();
  };
  const find = (ratio: number): number | null => {
    take(1);
    return sick.find(ratio);
  };
  return { attempt, take, find, sick };
}

describe('one endpoint that fails', () => {
  it('is found when the others do not', () => {
    const { attempt, find } = setup();
    attempt(2, 4, 4);
    attempt(1, 3, 0);
    attempt(3, 3, 0);
    assert.equal(find(0.001), 2);
  });

  it('is found beside the usual failures of the others', () => {
    const { attempt, find } = setup();
    attempt(1, 1000, 11);
    attempt(2, 1000, 300);
    attempt(3, 1000, 12);
    assert.equal(find(0.01), 2);
  });

  it('is not blamed before the others had the chance to fail', () => {
    const { attempt, find } = setup();
    attempt(2, 4, 4);
    attempt(1, 1, 0);
    assert.equal(find(0.001), null);
  });

  it('is not told from its version when there are only two', () => {
    const { attempt, find } = setup([1, 2]);
    attempt(2, 40, 40);
    attempt(1, 40, 0);
    assert.equal(find(0.001), null);
  });
});

describe('a version that fails', () => {
  it('has no endpoint to blame', () => {
    const { attempt, find } = setup();
    for (const endpoint of [1, 2, 3]) attempt(endpoint, 10, 5);
    assert.equal(find(0.001), null);
  });

  it('nor has one that does not', () => {
    const { attempt, find } = setup();
    for (const endpoint of [1, 2, 3]) attempt(endpoint, 1000, 1);
    assert.equal(find(0.001), null);
  });
});

describe('what failed long ago', () => {
  it('hides nothing', () => {
    const { attempt, take, find, sick } = setup();
    for (const endpoint of [1, 3]) attempt(endpoint, 1000, 200);
    for (const atMs of [30_000, 60_000, 90_000]) {
      assert.equal(sick.isDue(atMs - 1), false);
      assert.equal(sick.isDue(atMs), true);
      take(atMs);
    }
    attempt(2, 5, 5);
    attempt(1, 5, 0);
    attempt(3, 5, 0);
    assert.equal(find(0), 2);
  });
});

describe('a reading of attempts', () => {
  it('has what came since the last one, over all workers', () => {
    const workers = [new FakeWorker(1), new FakeWorker(2)];
    const regions = workers.map(({ region }) => region);
    const attempt = (worker: number, finished: number, bad: number): void => {
      const words = (workers[worker] as FakeWorker).region.tallies.endpoints;
      const base = 2 * ENDPOINT_WORDS;
      words[base + ENDPOINT.finished] = (words[base + ENDPOINT.finished] as number) + finished;
      words[base + ENDPOINT.bad] = (words[base + ENDPOINT.bad] as number) + bad;
    };
    attempt(0, 500, 500);
    const attempts = new AttemptWindow([1, 2], regions);
    attempt(0, 5, 1);
    attempt(1, 3, 2);
    assert.deepEqual(attempts.read(regions), [
      { finished: 0, bad: 0 },
      { finished: 8, bad: 3 },
    ]);
    assert.deepEqual(attempts.read(regions)[1], { finished: 0, bad: 0 });
  });
});
