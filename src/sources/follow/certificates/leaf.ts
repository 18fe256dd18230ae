/**
 * What a certificate says of itself: whom it is for, how long, and whether it is one to rely on. Pure.
 *
 * Names are those of the subject's alternatives; clients look nowhere else.
 * Source: RFC 9525 section 2; CA/Browser Forum baseline requirements section 6.1.5 (sizes of keys).
 */

import type { X509Certificate } from 'node:crypto';
import { alternativeNames } from '../../../lib/text/alternatives.ts';

const DAY_MS = 86_400_000;
/** A certificate that ends sooner is warned of: what renews them does so a month before. */
export const EXPIRY_WARNED_MS = 21 * DAY_MS;
const RSA_BITS_MIN = 2048;
const WEAK_SIGNATURE = /^(?:md5|sha1|ecdsa-with-sha1|dsa)/i;

export interface Leaf {
  /** Lower-case DNS names and addresses. */
  readonly names: readonly string[];
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** SHA-256, hex. */
  readonly digest: string;
  /** Why it is weak; empty when it is not. */
  readonly weakness: string;
}

/** Reads a certificate. */
export function leafOf(certificate: X509Certificate): Leaf {
  const named = alternativeNames(certificate.subjectAltName).filter(
    ({ kind }) => kind === 'DNS' || kind === 'IP Address',
  );
  const names = named.map(({ value }) => value.toLowerCase());
  return {
    names,
    notBeforeMs: certificate.validFromDate.getTime(),
    notAfterMs: certificate.validToDate.getTime(),
    digest: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
    weakness: weaknessOf(certificate, names),
  };
}

function weaknessOf({ publicKey, signatureAlgorithm }: X509Certificate, names: readonly string[]): string {
  const bits = publicKey.asymmetricKeyDetails?.modulusLength ?? RSA_BITS_MIN;
  if (bits < RSA_BITS_MIN) return `a key of ${bits} bits`;
  if (WEAK_SIGNATURE.test(signatureAlgorithm ?? '')) return `a signature by ${signatureAlgorithm}`;
  return names.length === 0 ? 'no name of a host' : '';
}

/** What is to say of its time; empty when nothing is. @param nowMs of the wall clock */
export function expiryOf({ notBeforeMs, notAfterMs }: Pick<Leaf, 'notBeforeMs' | 'notAfterMs'>, nowMs: number): string {
  const day = (ms: number): string => new Date(ms).toISOString().slice(0, 10);
  if (nowMs >= notAfterMs) return `one that expired on ${day(notAfterMs)}`;
  if (nowMs < notBeforeMs) return `one that is not valid before ${day(notBeforeMs)}`;
  const leftMs = notAfterMs - nowMs;
  return leftMs >= EXPIRY_WARNED_MS ? '' : `one that expires in ${Math.floor(leftMs / DAY_MS)} days`;
}

/** Whether one of the names is for a host; a wildcard is for exactly one label. Source: RFC 9525 section 6.3. */
export function isFor(names: readonly string[], host: string): boolean {
  const rest = host.slice(host.indexOf('.'));
  return names.some((name) => name === host || (name.startsWith('*.') && rest.length > 1 && name.slice(1) === rest));
}
