/**
 * Keys that documents are signed with: `<id>:<hex>`, one per line, from a file or the environment.
 *
 * ```
 * 2026-11:6f1c…    the first signs; every one of them verifies, so that a key can be replaced step by step
 * 2026-05:90ab…    an empty line, and one that begins with #, is left out
 * ```
 * They are never in a document, and no document may name the variable that holds them. A key is never shown.
 */

import { createHmac } from 'node:crypto';
import { SluiceError } from '../../../model/problem.ts';
import { DISK } from '../../disk.ts';
import type { Environment } from '../interpolate.ts';

/** Holds the keys where no file is named. */
export const KEYS_VARIABLE = 'SLUICE_CONFIG_KEYS';
export const KEYS_MAX = 16;
/** As long as the hash that it keys, and not longer than its block. Source: RFC 2104 section 3. */
export const KEY_BYTES_MIN = 32;
export const KEY_BYTES_MAX = 64;
/** What a key is told by is keyed by it: no signature is over this. */
const PRINTED = 'sluice-config-key-v1';
const PRINT_CHARS = 12;
const LINE = /^([A-Za-z0-9._-]{1,64}):((?:[0-9A-Fa-f]{2})+)$/;

/** A key by the name that signatures call it. */
export interface ConfigKey {
  readonly id: string;
  readonly secret: Uint8Array;
}

/**
 * The keys of a file, or else of the environment; none where neither is given.
 * @throws SluiceError `SLU_CONFIG_UNREADABLE` when the file cannot be read, `SLU_USAGE` when what is there are no keys
 */
export async function loadConfigKeys(file: string | null, environment: Environment): Promise<readonly ConfigKey[]> {
  if (file !== null) return readConfigKeys(await DISK.readText(file), file);
  const text = environment[KEYS_VARIABLE];
  return text === undefined ? [] : readConfigKeys(text, `$${KEYS_VARIABLE}`);
}

/**
 * Reads keys.
 * @param name of their place, for messages
 * @throws SluiceError `SLU_USAGE` that says which line is none; never with the line in it
 */
export function readConfigKeys(text: string, name: string): readonly ConfigKey[] {
  const keys = text.split('\n').flatMap((line, index): ConfigKey[] => {
    const trimmed = line.trim();
    return trimmed === '' || trimmed.startsWith('#') ? [] : [keyOf(trimmed, `${name}, line ${index + 1}`)];
  });
  if (keys.length === 0) throw unusable(`${name} holds no key: draw one with openssl rand -hex 32, as <id>:<hex>`);
  if (keys.length > KEYS_MAX) throw unusable(`${name} holds ${keys.length} keys, more than ${KEYS_MAX}`);
  const twice = keys.find(({ id }, index) => keys.findIndex((other) => other.id === id) !== index);
  if (twice !== undefined) throw unusable(`${name} has two keys of the name ${twice.id}`);
  return keys;
}

/** The key's name, and by what another one of that name is told from it: `2026-11:9f86d081884c`. Says nothing of its secret. */
export function printOf({ id, secret }: ConfigKey): string {
  return `${id}:${createHmac('sha256', secret).update(PRINTED).digest('hex').slice(0, PRINT_CHARS)}`;
}

/** The environment as documents may name it: without the keys that they are verified with. */
export function withoutKeys(environment: Environment): Environment {
  const { [KEYS_VARIABLE]: _keys, ...rest } = environment;
  return rest;
}

function keyOf(line: string, place: string): ConfigKey {
  const [, id = '', hex = ''] = LINE.exec(line) ?? [];
  if (id === '') throw unusable(`${place} is no key: <id>:<hex> is one, the name of letters, digits and ._-`);
  const secret = Buffer.from(hex, 'hex');
  if (secret.length >= KEY_BYTES_MIN && secret.length <= KEY_BYTES_MAX) return { id, secret };
  throw unusable(`${place}: a key has ${KEY_BYTES_MIN} to ${KEY_BYTES_MAX} bytes, this one ${secret.length}`);
}

function unusable(message: string): SluiceError {
  return new SluiceError('SLU_USAGE', message);
}
