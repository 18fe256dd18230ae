/**
 * Compares the token of a command with the one that is asked for: both are held as SHA-256, never as they are.
 */

import { createHash, timingSafeEqual } from 'node:crypto';
import { SluiceError } from '../model/problem.ts';

/** Shortest token, in characters; as in the configuration. */
const TOKEN_MIN = 16;

/** SHA-256 of a token, hex. */
export function hashToken(token: string): string {
  return createHash('sha256').update(token, 'utf8').digest('hex');
}

/** Whether a token has this SHA-256. Takes the same time wherever the two differ. */
export function isTokenOf(token: string, hash: string): boolean {
  return timingSafeEqual(Buffer.from(hashToken(token), 'hex'), Buffer.from(hash, 'hex'));
}

/**
 * The hash of a token from the environment; null when there is none.
 * @throws SluiceError SLU_USAGE when it is too short: better no start than a token that can be guessed
 */
export function hashOfVariable(name: string, value: string | undefined): string | null {
  if (value === undefined || value === '') return null;
  if (/^[\x21-\x7e]{16,256}$/.test(value)) return hashToken(value);
  throw new SluiceError('SLU_USAGE', `${name} must be ${TOKEN_MIN} to 256 visible ASCII characters, drawn at random`);
}
