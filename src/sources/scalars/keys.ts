/**
 * What tokens and signatures are verified with: public keys, where they are, and the algorithms that may be used.
 *
 * Source: RFC 7517 sections 4 and 9.2; RFC 8725 sections 3.1 and 3.5.
 */

import { type Check, type Fault, wrongType } from '../problems/fault.ts';
import { checkUrl } from './store.ts';

/** Signatures that need no secret to verify. HMAC is not among them: who can verify it can forge it. */
export const ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
] as const;

const KEY_TYPES = new Set(['RSA', 'EC', 'OKP']);
/** Members of a private key. */
const PRIVATE = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];
const VARIABLE = /^[A-Za-z_]\w{0,127}$/;
const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

export const VARIABLE_META = { type: 'string', pattern: VARIABLE.source };
export const KEY_META = { type: 'object', required: ['kty'] };
export const TEXT_META = { type: 'string', minLength: 1, maxLength: 256 };

/** Whether a value is a public key of a kind that signs. */
export function isPublicKey(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const kty = 'kty' in value ? value.kty : undefined;
  return typeof kty === 'string' && KEY_TYPES.has(kty) && PRIVATE.every((member) => !Object.hasOwn(value, member));
}

/** One public key as a JSON Web Key. It is not shown: it may be a private one by mistake. */
export const checkPublicKey: Check = (value) => {
  const expected = 'a public JSON Web Key of type RSA, EC or OKP';
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return wrongType(expected, value);
  if (isPublicKey(value)) return null;
  return { kind: 'publicKey', expected, got: 'another one, which is not shown', hint: 'leave private members out' };
};

/** Where keys are asked for: whoever could change them on the way could sign what they like. */
export function checkKeySetUrl(value: unknown): Fault | null {
  const fault = checkUrl(value);
  if (fault !== null) return fault;
  const { protocol, hostname } = new URL(value as string);
  if (protocol === 'https:' || LOOPBACK.test(hostname)) return null;
  return { kind: 'url', expected: 'an https URL', hint: 'http is for this machine alone' };
}

/** The name of an environment variable. */
export const checkVariable: Check = (value) => {
  const expected = 'the name of an environment variable';
  if (typeof value !== 'string') return wrongType(expected, value);
  return VARIABLE.test(value) ? null : { kind: 'sourceText', expected, hint: 'the name alone, without ${}' };
};

/** A claim's name, an issuer, an audience: text that is compared, character by character. */
export const checkTokenText: Check = (value) => {
  const expected = 'text of 1 to 256 characters';
  if (typeof value !== 'string') return wrongType(expected, value, typeof value === 'number' ? 'put it in quotes' : '');
  return value !== '' && value.length <= 256 ? null : { kind: 'sourceText', expected };
};
