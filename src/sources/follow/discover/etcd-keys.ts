/**
 * Instances in etcd: a key each, under a lease that its service keeps alive, `<prefix>/endpoints/<service>/<version>/<id>`.
 *
 * ```
 * value   10.0.0.1:8080
 *         {"address": "10.0.0.1:8080", "weight": 3, "color": "green"}
 * ```
 * When a lease ends etcd deletes its keys, and that is all there is to it. A value that cannot be read is an instance that
 * takes no part. One watch serves all services.
 */

import { parseAddress } from '../../scalars/address.ts';
import { checkName } from '../../scalars/http.ts';
import { openEtcdKeys } from '../../stores/etcd.ts';
import { nameOfSource } from '../../stores/name.ts';
import type { EtcdSettings } from '../../stores/settings.ts';
import type { Item, Store } from '../source.ts';
import { itemOf, plainInstance } from './instance.ts';

const WEIGHT_MAX = 1_000_000;
const VALUE_CHARS_MAX = 4096;

/** Opens the lookup; nothing is asked yet. @throws SluiceError `SLU_SOURCE_UNAVAILABLE` (certificates) */
export function openKeys(settings: EtcdSettings): Store<Item> {
  const own = { ...settings, prefix: `${settings.prefix}endpoints/` };
  return openEtcdKeys(own, {
    kind: 'etcd-endpoints',
    name: nameOfSource(own),
    itemOf: ({ key, rest, text }) => {
      const [service = '', version = '', ...id] = rest.split('/');
      if (id.length === 0 || id.join('/') === '') return null;
      if (checkName(service) !== null || checkName(version) !== null) return null;
      return itemOf(key, { ...instanceOf(text), service, version });
    },
  });
}

function instanceOf(text: () => string): ReturnType<typeof plainInstance> {
  let value: string;
  try {
    value = text();
  } catch {
    return { ...plainInstance('', 0), out: 'the value is not UTF-8 text' };
  }
  return valueOf(value);
}

function valueOf(text: string): ReturnType<typeof plainInstance> {
  const bare = text.trim();
  const { address = bare, weight = 1, color = null } = (jsonOf(bare) ?? {}) as Readonly<Record<string, unknown>>;
  const parsed = typeof address === 'string' && text.length <= VALUE_CHARS_MAX ? parseAddress(address) : null;
  if (parsed === null || parsed.port < 1 || parsed.port > 65_535) {
    return { ...plainInstance('', 0), out: 'the value is neither host:port nor a mapping with an address' };
  }
  const isWeight = typeof weight === 'number' && weight > 0 && weight <= WEIGHT_MAX;
  const isColor = color === null || typeof color === 'string';
  const said = { weight: isWeight ? weight : 1, color: isColor ? color : null };
  const ignored = [
    ...(isWeight ? [] : ['etcd: a weight that is no number above 0']),
    ...(isColor ? [] : ['etcd: color']),
  ];
  return { ...plainInstance(parsed.host, parsed.port), ...said, ignored };
}

/** Null unless the text is a JSON object. */
function jsonOf(text: string): object | null {
  if (!text.startsWith('{')) return null;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' ? value : null;
  } catch {
    return null;
  }
}
