/** One sick endpoint of several is found by its share of the excess; a sick version, noise and the distant past are not. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ENDPOINT, ENDPOINT_WORDS } from '#src/model/tallies.ts';
import { SickEndpoint } from '#src/slo/verdict/sick-endpoint.ts';
import { FakeWorker } from '../../../support/simulate/worker.ts';

function setup(endpoints = [1, 2, 3]) {
  const worker = new FakeWorker(1);
  const regions = [worker.region];
  const attempt = (endpoint: number, finished: number, bad: number): void => {
    const words = worker.region.tallies.endpoints;
    const base = endpoint * ENDPOINT_WORDS;
    words[base + ENDPOINT.finished] = (words[base + ENDPOINT.finished] as number) + finished;
    words[base + ENDPOINT.bad] = (words[base + ENDPOINT.bad] as number) + bad;
  };
  attempt(1, 500, 500);
  return { attempt, regions, sick: new SickEndpoint(endpoints, regions, 0) };
}

describe('one endpoint that fails', () => {
  it('is found when the others do not', () => {
    const { attempt, regions, sick } = setup();
    attempt(2, 4, 4);
    attempt(1, 3, 0);
    attempt(3, 3, 0);
    assert.equal(sick.find(regions, 0.001), 2);
  });

  it('is found beside the usual failures of the others', () => {
    const { attempt, regions, sick } = setup();
    attempt(1, 1000, 11);
    attempt(2, 1000, 300);
    attempt(3, 1000, 12);
    assert.equal(sick.find(regions, 0.01), 2);
  });

  it('is not blamed before the others had the chance to fail', () => {
    const { attempt, regions, sick } = setup();
    attempt(2, 4, 4);
    attempt(1, 1, 0);
    assert.equal(sick.find(regions, 0.001), null);
  });

  it('is not told from its version when there are only two', () => {
    const { attempt, regions, sick } = setup([1, 2]);
    attempt(2, 40, 40);
    attempt(1, 40, 0);
    assert.equal(sick.find(regions, 0.001), null);
  });
});

describe('a version that fails', () => {
  it('has no endpoint to blame', () => {
    const { attempt, regions, sick } = setup();
    for (const endpoint of [1, 2, 3]) attempt(endpoint, 10, 5);
    assert.equal(sick.find(regions, 0.001), null);
  });

  it('nor has one that does not', () => {
    const { attempt, regions, sick } = setup();
    for (const endpoint of [1, 2, 3]) attempt(endpoint, 1000, 1);
    assert.equal(sick.find(regions, 0.001), null);
  });
});

describe('what failed long ago', () => {
  it('hides nothing', () => {
    const { attempt, regions, sick } = setup();
    for (const endpoint of [1, 3]) attempt(endpoint, 1000, 200);
    for (const atMs of [30_000, 60_000, 90_000]) sick.turn(regions, atMs);
    attempt(2, 5, 5);
    attempt(1, 5, 0);
    attempt(3, 5, 0);
    assert.equal(sick.find(regions, 0), 2);
  });
});
