/**
 * How requests stand when their version has more than it can serve: bytes in shared memory, one per version on a route.
 *
 * ```
 * byte of a cell:   cut, 4 bits | curb | standing, 3 bits
 *
 * standing  0      next to nothing is left of the route's error budget, or it burns fast: refused last
 *           1, 2   more is left
 *           3      plenty is left, or the route has no budget
 *           4      the canary of the route, whatever is left: refused first
 * curb      best-effort requests may take half of the version's places; only in the cell that shows its admission
 *           (`versionCells`, model/overload.ts)
 * cut       sixteenths of its limit that the version gives up, as a composite objective is missed; in the same cell
 * ```
 * A standing orders requests of the same priority and nothing else. The main thread alone writes, with Atomics.store; a
 * worker reads a standing when a request finds no place at once, and curbs every 50 ms. Without a word all stand alike.
 * Source: docs/overload.md "Who comes first".
 */

import { CELLS_MAX } from '../../tallies.ts';

export const STANDINGS = 5;
export const STANDING_SPENT = 0;
export const STANDING_PLENTY = 3;
export const STANDING_CANARY = 4;
export const CURB = 8;
const STANDING_BITS = 7;
const CUT_SHIFT = 4;
const CUT_PARTS = 16;

/** The bytes; `standings.buffer` is what a worker is given. */
export type Standings = Uint8Array<SharedArrayBuffer>;

/** All stand alike, nobody is curbed. */
export function createStandings(): Standings {
  return new Uint8Array(new SharedArrayBuffer(CELLS_MAX));
}

/** The standing of a version on a route, by its cell. */
export function standingAt(standings: Uint8Array, cell: number): number {
  return Atomics.load(standings, cell) & STANDING_BITS;
}

/** Whether best-effort requests are held back at a version, by the cell that shows its admission. */
export function isCurbedAt(standings: Uint8Array, cell: number): boolean {
  return (Atomics.load(standings, cell) & CURB) !== 0;
}

/** Sixteenths of its limit that a version gives up, by the cell that shows its admission. */
export function cutAt(standings: Uint8Array, cell: number): number {
  return Atomics.load(standings, cell) >>> CUT_SHIFT;
}

/** The cut that leaves a part of the limit, at least a sixteenth of it. */
export function cutFor(keptRatio: number): number {
  return CUT_PARTS - Math.max(1, Math.round(CUT_PARTS * Math.min(1, keptRatio)));
}

/** What a cut leaves of a limit: one place at least. */
export function afterCut(limit: number, cut: number): number {
  return cut === 0 ? limit : Math.max(1, Math.floor((limit * (CUT_PARTS - cut)) / CUT_PARTS));
}

/** The byte of a cell. */
export function standingByte(standing: number, isCurbed: boolean, cut: number): number {
  return standing | (isCurbed ? CURB : 0) | (cut << CUT_SHIFT);
}
