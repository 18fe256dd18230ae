/** The soak test itself, for a few seconds: it runs, it says what it did, and it finds nothing. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { soak } from '../../../bench/soak/run.ts';

it('a few seconds of mixed traffic leave nothing behind', async () => {
  const lines: string[] = [];
  const faults = await soak({ minutes: 0.1, seed: 1, print: (line) => lines.push(line) });
  assert.deepEqual(faults, []);
  assert.equal(lines.length, 1);
  assert.match(lines[0] as string, /^minute 1: [1-9]\d* answers, 0 kinds of wrong ones, [1-9]\d* clients left, /);
});
