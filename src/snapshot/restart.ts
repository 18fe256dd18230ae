/**
 * Which changes of a configuration wait for the next start: listeners, threads, the state's
 * file and the link to the fleet are made once.
 */

import type { Config, ListenAddress } from '../model/config.ts';
import { speaksHttp2 } from '../model/threads/load/http2.ts';
import type { ListenerConfig } from '../model/threads/tls.ts';

const FIXED = ['workers', 'state', 'fleet'] as const;

/** One warning for each change that does not take effect now. */
export function needsRestart(before: Config, after: Config): string[] {
  const isOther = (a: unknown, b: unknown): boolean => JSON.stringify(a) !== JSON.stringify(b);
  const changed: string[] = FIXED.filter((key) => isOther(before[key], after[key]));
  if (isOther(boundOf(before.admin), boundOf(after.admin))) changed.unshift('admin');
  if (isOther(addressOf(before.listen), addressOf(after.listen))) changed.unshift('listen');
  const othersOf = ({ listeners = [] }: Config) => listeners.map(addressOf);
  if (isOther(othersOf(before), othersOf(after))) changed.push('listeners');
  return changed.map((key) => `${key} changed; the change takes effect at the next start`);
}

/** By which names the admin server is asked changes at once. */
function boundOf({ host, port }: ListenAddress) {
  return { host, port };
}

/** What TLS is spoken with changes at once. Whether it is, which HTTP is and whether a PROXY header comes first does not. */
function addressOf(listener: ListenerConfig) {
  const { host, port, tls, proxyProtocol } = listener;
  return { host, port, isTls: tls !== undefined, isHttp2: speaksHttp2(listener), proxyProtocol };
}
