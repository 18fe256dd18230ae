/** Rows of failures of one endpoint, over ticks and workers. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Sample } from '#src/health/samples.ts';
import { Standing } from '#src/health/standing.ts';
import { Track } from '#src/health/track.ts';
import { PROBE_RESULT } from '#src/model/threads/load/capacity.ts';
import { OUTLIER } from '../../support/simulate/health.ts';

const PLAN = { id: 1, host: '::1', port: 80, slowStartMs: 0, checks: [] };

function trackOf(): Track {
  return new Track(PLAN, new Standing(0, null));
}

function sample(good: number, bad: number, inRow = bad): Sample {
  return { good, bad, inRow, answered: 0, waitedMs: 0 };
}

it('failures that many workers saw, one each, are a row', () => {
  const track = trackOf();
  for (let n = 1; n <= 5; n++) {
    track.take(sample(0, 1, 1));
    assert.equal(track.inRow, n);
  }
});

it('a success in between ends it, and so does a tick of successes', () => {
  const track = trackOf();
  track.take(sample(0, 4));
  track.take(sample(1, 1, 1));
  assert.equal(track.inRow, 1);
  track.take(sample(5, 0));
  assert.equal(track.inRow, 0);
});

it('a row within one worker counts although another one succeeds', () => {
  const track = trackOf();
  track.take(sample(10, 6, 6));
  assert.equal(track.inRow, 6);
});

it('what failed before it came back does not count again', () => {
  const track = trackOf();
  track.take(sample(0, 5));
  track.standing.eject('row', OUTLIER, 0);
  track.take(sample(0, 3, 8));
  track.standing.turn({ ...OUTLIER, probes: 1 }, 10_000);
  track.standing.trial?.offered(1);
  track.standing.trial?.take(1, PROBE_RESULT.good, 10_000);
  assert.equal(track.standing.turn({ ...OUTLIER, probes: 1 }, 10_000), true);
  track.restart();
  assert.equal(track.inRow, 0);
  track.take(sample(0, 1, 9));
  assert.equal(track.inRow, 1, 'the worker’s own row goes on, the track’s began anew');
});

it('its address is host and port, IPv6 in brackets', () => {
  assert.equal(trackOf().address, '[::1]:80');
});
