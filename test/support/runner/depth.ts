/** How far tests search: every test runs in a quick run too, some of them over fewer samples. */

import type { Depth } from './phases.ts';

const QUICK: Depth = 'quick';

/** Of a test file that is run by itself it is false. */
export const IS_QUICK = process.env['SLUICE_TEST_DEPTH'] === QUICK;

/** Seeds, rounds or steps: all of them, or as many as a quick run has time for. */
export function samples(all: number, quick: number): number {
  return IS_QUICK ? quick : all;
}
