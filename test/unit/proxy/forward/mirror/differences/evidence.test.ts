/** Which differences are real: those of the candidate alone, beyond chance. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Difference, Differences } from '#src/proxy/forward/mirror/differences/compare.ts';
import {
  ALPHA,
  BEGUN_MAX,
  DifferenceEvidence,
  logEOf,
  PLACES_MAX,
} from '#src/proxy/forward/mirror/differences/evidence.ts';

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

  test('where the version differs from itself in over one answer of a hundred is noise', () => {
    const evidence = new DifferenceEvidence();
    for (let n = 0; n < 1000; n++) {
      assert.deepEqual(evidence.add(n % 50 === 1 ? at('$.a') : NONE, at('$.a')), [], `request ${n}`);
    }
    const [place] = evidence.places();
    assert.deepEqual([place?.candidate, place?.second, place?.isReal], [1000, 20, false]);
  });

  test('where it does more seldom is real once the candidate differs more often', () => {
    const evidence = new DifferenceEvidence();
    for (let n = 0; n < 1000; n++) evidence.add(n % 200 === 1 ? at('$.a') : NONE, n % 200 === 3 ? at('$.a') : NONE);
    assert.equal(evidence.places()[0]?.isReal, false);
    for (let n = 0; n < 100; n++) evidence.add(NONE, at('$.a'));
    const [place] = evidence.places();
    assert.deepEqual([place?.candidate, place?.second, place?.isReal], [105, 5, true]);
  });

  test('that turns out to be noise is taken back, and not told again when it is rare enough', () => {
    const evidence = new DifferenceEvidence();
    const isReal = (): boolean | undefined => evidence.places()[0]?.isReal;
    let told = 0;
    for (let n = 0; n < 20; n++) told += evidence.add(NONE, at('$.a')).length;
    assert.deepEqual([told, isReal()], [1, true]);
    evidence.add(at('$.a'), at('$.a'));
    assert.equal(isReal(), false);
    for (let n = 0; n < 100; n++) told += evidence.add(NONE, at('$.a')).length;
    assert.deepEqual([told, isReal()], [1, true]);
  });

  test('needs more than another before it', () => {
    const evidence = new DifferenceEvidence();
    const many = Array.from({ length: 100 }, (_, n) => `$.a${n}`);
    const told = Array.from({ length: 23 }, () => evidence.add(NONE, at(...many)).length);
    assert.equal(
      told.reduce((sum, count) => sum + count, 0),
      100,
    );
    assert.deepEqual([told.findIndex((count) => count > 0) + 1, (told.at(-1) ?? 0) > 0], [10, true]);
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

  test('that differed once on one side alone give way as well', () => {
    const evidence = new DifferenceEvidence();
    for (let n = 0; n < 2 * PLACES_MAX; n++) evidence.add(at(`$.second${n}`), at(`$.candidate${n}`));
    const told = Array.from({ length: 60 }, (_, n) => evidence.add(at(`$.b${n}`), at(`$.c${n}`, '$.price')).length);
    assert.equal(
      told.reduce((sum, count) => sum + count, 0),
      1,
    );
    assert.equal(evidence.places()[0]?.path, '$.price');
  });

  test('of one request cost no more than there are places, however many are new', (t) => {
    const evidence = new DifferenceEvidence();
    for (let n = 0; n < 2 * PLACES_MAX; n++) evidence.add(NONE, at(`$.a${n}`));
    const log1p = t.mock.method(Math, 'log1p');
    evidence.add(NONE, at(...Array.from({ length: 1990 }, (_, n) => `$.b${n}`)));
    assert.ok(log1p.mock.callCount() <= 8 * PLACES_MAX, `${log1p.mock.callCount()} logarithms`);
    const places = evidence.places();
    const begun = places.filter(({ path }) => path.startsWith('$.b'));
    assert.equal(begun.length, BEGUN_MAX);
    assert.deepEqual([places.length, places.find(({ path }) => path === '…')?.candidate], [PLACES_MAX, 1]);
    assert.ok(begun.every(({ candidate }) => candidate === 1));
  });

  test('that differ in a request do not give way to others of it', () => {
    const evidence = new DifferenceEvidence();
    const kept = Array.from({ length: PLACES_MAX - 1 }, (_, n) => `$.z${n}`);
    for (let n = 0; n < 4; n++) evidence.add(at(...kept), at(...kept));
    for (let n = 0; n < 5; n++) evidence.add(at(...kept), at(...kept, `$.a${n}`));
    const places = evidence.places().filter(({ path, candidate }) => path.startsWith('$.z') && candidate >= 6);
    assert.equal(places.length, kept.length);
  });

  test('beyond those that are kept are counted as one, and never real', () => {
    const evidence = new DifferenceEvidence();
    const real = Array.from({ length: PLACES_MAX - 1 }, (_, n) => `$.a${n}`);
    for (let n = 0; n < 40; n++) evidence.add(NONE, at(...real));
    for (let n = 0; n < 50; n++) evidence.add(NONE, at(...real, `$.c${n}`));
    const places = evidence.places();
    assert.equal(places.length, PLACES_MAX);
    const others = places.find(({ path }) => path === '…');
    assert.deepEqual([others?.second, others?.isReal, (others?.candidate ?? 0) >= 50], [0, false, true]);
  });
});
