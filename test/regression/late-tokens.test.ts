/**
 * A worker that stood still while a token was being verified gave the token up with its first turn, before it had heard that the token
 * was good, as timers run before answers are taken in: the request went on without its color, to another version.
 */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { CELL, CELL_WORDS, EVENTS_HEAD, GATEWAY_CELL } from '#src/model/tallies.ts';
import { TOKEN_RESULTS } from '#src/model/threads/color.ts';
import { WAIT_MS_MAX } from '#src/proxy/decide/color/tokens.ts';
import { tokenPlaneOf } from '../support/http/tokens.ts';
import { askedOn, clientOf, eventually, getOf, stoppedClock } from '../support/proxy/running.ts';

/** The thread does nothing, and hears nothing; others have all of that time. */
function standStill(forMs: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, forMs);
}

it('a token that is verified while its worker stands still counts', async (t) => {
  // No sweep of before is late: one behind a late one, or the first of all, is always in time.
  const pass = stoppedClock(t);
  const { plane, canary, tokenOf } = await tokenPlaneOf(t);
  const countOf = (result: (typeof TOKEN_RESULTS)[number]): number =>
    plane.tallies.cells[GATEWAY_CELL * CELL_WORDS + CELL.tokens + TOKEN_RESULTS.indexOf(result)] as number;
  const client = clientOf(t, plane);
  // The first one has the verifier loaded.
  await askedOn(client, getOf('/first', tokenOf(1)));
  await eventually(() => Atomics.load(plane.tallies.events, EVENTS_HEAD.beats) > 0, 'a turn');

  const answered = askedOn(client, getOf('/still', tokenOf(2)));
  // Between two turns of the loop the gateway reads it, and has it verified by another thread.
  for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve));
  standStill(10 * WAIT_MS_MAX);
  pass(10 * WAIT_MS_MAX);
  assert.equal(await answered, 200);
  assert.deepEqual([countOf('late'), countOf('verified')], [0, 2]);
  assert.ok(canary.received.join('').includes('GET /still '));
});
