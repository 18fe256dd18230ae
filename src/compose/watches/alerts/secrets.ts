/**
 * Where a channel is and what it is signed with, read at the moment of sending: a file that was replaced counts at once.
 *
 * A secret goes to https, or stays on this machine. What is said of a failure names the file or the variable, never what it holds.
 */

import type { SecretOrigin } from '../../../model/threads/color.ts';
import type { ChannelConfig } from '../../../model/threads/load/alerts.ts';
import type { Disk } from '../../../sources/disk.ts';

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;
const SECRET = /^[\x21-\x7e]{1,4096}$/;

/** What a request to a channel is made with. */
export interface Access {
  readonly url: string;
  readonly secret: string | null;
  /** PEM; null: the system's. */
  readonly ca: string | null;
  /** Never shown. */
  readonly secrets: readonly string[];
}

/** @throws Error that says what is missing, without what is not */
export async function readAccess(
  { url: place, secret: origin, ca }: Pick<ChannelConfig, 'url' | 'secret' | 'ca'>,
  environment: Readonly<Record<string, string | undefined>>,
  disk: Pick<Disk, 'readText'>,
): Promise<Access> {
  const read = (from: SecretOrigin): Promise<string> => readSecret(from, environment, disk);
  const secret = origin === null ? null : await read(origin);
  const url = place.kind === 'open' ? place.url : await read(place);
  const isHidden = place.kind !== 'open';
  checkUrl(url, isHidden ? nameOf(place) : url, isHidden || secret !== null);
  const secrets = [...(isHidden ? [url, ...partsOf(url)] : []), ...(secret === null ? [] : [secret])];
  return { url, secret, ca: ca === null ? null : await disk.readText(ca), secrets };
}

async function readSecret(
  origin: SecretOrigin,
  environment: Readonly<Record<string, string | undefined>>,
  disk: Pick<Disk, 'readText'>,
): Promise<string> {
  const text = (origin.kind === 'file' ? await disk.readText(origin.path) : (environment[origin.name] ?? '')).trim();
  if (SECRET.test(text)) return text;
  throw new Error(
    `${nameOf(origin)} ${text === '' ? 'is not set or empty' : 'is no text of visible ASCII without spaces'}`,
  );
}

function checkUrl(text: string, name: string, isSecret: boolean): void {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) throw new Error(`${name} is no URL`);
  if (isSecret && url.protocol === 'http:' && !LOOPBACK.test(url.hostname)) {
    throw new Error(`${name} begins with http:// and a secret would be sent in the clear; use https://`);
  }
}

/** What makes a URL secret: its path, the long parts of it, and the values of its query. The longest come first. */
function partsOf(text: string): string[] {
  const url = URL.parse(text);
  if (url === null) return [];
  const whole = url.pathname === '/' ? [] : [url.pathname + url.search, url.pathname];
  const path = url.pathname.split('/').filter((part) => part.length >= 16);
  return [...new Set([...whole, ...path, ...url.searchParams.values()])];
}

function nameOf(origin: SecretOrigin): string {
  return origin.kind === 'file' ? `the file ${origin.path}` : `the variable ${origin.name}`;
}
