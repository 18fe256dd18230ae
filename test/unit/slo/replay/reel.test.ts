import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Decision } from '#src/model/slo.ts';
import { DECISIONS_MAX } from '#src/slo/decisions.ts';
import { REEL_BYTES_MAX, REELS_BYTES_MAX, Reels } from '#src/slo/replay/reel.ts';
import { sampleDecision } from '../../../support/readings/status.ts';

const PART = REEL_BYTES_MAX / 4;

function segment(route: string, watch: string, number: number) {
  return { watch, route, number, at: '', previous: '', hash: '', bytes: new Uint8Array(PART) };
}

/** A decision of route `a` that rests on a tape up to a segment. */
function decidedOn(watch: string, number: number): Decision {
  const decision = sampleDecision({ route: 'a' });
  const evidence = { watch, segment: number, hash: '' };
  return { ...decision, certificate: { ...decision.certificate, evidence } };
}

test('tapes in memory are bounded per route: older tapes go first, then the beginning of the present one', () => {
  const reels = new Reels();
  reels.keep(segment('a', 'old', 1));
  for (let n = 1; n <= 4; n++) reels.keep(segment('a', 'new', n));
  assert.deepEqual(
    reels.segments.map(({ watch, number }) => [watch, number]),
    [1, 2, 3, 4].map((n) => ['new', n]),
  );
  assert.deepEqual(reels.missing([]), []);
  reels.keep(segment('a', 'new', 5));
  assert.deepEqual(reels.missing([]), [{ watch: 'new', route: 'a', segments: 1 }]);
  assert.deepEqual(reels.missing([decidedOn('old', 1), decidedOn('new', 4), decidedOn('before', 7)]), [
    { watch: 'old', route: 'a', segments: 1 },
    { watch: 'new', route: 'a', segments: 1 },
    { watch: 'before', route: 'a', segments: 7 },
  ]);
});

test('and over all routes', () => {
  const reels = new Reels();
  const routes = REELS_BYTES_MAX / PART / 2;
  for (let n = 0; n < routes; n++) for (let k = 1; k <= 3; k++) reels.keep(segment(`r${n}`, `w${n}`, k));
  const bytes = reels.segments.reduce((sum, one) => sum + one.bytes.length, 0);
  assert.ok(bytes <= REELS_BYTES_MAX && bytes > REELS_BYTES_MAX - REEL_BYTES_MAX);
});

test('what a decision rests on goes when the decision is not kept any more', () => {
  const reels = new Reels();
  for (let n = 1; n <= 3; n++) reels.keep(segment('a', 'one', n));
  reels.keep(segment('a', 'two', 1));
  reels.decided(decidedOn('one', 2));
  for (let n = 1; n < DECISIONS_MAX; n++) reels.decided(decidedOn('two', 1));
  assert.equal(reels.segments.length, 4);
  reels.decided(decidedOn('two', 1));
  assert.deepEqual(
    reels.segments.map(({ watch, number }) => [watch, number]),
    [
      ['one', 3],
      ['two', 1],
    ],
  );
  assert.deepEqual(reels.missing([]), [{ watch: 'one', route: 'a', segments: 2 }]);
});
