/**
 * Configurations as bytes, and rows of the state store that hold one with what is known of it.
 *
 * ```
 * row = length of the head (4 bytes, little endian) · head (JSON, with the SHA-256 of what follows) · packed configuration
 * ```
 * Structured clone, because a configuration has values that JSON does not know (Infinity); deflate, because its defaults
 * repeat. What was written by another release is listed, and not read: its fields may have meant something else.
 */

import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { deserialize, serialize } from 'node:v8';
import { deflateRaw, inflateRawSync } from 'node:zlib';
import type { Config } from '../../model/config.ts';
import type { RevisionEntry } from '../../model/threads/revision.ts';

const HEAD_LENGTH_BYTES = 4;
/** A configuration is at most so long, unpacked: 16 MiB of documents make less. */
const CONFIG_BYTES_MAX = 512 * 1024 * 1024;
const deflate = promisify(deflateRaw);

/** What a row says of its configuration. */
export type RevisionHead = Omit<RevisionEntry, 'isKept' | 'bytes'>;

/** Cost: about 10 ms per MiB here, the rest in another thread. */
export async function packConfig(config: Config): Promise<Uint8Array> {
  return deflate(serialize(config));
}

/** @throws Error when the bytes are no configuration */
export function unpackConfig(packed: Uint8Array): Config {
  return deserialize(inflateRawSync(packed, { maxOutputLength: CONFIG_BYTES_MAX })) as Config;
}

/** @param packed null: only what is known of it */
export function toRow(head: RevisionHead, packed: Uint8Array | null): Uint8Array {
  const content = packed ?? new Uint8Array(0);
  const text = Buffer.from(JSON.stringify({ ...head, sum: sumOf(content) }));
  const length = Buffer.alloc(HEAD_LENGTH_BYTES);
  length.writeUInt32LE(text.length);
  return Buffer.concat([length, text, content]);
}

/** @throws Error when the row is damaged */
export function fromRow(row: Uint8Array): { readonly head: RevisionHead; readonly packed: Uint8Array | null } {
  const bytes = Buffer.from(row.buffer, row.byteOffset, row.byteLength);
  if (bytes.length < HEAD_LENGTH_BYTES) throw new Error('a revision is cut short');
  const end = HEAD_LENGTH_BYTES + bytes.readUInt32LE(0);
  if (end > bytes.length) throw new Error('a revision is cut short');
  const { sum, ...head } = headOf(bytes.toString('utf8', HEAD_LENGTH_BYTES, end));
  const packed = bytes.subarray(end);
  if (sumOf(packed) !== sum) throw new Error(`revision ${head.number} does not have the sum that was noted`);
  return { head, packed: packed.length === 0 ? null : new Uint8Array(packed) };
}

function sumOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function headOf(text: string): RevisionHead & { readonly sum: string } {
  const head = JSON.parse(text) as Partial<RevisionHead> & { readonly sum?: unknown };
  const { number, revision, hash, at, origin, contentOf, routes, release, sum } = head;
  const isSound =
    [number, revision, contentOf, routes].every((count) => Number.isSafeInteger(count) && (count as number) >= 0) &&
    [hash, at, release, sum].every((word) => typeof word === 'string') &&
    Array.isArray(origin);
  if (!isSound) throw new Error('what is noted of a revision is not sound');
  return head as RevisionHead & { readonly sum: string };
}
