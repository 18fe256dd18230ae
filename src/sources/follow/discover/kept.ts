/**
 * What a lookup held, as it is kept over restarts: JSON, gzipped, whose sum tells what is damaged.
 *
 * ```
 * {key, registry, confirmedAt, pieces: [[name, instance], …]}      in the order of their names
 * ```
 * Instances are kept as they were read, not endpoints: versions pick among them by the configuration that is in force.
 */

import { gunzipSync, gzipSync } from 'node:zlib';
import { byPieceName, type Item } from '../source.ts';
import { instanceOf } from './instance.ts';

/** Of rows; another one for other fields of instances. */
export const KEPT_FORMAT = 1;
/** What one lookup may take, unpacked: 10,000 instances of 800 characters. */
export const KEPT_CHARS_MAX = 8 * 1024 * 1024;
/** In UTF-8, and quotation marks of a text within a text are two characters. */
const BYTES_MAX = 4 * KEPT_CHARS_MAX;
/** A third of the time of the default, for 6 % more bytes. */
const LEVEL = 1;

/** What is known of one lookup. */
export interface KeptLookup {
  /** Of the lookup (lookup.ts). */
  readonly key: string;
  /** Whom it was asked of. */
  readonly registry: string;
  readonly pieces: readonly Item[];
  /** When the registry last said so, ISO 8601. */
  readonly confirmedAt: string;
}

/** Null: it is too large to be kept. Cost: O(instances), 10,000 of 240 characters in about 15 ms, to 100 KB. */
export function packLookup({ key, registry, pieces, confirmedAt }: KeptLookup): Uint8Array | null {
  if (pieces.reduce((sum, { name, text }) => sum + name.length + text.length, 0) > KEPT_CHARS_MAX) return null;
  const rows = pieces.map(({ name, text }) => [name, text]);
  return gzipSync(JSON.stringify({ key, registry, confirmedAt, pieces: rows }), { level: LEVEL });
}

/** @throws Error when it is damaged */
export function lookupOf(bytes: Uint8Array): KeptLookup {
  const { key, registry, confirmedAt, pieces } = unpacked(bytes);
  if (typeof key !== 'string' || typeof registry !== 'string' || !isTime(confirmedAt)) throw new Error(DAMAGED);
  if (!Array.isArray(pieces) || !pieces.every(isPiece)) throw new Error(DAMAGED);
  const items = pieces.map(([name, text]): Item => ({ name, text }));
  return { key, registry, confirmedAt, pieces: items.toSorted(byPieceName) };
}

/** When lookups were last confirmed, by key. */
export function packTimes(times: ReadonlyMap<string, string>): Uint8Array {
  return gzipSync(JSON.stringify([...times]), { level: LEVEL });
}

/** @throws Error when it is damaged */
export function timesOf(bytes: Uint8Array): ReadonlyMap<string, string> {
  const rows: unknown = jsonOf(bytes);
  const isRow = (row: unknown): row is [string, string] =>
    Array.isArray(row) && typeof row[0] === 'string' && isTime(row[1]);
  if (Array.isArray(rows) && rows.every(isRow)) return new Map(rows);
  throw new Error(DAMAGED);
}

const DAMAGED = 'what is kept of a lookup is not sound';

function unpacked(bytes: Uint8Array): Partial<Record<'key' | 'registry' | 'confirmedAt' | 'pieces', unknown>> {
  const value = jsonOf(bytes);
  if (typeof value === 'object' && value !== null) return value;
  throw new Error(DAMAGED);
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(gunzipSync(bytes, { maxOutputLength: BYTES_MAX }).toString());
  } catch (error) {
    throw new Error(DAMAGED, { cause: error });
  }
}

function isTime(value: unknown): value is string {
  return typeof value === 'string' && !Number.isNaN(Date.parse(value));
}

/** A name, and an instance that has what is read of one. */
function isPiece(value: unknown): value is [name: string, text: string] {
  const [name, text] = Array.isArray(value) ? (value as readonly unknown[]) : [];
  if (typeof name !== 'string' || typeof text !== 'string') return false;
  const { host, port, weight, out, ...instance } = instanceOf({ name, text });
  const lists = [instance.tags, instance.schemes, instance.ignored];
  const numbers = [port, weight];
  return (
    typeof host === 'string' &&
    typeof out === 'string' &&
    numbers.every((number) => typeof number === 'number') &&
    lists.every((list) => Array.isArray(list))
  );
}
