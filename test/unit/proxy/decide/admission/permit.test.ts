/** Permits as whole numbers. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  HELD,
  heldMs,
  heldSince,
  isHeld,
  NONE,
  SAMPLED,
  SHED,
  sampled,
  stateOf,
  WAITING,
} from '#src/proxy/decide/admission/permit.ts';
import { bytesPerCall, COUNTED } from '../../../../support/proxy/allocation.ts';

describe('a permit', () => {
  it('is held from its beginning on, also when its answer is there', () => {
    assert.ok(isHeld(heldSince(0)) && isHeld(heldSince(1e9)) && isHeld(SAMPLED));
    for (const now of [0, 5, 1e9, 1e12]) assert.ok(heldSince(now) < 2 ** 19 && stateOf(heldSince(now)) === HELD);
    for (const other of [NONE, WAITING, SHED]) assert.equal(isHeld(other), false);
  });

  it('knows how long, to 4 ms, whatever the clock says', () => {
    for (const now of [0, 1, 67_108_863.9, 67_108_864, 1e9, 1e12]) {
      for (const ms of [0, 0.5, 20, 60_000, 250_000]) {
        assert.ok(Math.abs(heldMs(heldSince(now), now + ms) - ms) <= 4, `${now} + ${ms}`);
      }
    }
  });

  it('that ends with the time of an event before it was not held at all', () => {
    for (const now of [100_000, 67_108_864, 1e9]) assert.equal(heldMs(heldSince(now), now - 50), 0);
  });

  it('knows how long also when its answer is there', () => {
    const permit = sampled(heldSince(1000));
    assert.ok(isHeld(permit) && stateOf(permit) === SAMPLED && permit < 2 ** 19);
    assert.ok(Math.abs(heldMs(permit, 1500) - 500) <= 4);
  });

  it('costs no memory', COUNTED, () => {
    let permit = 0;
    assert.equal(
      bytesPerCall(() => {
        permit = heldSince(123_456_789.25);
      }),
      0,
    );
    assert.ok(isHeld(permit));
  });
});
