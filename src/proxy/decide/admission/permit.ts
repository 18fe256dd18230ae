/**
 * What an exchange holds of its version's admission, in one whole number of 19 bits. Hot path.
 *
 * ```
 * NONE ─▸ HELD ─▸ SAMPLED        lowest 3 bits: the state; above them, while it has a place: since when, in 4 ms modulo 262 s
 *   └─▸ WAITING ─▸ HELD
 *          └─▸ SHED
 * ```
 * So small, because exchanges keep it among their flags: a time of its own would be a boxed double in every one of them.
 */

export const NONE = 0;
export const WAITING = 1;
export const HELD = 2;
/** Held, and the time to its response head is known to the admission. */
export const SAMPLED = 3;
/** Refused by the admission. */
export const SHED = 4;

const STATE = 7;
const STATE_BITS = 3;
const UNIT_MS = 4;
const STAMP = 0xffff;
/** An end may be told with the time of an event that came before the place was taken: not by more than this. */
const BEHIND_MS = 1000;

/** One of the states. */
export function stateOf(permit: number): number {
  return permit & STATE;
}

/** Held since `nowMs`. */
export function heldSince(nowMs: number): number {
  return (((nowMs / UNIT_MS) & STAMP) << STATE_BITS) | HELD;
}

/** The same place, whose time to the response head is known. */
export function sampled(permit: number): number {
  return (permit & ~STATE) | SAMPLED;
}

/** Whether the exchange has a place. */
export function isHeld(permit: number): boolean {
  const state = permit & STATE;
  return state === HELD || state === SAMPLED;
}

/** How long it has been held, in ms, to within 4 ms, up to 261 s; to be asked while it has a place. */
export function heldMs(permit: number, nowMs: number): number {
  const ms = ((nowMs / UNIT_MS - (permit >> STATE_BITS)) & STAMP) * UNIT_MS;
  return ms > STAMP * UNIT_MS - BEHIND_MS ? 0 : ms;
}
