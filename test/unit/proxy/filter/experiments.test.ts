/** Who is in an experiment and in which group: exact shares, nobody who moves, and no two draws that know of each other. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { hash32 } from '#src/lib/hash.ts';
import { Random } from '#src/lib/random.ts';
import type { ExperimentConfig } from '#src/model/threads/requests/experiments.ts';
import { decide } from '#src/proxy/decide/decide.ts';
import { chooseSplit } from '#src/proxy/decide/splitter.ts';
import type { LinkedSplit } from '#src/proxy/decide/table.ts';
import { drawGroup, groupsTold, type LinkedExperiment, linkExperiments } from '#src/proxy/filter/experiments.ts';
import { PeerLines } from '#src/proxy/header/forwarded.ts';
import { freshLines } from '#src/proxy/header/fresh.ts';
import { NameTable } from '#src/proxy/http1/fields/names.ts';
import { bytesPerCall, COUNTED } from '../../../support/proxy/allocation.ts';
import { bench, exchangeOn, get, peerOf, readHead, requestText, TWO_VERSIONS } from '../../../support/proxy/parts.ts';

const SEED = 20_261_122;
const KEYS = userKeys(100_000);
const NAMES = new NameTable(['x-experiment-checkout', 'x-experiment-search']);
const THIRDS: readonly (readonly [string, number])[] = [
  ['a', 1],
  ['b', 1],
  ['c', 1],
];

function userKeys(count: number): Int32Array {
  const random = new Random(SEED);
  return Int32Array.from({ length: count }, () => random.nextUint32() | 0);
}

function experimentOf(
  id: string,
  groups = THIRDS,
  change: Partial<Pick<ExperimentConfig, 'ratio' | 'key'>> = {},
): ExperimentConfig {
  const named = groups.map(([name, weight]) => ({ name, weight }));
  return { id, header: `x-experiment-${id}`, ratio: 1, groups: named, key: null, ...change };
}

function linked(id: string, groups = THIRDS, ratio = 1): LinkedExperiment {
  const [experiment] = linkExperiments([experimentOf(id, groups, { ratio })], NAMES) ?? [];
  return experiment as LinkedExperiment;
}

/** Of independent draws a count lies within 4.5 standard deviations but for seven in a million. */
function assertShare(count: number, share: number, what: string): void {
  const expected = KEYS.length * share;
  const deviation = Math.sqrt(expected * (1 - share));
  assert.ok(Math.abs(count - expected) <= 4.5 * deviation, `${what}: ${count} of ${expected}`);
}

/** Pearson's statistic of a table of counts of two choices of each key, against their being independent. */
function chiSquare(one: (key: number) => string, other: (key: number) => string): number {
  const counts = new Map<string, number>();
  const add = (cell: string): unknown => counts.set(cell, (counts.get(cell) ?? 0) + 1);
  for (const key of KEYS) {
    const [row, column] = [one(key), other(key)];
    for (const cell of [`${row}|${column}`, `${row}|`, `|${column}`]) add(cell);
  }
  let sum = 0;
  for (const [cell, count] of counts) {
    const [row, column] = cell.split('|');
    if (row === '' || column === '') continue;
    const expected = ((counts.get(`${row}|`) as number) * (counts.get(`|${column}`) as number)) / KEYS.length;
    sum += (count - expected) ** 2 / expected;
  }
  return sum;
}

const groupIn = (experiment: LinkedExperiment) => (key: number) => drawGroup(experiment, key) ?? 'outside';

describe(`over 100,000 users (seed ${SEED})`, () => {
  for (const weights of [
    [50, 50],
    [1, 99],
    [0, 3, 1],
    [1, 2, 3, 4, 0],
  ]) {
    it(`each group of ${weights.join('/')} gets its share, and nobody is outside`, () => {
      const groups = weights.map((weight, n) => [`g${n}`, weight] as const);
      const group = groupIn(linked('checkout', groups));
      const counts = new Map<string, number>();
      for (const key of KEYS) counts.set(group(key), (counts.get(group(key)) ?? 0) + 1);
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      assert.equal(counts.has('outside'), false);
      for (const [name, weight] of groups) {
        if (weight === 0) assert.equal(counts.has(name), false);
        else assertShare(counts.get(name) ?? 0, weight / total, name);
      }
    });
  }

  it('a larger share only adds users, in all groups alike, and nobody changes the group', () => {
    let before = new Array<string | null>(KEYS.length).fill(null);
    for (const ratio of [0, 0.001, 0.1, 0.5, 1]) {
      const experiment = linked('checkout', THIRDS, ratio);
      const now = Array.from(KEYS, (key) => drawGroup(experiment, key));
      before.forEach((group, n) => group === null || assert.equal(now[n], group));
      for (const [name] of THIRDS)
        assertShare(now.filter((group) => group === name).length, ratio / 3, `${name} ${ratio}`);
      before = now;
    }
  });

  it('two experiments, and an experiment and the version, tell nothing of each other', () => {
    const half = { ...linked('search', THIRDS, 0.5) };
    // Four degrees of freedom: above 28.5 once in 100,000.
    const pairs = chiSquare(groupIn(linked('checkout')), groupIn(linked('search')));
    assert.ok(pairs < 28.5, String(pairs));
    // Six: above 33.1.
    const withOutside = chiSquare(groupIn(linked('checkout')), groupIn(half));
    assert.ok(withOutside < 33.1, String(withOutside));
    const dials = Int32Array.of(1, 1);
    const splits = ['shop/v1', 'shop/v2'].map((name, dial) => ({ dial, seed: hash32(name) }) as LinkedSplit);
    const versions = chiSquare(groupIn(linked('checkout')), (key) => `v${chooseSplit(splits, dials, key)?.dial}`);
    // Two: above 23.
    assert.ok(versions < 23, String(versions));
    assert.ok(chiSquare(groupIn(linked('checkout')), groupIn(linked('checkout'))) > 100_000, 'the same one does');
  });
});

