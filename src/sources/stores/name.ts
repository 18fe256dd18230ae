/**
 * What a source is called, for people: kind and place, never a secret.
 */

import { formatAddress } from '../scalars/address.ts';
import type { SourceSettings } from './settings.ts';

/** `consul 127.0.0.1:8500 sluice`, `etcd 10.0.0.1:2379 /sluice/v1/`, `http https://config.test/sluice.yaml`. */
export function nameOfSource(settings: SourceSettings): string {
  switch (settings.kind) {
    case 'directory':
      return `directory ${settings.path}`;
    case 'consul':
      return `consul ${hostOf(settings.address)} ${settings.prefix}`;
    case 'etcd':
      return `etcd ${settings.endpoints.map(hostOf).join(',')} ${settings.prefix}`;
    case 'http':
      return `http ${placeOf(settings.url)}`;
    case 'zookeeper':
      return `zookeeper ${settings.servers.map(formatAddress).join(',')} ${settings.path}`;
    default:
      return settings satisfies never;
  }
}

function hostOf(address: string): string {
  return new URL(address).host;
}

/** A query may hold a signature. */
function placeOf(text: string): string {
  const url = new URL(text);
  return `${url.origin}${url.pathname}`;
}
