/** The bytes that say how requests stand. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { CELLS_MAX } from '#src/model/tallies.ts';
import {
  CURB,
  createStandings,
  isCurbedAt,
  STANDING_CANARY,
  STANDINGS,
  standingAt,
} from '#src/model/threads/load/standing.ts';

it('hold a standing and a curb apart, and are alike and uncurbed at first', () => {
  const standings = createStandings();
  assert.equal(standings.length, CELLS_MAX);
  assert.deepEqual([standingAt(standings, 7), isCurbedAt(standings, 7)], [0, false]);
  for (let standing = 0; standing < STANDINGS; standing++) {
    for (const curb of [0, CURB]) {
      standings[7] = standing | curb;
      assert.deepEqual([standingAt(standings, 7), isCurbedAt(standings, 7)], [standing, curb !== 0]);
    }
  }
  assert.equal(STANDING_CANARY, STANDINGS - 1, 'nobody stands after a canary');
});
