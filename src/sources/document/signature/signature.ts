/**
 * Signatures of documents: HMAC-SHA256 over what a document is called, its revision and its text.
 *
 * ```
 * message      "sluice-config-v1\n" + name + "\n" + revision + "\n" + text      as UTF-8
 * travels as   {"keyId": "2026-11", "revision": 7, "signature": "<64 hex digits>"}
 * ```
 * The name keeps a document from being put in the place of another; the revision, which must rise, keeps one of before from
 * coming back. A name has no line end: else what is a name, a revision or a text could be read in two ways. Pure.
 */

import { createHmac, timingSafeEqual } from 'node:crypto';
import { isMapping } from '../pieces.ts';
import type { ConfigKey } from './keys.ts';

const VERSION = 'sluice-config-v1';
const HASH = 'sha256';
const HASH_BYTES = 32;
const FIELDS: ReadonlySet<string> = new Set(['keyId', 'revision', 'signature']);

/** Characters of a signature, white space included. */
export const SIGNATURE_CHARS_MAX = 4096;

/** A signature as it travels beside its document. */
export interface Signature {
  readonly keyId: string;
  /** 1 … 2^53 - 1. */
  readonly revision: number;
  /** 64 hex digits. */
  readonly signature: string;
}

/** What is signed. */
export interface Signed {
  /** What the document is called in its source: `routes/shop`, `gateway.yaml`. */
  readonly subject: string;
  readonly revision: number;
  readonly text: string;
}

/** Signs a document. */
export function sign({ id, secret }: ConfigKey, signed: Signed): Signature {
  return { keyId: id, revision: signed.revision, signature: macOf(secret, signed).toString('hex') };
}

/** How a signature stands to a document: `unknown`, the key is none of ours; `wrong`, it is another document's, or forged. */
export function verify(
  keys: readonly ConfigKey[],
  { keyId, revision, signature }: Signature,
  { subject, text }: Omit<Signed, 'revision'>,
): 'good' | 'unknown' | 'wrong' {
  const key = keys.find(({ id }) => id === keyId);
  if (key === undefined) return 'unknown';
  const given = Buffer.from(signature, 'hex');
  return timingSafeEqual(given, macOf(key.secret, { subject, revision, text })) ? 'good' : 'wrong';
}

/** Reads a signature; null: the text is none. */
export function readSignature(text: string): Signature | null {
  const value = text.length > SIGNATURE_CHARS_MAX ? null : jsonOf(text);
  if (!isMapping(value) || !Object.keys(value).every((field) => FIELDS.has(field))) return null;
  const { keyId, revision, signature } = value;
  if (typeof keyId !== 'string' || typeof signature !== 'string' || !isRevision(revision)) return null;
  const isHash = signature.length === HASH_BYTES * 2 && /^[0-9A-Fa-f]+$/.test(signature);
  return isHash ? { keyId, revision, signature } : null;
}

/** A signature as its file holds it, the last line's end included. */
export function formatSignature({ keyId, revision, signature }: Signature): string {
  return `${JSON.stringify({ keyId, revision, signature })}\n`;
}

/** Whether a text can be what a document is called. */
export function isSubject(text: string): boolean {
  return text !== '' && !/[\n\r]/.test(text);
}

/** Whether a value can be a revision. */
export function isRevision(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 1;
}

function macOf(secret: Uint8Array, { subject, revision, text }: Signed): Buffer {
  return createHmac(HASH, secret).update(`${VERSION}\n${subject}\n${revision}\n`).update(text).digest();
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
