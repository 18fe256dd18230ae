/**
 * What an objective counted, as bytes and back, for the state store.
 *
 * ```
 * length of the JSON, 4 bytes, little-endian | JSON: calendar, owed, firingForMs | the ring's own bytes
 * ```
 */

import { SluiceError } from '../../../model/problem.ts';
import type { SavedObjective } from '../objective.ts';
import type { CalendarCounts } from './calendar.ts';

/** Number of this layout; the ring's bytes carry their own. */
export const BUDGET_FORMAT = 1;

const HEAD_BYTES = 4;

/** The bytes of one objective, the ring's and about 100 more. */
export function toBytes({ ring, calendar, owed, firingForMs }: SavedObjective): Uint8Array {
  const text = Buffer.from(JSON.stringify({ calendar, owed, firingForMs }));
  const bytes = new Uint8Array(HEAD_BYTES + text.length + ring.length);
  new DataView(bytes.buffer).setUint32(0, text.length, true);
  bytes.set(text, HEAD_BYTES);
  bytes.set(ring, HEAD_BYTES + text.length);
  return bytes;
}

/** @throws SluiceError SLU_STATE_INVALID when `toBytes` did not write them; the ring is looked at when it is restored */
export function fromBytes(id: string, bytes: Uint8Array): SavedObjective {
  const { rest, ring } = split(id, bytes);
  const { calendar, owed, firingForMs } = rest;
  const isTimes = Array.isArray(firingForMs) && firingForMs.every((ms) => ms === null || Number.isFinite(ms));
  if (!Number.isFinite(owed) || !isTimes) throw invalid(id, 'a count or a time is not a number');
  if (!isCalendar(calendar)) throw invalid(id, 'its calendar is not one');
  return { id, ring, calendar, owed: owed as number, firingForMs };
}

function isCalendar(value: unknown): value is CalendarCounts | null {
  if (value === null) return true;
  if (!isPeriod(value)) return false;
  const { previous } = value as { readonly previous?: unknown };
  return previous === null || isPeriod(previous);
}

function isPeriod(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { startMs, good, bad } = value as Readonly<Record<string, unknown>>;
  return Number.isFinite(startMs) && Number.isFinite(good) && Number.isFinite(bad);
}

function split(id: string, bytes: Uint8Array): { readonly rest: Readonly<Record<string, unknown>>; ring: Uint8Array } {
  if (bytes.length < HEAD_BYTES) throw invalid(id, 'it is too short');
  const length = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(0, true);
  const text = Buffer.from(bytes.subarray(HEAD_BYTES, HEAD_BYTES + length)).toString();
  try {
    const rest = JSON.parse(text) as Readonly<Record<string, unknown>> | null;
    if (rest === null) throw new Error('there is nothing in it');
    return { rest, ring: bytes.subarray(HEAD_BYTES + length) };
  } catch (error) {
    throw invalid(id, String(error));
  }
}

function invalid(id: string, because: string): SluiceError {
  return new SluiceError('SLU_STATE_INVALID', `The saved budget ${id} cannot be read: ${because}`);
}