it('groups are the same for ever', () => {
  const experiment = linked('checkout', THIRDS, 0.5);
  const groups = Array.from({ length: 16 }, (_, n) => drawGroup(experiment, hash32(`user-${n}`) | 0) ?? '-');
  assert.equal(groups.join(''), '-ba-a--c-c-b-b-b');
});

it('drawing allocates nothing but the numbers of its arithmetic', COUNTED, () => {
  const experiment = linked('checkout');
  let n = 0;
  const bytes = bytesPerCall(() => void drawGroup(experiment, KEYS[n++ % KEYS.length] as number));
  assert.equal(bytes, 0, `${bytes} B`);
});

const HEADER = 'X-Experiment-Checkout';

/** The lines about experiments in the head that goes upstream. */
function told(experiments: readonly ExperimentConfig[], lines: string, sticky = true): string[] {
  const key = sticky ? { header: 'x-user-id', cookie: null, clientIp: false } : null;
  const on = bench({ routes: [{ ...TWO_VERSIONS, sticky: key, filters: { experiments } }] });
  const head = readHead(on.table, get('/', lines));
  const x = exchangeOn(on);
  x.take(head);
  assert.equal(decide(x, head, peerOf(), new Random(1)), 0);
  const text = requestText(x, head, new PeerLines(peerOf()), freshLines('0'.repeat(48)));
  return text.match(/^x.experiment.*(?=\r$)/gim) ?? [];
}

it('is told by a head for an upstream, whatever its name is made of', () => {
  const named = ['one+1', 'two'].map((id) => ({ ...experimentOf(id), header: `x-${id}` }));
  const experiments = linkExperiments(named, new NameTable(named.map(({ header }) => header)));
  assert.ok(experiments !== null);
  const told = (lines: string) => groupsTold(experiments, `GET /x-two:b HTTP/1.1\r\n${lines}\r\n`);
  assert.deepEqual(told('X-One+1: a\r\nx-two:b\r\n'), [
    ['one+1', 'a'],
    ['two', 'b'],
  ]);
  assert.deepEqual(told('x-one11: a\r\nx-two: b\r\n'), [['two', 'b']]);
  assert.deepEqual(told('host: shop\r\n'), []);
});

describe('a request', () => {
  const [all, none] = [
    experimentOf('checkout', [
      ['blue', 1],
      ['red', 0],
    ]),
    experimentOf('checkout', THIRDS, { ratio: 0 }),
  ];
  const forged = `${HEADER}: forged\r\nx_experiment_checkout: too\r\n${HEADER}: again\r\n`;

  it('tells the group of its user, and no other, whatever its sender says', () => {
    assert.deepEqual(told([all], `X-User-Id: 1\r\n${forged}`), ['x-experiment-checkout: blue']);
    assert.deepEqual(told([all], 'X-User-Id: 1\r\n'), ['x-experiment-checkout: blue']);
    const search = experimentOf('search', [
      ['old', 0],
      ['new', 1],
    ]);
    assert.deepEqual(told([all, search], 'X-User-Id: 1\r\n').length, 2);
  });

  it('of a user outside of the experiment, or without a user key, tells nothing', () => {
    assert.deepEqual(told([none], `X-User-Id: 1\r\n${forged}`), []);
    assert.deepEqual(told([all], forged), []);
    assert.deepEqual(told([all], forged, false), []);
  });

  it('is drawn by the key of the experiment where it has one', () => {
    const own = { ...all, key: { header: null, cookie: 'uid', clientIp: false } };
    assert.deepEqual(told([own], 'X-User-Id: 1\r\n'), []);
    assert.deepEqual(told([own], 'Cookie: uid=1\r\n', false), ['x-experiment-checkout: blue']);
    const header = { ...all, key: { header: 'x-own-key', cookie: null, clientIp: false } };
    assert.deepEqual(told([header], 'X-User-Id: 1\r\n'), []);
    assert.deepEqual(told([header], 'X-Own-Key: 1\r\n', false), ['x-experiment-checkout: blue']);
  });

  it('that a color pins is in its group all the same', () => {
    const on = bench({
      routes: [
        {
          ...TWO_VERSIONS,
          sticky: { header: 'x-user-id', cookie: null, clientIp: false },
          filters: { experiments: [all] },
        },
      ],
    });
    const head = readHead(on.table, get('/', 'X-User-Id: 1\r\nX-Release-Stage: blue\r\n'));
    const x = exchangeOn(on);
    decide(x, head, peerOf(true), new Random(1));
    const [experiment] = x.route?.filters?.experiments ?? [];
    assert.deepEqual([x.isPinned, head.fields.value(experiment?.field ?? 0)], [true, 'blue']);
  });
});
