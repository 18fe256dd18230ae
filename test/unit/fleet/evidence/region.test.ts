/** The words that evidence rests on. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EVIDENCE_WORDS, TRIAL_WORDS } from '#src/fleet/evidence/region.ts';
import { CELL, CELL_WORDS } from '#src/model/tallies.ts';

test('are each named once, within a cell, and bad ones before finished ones', () => {
  assert.equal(new Set(EVIDENCE_WORDS).size, EVIDENCE_WORDS.length);
  assert.ok(EVIDENCE_WORDS.every((word) => word > 0 && word < CELL_WORDS));
  assert.ok(EVIDENCE_WORDS.indexOf(CELL.bad) < EVIDENCE_WORDS.indexOf(CELL.finished));
  assert.ok(EVIDENCE_WORDS.indexOf(CELL.pinnedBad) < EVIDENCE_WORDS.indexOf(CELL.pinned));
  assert.equal(TRIAL_WORDS.size, 13);
});

test('have the numbers that gateways of earlier releases tell and read', () => {
  const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, n) => from + n);
  const [counts, thresholds, levels, histogram] = [[769, 6, 5, 2, 1], range(813, 818), range(760, 766), range(80, 751)];
  assert.deepEqual(EVIDENCE_WORDS, [...counts, ...thresholds, ...levels, ...histogram]);
});
