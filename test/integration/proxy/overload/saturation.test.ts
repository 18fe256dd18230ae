/** A small gateway, a real process, with far more requests under way than it can turn over, for a few seconds. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { overload } from '../../../../bench/saturation/run.ts';

it('a gateway of 256 MiB under too much load does not end, sheds the least important, and profiles itself once', async (t) => {
  // The least delay that can be asked for, so that many connections are enough on any machine.
  const faults = await overload({
    seconds: 4,
    delayMs: 10,
    connections: 1500,
    workers: 1,
    print: (line) => t.diagnostic(line),
  });
  assert.deepEqual(faults, []);
});
