/** Seeds in a thread of their own. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runSeeds } from './apart.ts';

const moduleOf = (body: string): URL =>
  new URL(`data:text/javascript,${encodeURIComponent(`export async function runSchedule(seed) { ${body} }`)}`);

test('every seed runs, and the first that fails says so itself', async () => {
  await runSeeds({ module: moduleOf(''), first: 7, count: 3 });
  const failing = moduleOf('if (seed === 9) throw new Error(`seed ${seed} is broken`)');
  await runSeeds({ module: failing, first: 7, count: 2 });
  await assert.rejects(runSeeds({ module: failing, first: 7, count: 3 }), /seed 9 is broken/);
});

test('a thread that leaves too soon is a failure', async () => {
  await assert.rejects(runSeeds({ module: moduleOf('process.exit(0)'), first: 1, count: 1 }), /left with 0/);
});
