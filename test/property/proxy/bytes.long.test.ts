/** Bytes in are bytes out up to 64 MiB, with slow readers and writers, both directions at once; told by hashes. */

import { it } from 'node:test';
import fc from 'fast-check';
import { assertQuiet, FIRST_CELL, ROUTE_CELL } from '../../support/proxy/running.ts';
import { coursesUpTo, mirrorOf } from '../../support/proxy/streams.ts';

const BYTES_MAX = 64 * 1_048_576;
const RUNS = 150;
/** Time box: on a slow machine fewer runs. */
const TIME_MS = 60_000;

it('what goes in comes out, up to 64 MiB each way', async (t) => {
  const { plane, port, assertPasses } = await mirrorOf(t);
  const course = coursesUpTo(BYTES_MAX);
  let bytes = 0;
  let runs = 0;
  await fc.assert(
    fc.asyncProperty(fc.record({ up: course, down: course, isTogether: fc.boolean() }), async (passage) => {
      await assertPasses(passage);
      bytes += passage.up.size + passage.down.size;
      runs++;
    }),
    { numRuns: RUNS, endOnFailure: true, plugins: [fc.interruptAfterTimeLimit(TIME_MS)] },
  );
  t.diagnostic(`${runs} exchanges, ${Math.round(bytes / 1_048_576)} MiB`);
  await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [port]);
});

it('exactly 64 MiB pass, both ways at once and one after the other, in either framing', async (t) => {
  const { assertPasses } = await mirrorOf(t);
  for (const [isChunked, isTogether] of [
    [true, true],
    [false, true],
    [true, false],
    [false, false],
  ] as const) {
    const up = {
      at: 7,
      size: BYTES_MAX,
      pieces: [65_536, 1, 100_000],
      isChunked,
      isSlowWriter: false,
      isSlowReader: true,
    };
    await assertPasses({ up, down: { ...up, at: 99, isChunked: !isChunked }, isTogether });
  }
});
