/**
 * Configurations as bytes, and rows of the state store that hold one with what is known of it.
 *
 * ```
 * row      = length of the head (4 bytes, little endian) · head (JSON, with the SHA-256 of what follows) · packed configuration
 * base row = the same with nothing else in its head: what other rows are differences to, and none holds itself
 * ```
 * Structured clone, because a configuration has values that JSON does not know (Infinity); deflate, because its defaults
 * repeat. What was written by another release is listed, and not read: its fields may have meant something else.
 */

import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { deserialize, serialize } from 'node:v8';
import { deflateRaw, inflateRawSync } from 'node:zlib';
import type { Config } from '../../model/config.ts';
import { applyEdits } from '../../model/threads/parsing/edits.ts';
import type { ConfigEdits } from '../../model/threads/parsing/parse.ts';
import type { RevisionEntry } from '../../model/threads/revision.ts';

const HEAD_LENGTH_BYTES = 4;
/** A configuration is at most so long, unpacked: 16 MiB of documents make less. */
const CONFIG_BYTES_MAX = 512 * 1024 * 1024;
const deflate = promisify(deflateRaw);

/** What a row says of its configuration. */
export type RevisionHead = Omit<RevisionEntry, 'isKept' | 'bytes'>;

/** A configuration, its lists as steps from those of another one. */
export type Difference = Omit<Config, keyof ConfigEdits> & ConfigEdits;

/** A configuration as it stands in a row. */
export interface RowContent {
  readonly packed: Uint8Array;
  /** Name of what it is a difference to; null: it is whole. */
  readonly base: string | null;
}

/** Cost: about 10 ms per MiB here, the rest in another thread. */
export async function packConfig(config: Config): Promise<Uint8Array> {
  return deflate(serialize(config));
}

/** Cost: as above, for what was added to the lists. */
export async function packDifference(difference: Difference): Promise<Uint8Array> {
  return deflate(serialize(difference));
}

/** @throws Error when the bytes are no configuration */
export function unpackConfig(packed: Uint8Array): Config {
  return deserialize(inflateRawSync(packed, { maxOutputLength: CONFIG_BYTES_MAX })) as Config;
}

/** @throws Error when the bytes are no difference, or one to another configuration */
export function unpackDifference(packed: Uint8Array, base: Config): Config {
  const difference = deserialize(inflateRawSync(packed, { maxOutputLength: CONFIG_BYTES_MAX })) as Difference;
  const services = applyEdits(base.services, difference.services);
  return { ...difference, services, routes: applyEdits(base.routes, difference.routes) };
}

/** SHA-256 of what is packed, hex. Cost: about 1 ms per MiB. */
export function nameOf(packed: Uint8Array): string {
  return createHash('sha256').update(packed).digest('hex');
}

/** @param content null: only what is known of it */
export function toRow(head: RevisionHead, content: RowContent | null): Uint8Array {
  const { packed, base } = content ?? { packed: new Uint8Array(0), base: null };
  return framed(base === null ? head : { ...head, base }, packed);
}

/** @throws Error when the row is damaged */
export function fromRow(row: Uint8Array): { readonly head: RevisionHead; readonly content: RowContent | null } {
  const { text, packed } = unframed(row);
  const { sum, base = null, verifiedWith = null, ...rest } = headOf(text);
  if (nameOf(packed) !== sum) throw new Error(`revision ${rest.number} does not have the sum that was noted`);
  const head = { ...rest, verifiedWith };
  return { head, content: packed.length === 0 ? null : { packed, base } };
}

/** @param packed a whole configuration */
export function toBaseRow(packed: Uint8Array): Uint8Array {
  return framed({}, packed);
}

/** The whole configuration, packed. @throws Error when the row is damaged */
export function fromBaseRow(row: Uint8Array): Uint8Array {
  const { text, packed } = unframed(row);
  const { sum } = JSON.parse(text) as { readonly sum?: unknown };
  if (nameOf(packed) !== sum) throw new Error('what revisions are differences to does not have the sum that was noted');
  return packed;
}

function framed(head: object, packed: Uint8Array): Uint8Array {
  const text = Buffer.from(JSON.stringify({ ...head, sum: nameOf(packed) }));
  const length = Buffer.alloc(HEAD_LENGTH_BYTES);
  length.writeUInt32LE(text.length);
  return Buffer.concat([length, text, packed]);
}

function unframed(row: Uint8Array): { readonly text: string; readonly packed: Uint8Array } {
  const bytes = Buffer.from(row.buffer, row.byteOffset, row.byteLength);
  if (bytes.length < HEAD_LENGTH_BYTES) throw new Error('a revision is cut short');
  const end = HEAD_LENGTH_BYTES + bytes.readUInt32LE(0);
  if (end > bytes.length) throw new Error('a revision is cut short');
  return { text: bytes.toString('utf8', HEAD_LENGTH_BYTES, end), packed: new Uint8Array(bytes.subarray(end)) };
}

/** What was written before it was noted how a revision was verified does not say that it was. */
type RowHead = Omit<RevisionHead, 'verifiedWith'> &
  Partial<Pick<RevisionHead, 'verifiedWith'>> & { readonly sum: string; readonly base?: string };

function headOf(text: string): RowHead {
  const head = JSON.parse(text) as Partial<RevisionHead> & { readonly sum?: unknown; readonly base?: unknown };
  const { number, revision, hash, at, origin, contentOf, routes, release, sum, base = '', verifiedWith = null } = head;
  const isSound =
    [number, revision, contentOf, routes].every((count) => Number.isSafeInteger(count) && (count as number) >= 0) &&
    [hash, at, release, sum, base].every((word) => typeof word === 'string') &&
    Array.isArray(origin) &&
    (verifiedWith === null || (Array.isArray(verifiedWith) && verifiedWith.every((key) => typeof key === 'string')));
  if (!isSound) throw new Error('what is noted of a revision is not sound');
  return head as RowHead;
}
