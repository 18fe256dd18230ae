/** How far tests search: in a quick run some of them over fewer samples, and those not at all that count bytes or wait for seconds. */

import type { Depth } from './phases.ts';

const QUICK: Depth = 'quick';

/** Of a test file that is run by itself it is false. */
export const IS_QUICK = process.env['SLUICE_TEST_DEPTH'] === QUICK;

/** Seeds, rounds or steps: all of them, or as many as a quick run has time for. */
export function samples(all: number, quick: number): number {
  return IS_QUICK ? quick : all;
}

/** Options of a test that lasts as long as the gateway waits, a second or more: in a quick run others would only wait for it. */
export const WAITS = { skip: IS_QUICK && 'waits for seconds; the full run has the time' } as const;

/** Options of a test that computes for a second or more. */
export const COMPUTES = { skip: IS_QUICK && 'computes for seconds; the full run has the time' } as const;
