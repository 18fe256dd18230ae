/**
 * Fingerprints of configurations: SHA-256 of the canonical text.
 */

import { createHash } from 'node:crypto';
import { canonicalJson } from '../lib/text/canonical.ts';
import type { Config } from '../model/config.ts';

/** SHA-256 of a value's canonical JSON, 64 hex digits. Cost: about 65 ms per MiB of JSON. */
export function fingerprint(value: unknown): string {
  return createHash('sha256').update(canonicalJson(value)).digest('hex');
}

/** The content hash of a configuration: shown everywhere, the same on every gateway that has the same content. */
export function hashConfig(config: Config): string {
  return fingerprint(config);
}
