/**
 * What an alert is known by outside: the same for the same thing, over restarts and in every gateway of a fleet.
 */

import { createHash } from 'node:crypto';

/** 16 hex digits. */
export function fingerprintOf(key: string): string {
  return createHash('sha256').update(key, 'utf8').digest('hex').slice(0, 16);
}
