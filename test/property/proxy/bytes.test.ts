/** Bytes in are bytes out: any sizes and chunkings, both framings, both directions, one after the other and at once. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { CELL } from '#src/model/tallies.ts';
import { assertQuiet, FIRST_CELL, ROUTE_CELL } from '../../support/proxy/running.ts';
import { coursesUpTo, mirrorOf } from '../../support/proxy/streams.ts';
import { IS_QUICK } from '../../support/runner/depth.ts';

const BYTES_MAX = 2 * 1_048_576;
/** More than the buffers of two sockets on loopback. */
const LONG_BYTES = (IS_QUICK ? 12 : 24) * 1_048_576;
const RUNS = IS_QUICK ? 12 : 40;

it('what goes in comes out, up and down', async (t) => {
  const { plane, port, assertPasses } = await mirrorOf(t);
  const course = coursesUpTo(BYTES_MAX);
  let asked = 0;
  await fc.assert(
    fc.asyncProperty(fc.record({ up: course, down: course, isTogether: fc.boolean() }), async (passage) => {
      asked++;
      await assertPasses(passage);
    }),
    { numRuns: RUNS, endOnFailure: true },
  );
  await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [port]);
  assert.equal(plane.count(FIRST_CELL, CELL.finished), asked);
});

describe('what goes in comes out when more is under way than the kernel holds', () => {
  // The other two pairs are the long run's.
  for (const [isChunked, isTogether] of [
    [true, false],
    [false, true],
  ] as const) {
    it(`${isChunked ? 'chunked' : 'of known length'}, ${isTogether ? 'both ways at once' : 'one way, then the other'}`, async (t) => {
      const { assertPasses } = await mirrorOf(t);
      const up = { at: 0, size: LONG_BYTES, pieces: [100_000], isChunked, isSlowWriter: false, isSlowReader: true };
      await assertPasses({ up, down: { ...up, at: 12_345 }, isTogether });
    });
  }
});
