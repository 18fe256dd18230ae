/** The layout of shared memory: nothing overlaps, everything fits, wrapped counters still give differences. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { PRIORITIES } from '#src/model/overload.ts';
import { EFFECTS, REASON_COUNT } from '#src/model/reason.ts';
import { ERROR_CLASSES } from '#src/model/sli.ts';
import {
  CELL,
  CELL_WORDS,
  deltaOf,
  EVENT,
  EVENT_WORDS,
  EVENTS_HEAD_WORDS,
  HISTOGRAM_BUCKETS,
  reserveTallies,
  SESSION_END,
  SESSION_ENDS,
  THRESHOLDS_MAX,
  UNIT_BAD,
  UNIT_BITMAP_WORDS,
  UNIT_COUNT,
  UNIT_NEWS,
  UNIT_NEWS_WORDS,
  UNIT_SECOND_WORDS,
  UNIT_SEEN,
  viewTallies,
} from '#src/model/tallies.ts';
import { FALLBACK_KINDS } from '#src/model/threads/answers/fallback.ts';
import { SIGNATURE_RESULTS, TOKEN_RESULTS } from '#src/model/threads/color.ts';
import { FAULT_KINDS } from '#src/model/threads/faults.ts';
import { HTTP2_WORDS } from '#src/model/threads/load/http2.ts';
import { PROXY_HEADER_RESULTS } from '#src/model/threads/proxied.ts';
import { HANDSHAKE_RESULTS } from '#src/model/threads/tls.ts';

it('no two words of a cell overlap', () => {
  const lengths = new Map<keyof typeof CELL, number>([
    ['secondsSum', 2],
    ['statusClass', 6],
    ['reasons', REASON_COUNT],
    ['thresholds', THRESHOLDS_MAX],
    ['sessionEnds', SESSION_ENDS.length],
    ['histogram', HISTOGRAM_BUCKETS],
    ['handshakes', HANDSHAKE_RESULTS.length],
    ['fallbacks', FALLBACK_KINDS.length],
    ['http2', HTTP2_WORDS],
    ['faults', FAULT_KINDS.length],
    ['proxyHeaders', PROXY_HEADER_RESULTS.length],
    ['tokens', TOKEN_RESULTS.length],
    ['signatures', SIGNATURE_RESULTS.length],
    ['errorClasses', ERROR_CLASSES.length],
    ['levels', THRESHOLDS_MAX + 1],
    ['rescues', EFFECTS.length],
    ['shed', PRIORITIES.length],
    ['waitMs', 2],
    ['queueMs', 2],
    ['connectMs', 2],
    ['tlsMs', 2],
    ['bodyMs', 2],
  ]);
  const taken = new Set<number>();
  for (const [name, start] of Object.entries(CELL)) {
    const length = lengths.get(name as keyof typeof CELL) ?? 1;
    for (let word = start; word < start + length; word++) {
      assert.equal(taken.has(word), false, `${name} overlaps at ${word}`);
      taken.add(word);
    }
  }
  assert.ok(Math.max(...taken) < CELL_WORDS);
});

it('doubles lie on even words, in every cell and every event', () => {
  assert.equal(CELL_WORDS % 2, 0);
  assert.equal(CELL.secondsSum % 2, 0);
  assert.equal((EVENTS_HEAD_WORDS + EVENT.atMs) % 2, 0);
  assert.equal(EVENT_WORDS % 2, 0);
});

it('what a second holds of users lies apart and inside it', () => {
  assert.ok(UNIT_SEEN + UNIT_BITMAP_WORDS <= UNIT_BAD);
  assert.ok(UNIT_BAD + UNIT_BITMAP_WORDS <= UNIT_COUNT);
  assert.ok(UNIT_COUNT < UNIT_NEWS);
  assert.ok(UNIT_NEWS + UNIT_NEWS_WORDS <= UNIT_SECOND_WORDS);
});

it('both views of the cells are the same memory', () => {
  const { cells, cellFloats } = viewTallies(reserveTallies());
  cellFloats[(3 * CELL_WORDS + CELL.secondsSum) / 2] = 1.5;
  assert.notEqual(cells[3 * CELL_WORDS + CELL.secondsSum + 1], 0);
});

it('a counter that wrapped still gives its increase', () => {
  assert.equal(deltaOf(5, 3), 2);
  assert.equal(deltaOf(-2_147_483_648, 2_147_483_647), 1);
  assert.equal(deltaOf(1, -1), 2);
});

it('every way a session ends has its number and its name', () => {
  const names = Object.keys(SESSION_END).map((key) => key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`));
  assert.deepEqual(names, SESSION_ENDS);
  assert.deepEqual(Object.values(SESSION_END), [...SESSION_ENDS.keys()]);
});
