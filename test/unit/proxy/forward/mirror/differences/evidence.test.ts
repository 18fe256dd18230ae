/** Which differences are real: those of the candidate alone, beyond chance. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Difference, Differences } from '#src/proxy/forward/mirror/differences/compare.ts';
import { ALPHA, DifferenceEvidence, logEOf, PLACES_MAX } from '#src/proxy/forward/mirror/differences/evidence.ts';

function at(...paths: string[]): Differences {
  const differences = paths.map((path): Difference => ({ kind: 'type', path, from: 'number', to: 'string' }));
  return new Map(differences.map((difference) => [`type ${difference.path}`, difference]));
}

const NONE = at();

describe('the e-value', () => {
  test('is fair: its mean over one more difference is what it is', () => {
    for (const [a, b] of [
      [0, 0],
      [3, 0],
      [5, 4],
      [40, 38],
    ] as const) {
      const mean = (Math.exp(logEOf(a + 1, b)) + Math.exp(logEOf(a, b + 1))) / 2;
      assert.ok(Math.abs(mean / Math.exp(logEOf(a, b)) - 1) < 1e-9, `${a} ${b}`);
    }
  });

  test('stays finite, whatever the counts are', () => {
    assert.ok(Number.isFinite(logEOf(1e6, 0)) && logEOf(1e6, 0) > 600_000);
    assert.ok(logEOf(0, 1e6) < -1e5);
  });
});

describe('a place', () => {
  test('that always differs on the candidate alone is real after ten requests, and told once', () => {
    const evidence = new DifferenceEvidence();
    const told = Array.from({ length: 30 }, () => evidence.add(NONE, at('$.price')).length);
    assert.deepEqual(told.indexOf(1), 9);
    assert.equal(
      told.reduce((sum, count) => sum + count, 0),
      1,
    );
    const [place] = evidence.places();
    assert.deepEqual(place, {
      ...{ kind: 'type', path: '$.price', from: 'number', to: 'string', isReal: true },
      ...{ compared: 30, candidate: 30, second: 0 },
    });
    assert.deepEqual(evidence.differed, { status: 0, header: 0, type: 21, value: 0, body: 0 });
  });

  test('that differs between any two answers never has evidence', () => {
    const evidence = new DifferenceEvidence();
    for (let n = 0; n < 10_000; n++) assert.deepEqual(evidence.add(at('$.id'), at('$.id')), []);
    assert.deepEqual(
      evidence.places().map(({ candidate, second, isReal }) => [candidate, second, isReal]),
      [[10_000, 10_000, false]],
    );
  });

  test('that varies is real once the candidate differs more often', () => {
    const evidence = new DifferenceEvidence();
    for (let n = 0; n < 100; n++) evidence.add(n % 10 === 0 ? at('$.a') : NONE, n % 10 === 1 ? at('$.a') : NONE);
    assert.equal(evidence.places()[0]?.isReal, false);
    for (let n = 0; n < 100; n++) evidence.add(n % 10 === 0 ? at('$.a') : NONE, at('$.a'));
    const [place] = evidence.places();
    assert.deepEqual([place?.candidate, place?.second, place?.isReal], [110, 20, true]);
  });

  test('needs more than another before it', () => {
    const evidence = new DifferenceEvidence();
    const many = Array.from({ length: 100 }, (_, n) => `$.a${n}`);
    const told = Array.from({ length: 22 }, () => evidence.add(NONE, at(...many)).length);
    assert.equal(
      told.reduce((sum, count) => sum + count, 0),
      100,
    );
    assert.deepEqual([told.findIndex((count) => count > 0) + 1, told.at(-1)], [10, 26]);
    assert.ok(ALPHA < 0.05);
  });

  test('is first in order if it is real', () => {
    const evidence = new DifferenceEvidence();
    for (let n = 0; n < 20; n++) evidence.add(at('$.id'), at('$.id'));
    for (let n = 0; n < 12; n++) evidence.add(at('$.id'), at('$.id', '$.price'));
    assert.deepEqual(
      evidence.places().map(({ path, candidate }) => [path, candidate]),
      [
        ['$.price', 12],
        ['$.id', 32],
      ],
    );
  });
});

describe('places', () => {
  test('without evidence give way to others, that with evidence stays', () => {
    const evidence = new DifferenceEvidence();
    for (let n = 0; n < 20; n++) evidence.add(NONE, at('$.price'));
    for (let n = 0; n < 3 * PLACES_MAX; n++) evidence.add(at(`$.id${n}`), at(`$.id${n}`));
    const places = evidence.places();
    assert.ok(places.length <= PLACES_MAX);
    assert.deepEqual([places[0]?.path, places[0]?.candidate, places[0]?.compared], ['$.price', 20, 788]);
    assert.ok(places.some(({ path }) => path === `$.id${3 * PLACES_MAX - 1}`));
    // What comes back may have been there before: counted anew.
    evidence.add(at('$.id0'), at('$.id0'));
    assert.equal(evidence.places().find(({ path }) => path === '$.id0')?.compared, 1);
  });

  test('beyond those that are kept are one, whose differences cancel out as any', () => {
    const evidence = new DifferenceEvidence();
    const real = Array.from({ length: PLACES_MAX - 1 }, (_, n) => `$.a${n}`);
    for (let n = 0; n < 30; n++) evidence.add(NONE, at(...real));
    for (let n = 0; n < 50; n++) evidence.add(at(`$.b${n}`), at(`$.c${n}`));
    const places = evidence.places();
    assert.equal(places.length, PLACES_MAX);
    assert.deepEqual(
      places.filter(({ path }) => path === '…').map((place) => [place.candidate, place.second, place.isReal]),
      [[50, 50, false]],
    );
  });
});
