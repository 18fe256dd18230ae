import assert from 'node:assert/strict';
import { test } from 'node:test';
import { REEL_BYTES_MAX, REELS_BYTES_MAX, Reels } from '#src/slo/replay/reel.ts';

const PART = REEL_BYTES_MAX / 4;

function segment(route: string, watch: string, number: number) {
  return { watch, route, number, at: '', previous: '', hash: '', bytes: new Uint8Array(PART) };
}

test('tapes in memory are bounded per route: older tapes go first, then the beginning of the present one', () => {
  const reels = new Reels();
  reels.keep(segment('a', 'old', 1));
  for (let n = 1; n <= 4; n++) reels.keep(segment('a', 'new', n));
  assert.deepEqual(
    reels.segments.map(({ watch, number }) => [watch, number]),
    [1, 2, 3, 4].map((n) => ['new', n]),
  );
  assert.deepEqual(reels.letGo, []);
  reels.keep(segment('a', 'new', 5));
  assert.deepEqual(reels.letGo, [{ watch: 'new', route: 'a', segments: 1 }]);
});

test('and over all routes', () => {
  const reels = new Reels();
  const routes = REELS_BYTES_MAX / PART / 2;
  for (let n = 0; n < routes; n++) for (let k = 1; k <= 3; k++) reels.keep(segment(`r${n}`, `w${n}`, k));
  const bytes = reels.segments.reduce((sum, one) => sum + one.bytes.length, 0);
  assert.ok(bytes <= REELS_BYTES_MAX && bytes > REELS_BYTES_MAX - REEL_BYTES_MAX);
});
