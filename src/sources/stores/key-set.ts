/**
 * Reads what colors are verified with: a JSON Web Key Set from a document, a file or a URL, and secrets.
 *
 * Of a key set only public keys are taken, and at most `KEYS_MAX`; one without any is no key set. A secret is never shown.
 */

import { SluiceError } from '../../model/problem.ts';
import type { KeySetOrigin, SecretOrigin } from '../../model/threads/color.ts';
import { DISK } from '../disk.ts';
import { isPublicKey } from '../scalars/keys.ts';
import { StoreClient } from './client.ts';

export const KEYS_MAX = 64;
export const KEY_SET_BYTES_MAX = 262_144;
/** An answer is given up after so long. */
export const ASK_MS = 5000;
/** As long as the hash that it keys, or longer. Source: RFC 2104 section 3. */
export const SECRET_BYTES_MIN = 32;
const TLS_FIELDS = { ca: 'color.jwt.jwks.ca', cert: null, serverName: null };

/** A way to read a key set as JSON text, and what it is called. */
export interface KeySetReader {
  readonly name: string;
  /** @throws SluiceError `SLU_SOURCE_UNAVAILABLE` or `SLU_CONFIG_UNREADABLE` that says why there is none */
  read(signal: AbortSignal): Promise<string>;
  close(): void;
}

/** Opens the place of a key set; nothing is read yet. */
export function openKeySet(origin: KeySetOrigin): KeySetReader {
  if (origin.kind === 'inline') {
    const name = 'the keys of color.jwt.jwks';
    return { name, read: async () => publicKeysOf(origin.text, name), close: () => undefined };
  }
  if (origin.kind === 'file') {
    const name = `key set ${origin.path}`;
    return { name, read: async () => publicKeysOf(await DISK.readText(origin.path), name), close: () => undefined };
  }
  const { origin: host, pathname, search } = new URL(origin.url);
  const name = `key set ${host}${pathname}`;
  const question = {
    origin: host,
    path: `${pathname}${search}`,
    headers: { accept: 'application/jwk-set+json, application/json' },
    timeoutMs: ASK_MS,
    bytesMax: KEY_SET_BYTES_MAX,
  };
  const tls = origin.ca === undefined ? null : { ca: origin.ca, cert: null, key: null, serverName: null };
  return {
    name,
    read: async (signal) => {
      // One for each look, minutes apart: so certificates may be renewed.
      const client = new StoreClient({ name, tls, secrets: [], tlsFields: TLS_FIELDS });
      try {
        const answer = await client.ask({ ...question, signal });
        if (answer.status !== 200) throw client.refusal(answer);
        return publicKeysOf(answer.text, name);
      } finally {
        client.close();
      }
    },
    close: () => undefined,
  };
}

/**
 * The public keys of a key set, as JSON text of a key set.
 * @throws SluiceError `SLU_SOURCE_UNAVAILABLE`
 */
export function publicKeysOf(text: string, name: string): string {
  const keys = listOf(text).filter(isPublicKey).slice(0, KEYS_MAX);
  if (keys.length > 0) return JSON.stringify({ keys });
  const message = `${name}: no JSON Web Key Set with a public key of type RSA, EC or OKP`;
  throw new SluiceError('SLU_SOURCE_UNAVAILABLE', message);
}

function listOf(text: string): unknown[] {
  try {
    const value: unknown = JSON.parse(text);
    const keys: unknown = typeof value === 'object' && value !== null && 'keys' in value ? value.keys : null;
    return Array.isArray(keys) ? keys : [];
  } catch {
    // Said by whoever finds no key in it.
    return [];
  }
}

/**
 * A secret, without the white space around it.
 * @throws SluiceError `SLU_SOURCE_UNAVAILABLE` or `SLU_CONFIG_UNREADABLE`; never with the secret in it
 */
export async function readSecret(
  origin: SecretOrigin,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<string> {
  const isFile = origin.kind === 'file';
  const name = nameOfSecret(origin);
  const text = (isFile ? await DISK.readText(origin.path) : (environment[origin.name] ?? '')).trim();
  if (Buffer.byteLength(text) >= SECRET_BYTES_MIN) return text;
  const why = text === '' ? 'is not set or empty' : `is shorter than ${SECRET_BYTES_MIN} bytes`;
  throw new SluiceError('SLU_SOURCE_UNAVAILABLE', `${name} ${why}: draw one with openssl rand -base64 32`);
}

/** What a secret is called. */
export function nameOfSecret(origin: SecretOrigin): string {
  return origin.kind === 'file' ? `color key ${origin.path}` : `color key $${origin.name}`;
}
