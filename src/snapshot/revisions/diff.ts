/**
 * What differs between two configurations: by route, service and field, in words that the documents use where they have names.
 *
 * Lists of named things (routes, services, versions, backends, header fields) are compared by their names, all others as a
 * whole. Secrets are redacted on both sides: that one changed is told, not what it was.
 */

import type { Config } from '../../model/config.ts';
import { isSame } from '../../model/threads/parsing/same.ts';
import type { FieldChange, RevisionDiff } from '../../model/threads/revision.ts';

/** Changes that are listed; the rest is counted. */
export const CHANGES_MAX = 1000;

/** What stands in the place of a secret. */
export const REDACTED = '[redacted]';

/** Fields whose content nobody is shown. */
const SECRET_FIELD = /(token|secret|password|passwd|hash)$/i;
/** Header fields whose value nobody is shown. */
const SECRET_HEADER = /(^|-)(authorization|cookie|set-cookie|token|secret|key|password|credential|signature)s?($|-)/i;

/** Everything that differs, routes last, in the order of the configurations. */
export function diffConfigs(before: Config, after: Config): Pick<RevisionDiff, 'changes' | 'more'> {
  const found: FieldChange[] = [];
  const { services: servicesBefore, routes: routesBefore, ...restBefore } = before;
  const { services: servicesAfter, routes: routesAfter, ...restAfter } = after;
  compare({ scope: 'gateway', name: '' }, '', [restBefore, restAfter], found);
  compareNamed('service', servicesBefore, servicesAfter, found);
  compareNamed('route', routesBefore, routesAfter, found);
  return { changes: found.slice(0, CHANGES_MAX), more: Math.max(0, found.length - CHANGES_MAX) };
}

type Place = Pick<FieldChange, 'scope' | 'name'>;
type Pair = readonly [before: unknown, after: unknown];

function compareNamed(
  scope: 'service' | 'route',
  before: readonly { readonly name: string }[],
  after: readonly { readonly name: string }[],
  found: FieldChange[],
): void {
  const old = new Map(before.map((one) => [one.name, one]));
  const now = new Map(after.map((one) => [one.name, one]));
  for (const name of new Set([...old.keys(), ...now.keys()])) {
    compare({ scope, name }, '', [old.get(name), now.get(name)], found);
  }
  const order = (list: readonly { readonly name: string }[], other: ReadonlyMap<string, unknown>): string[] =>
    list.map(({ name }) => name).filter((name) => other.has(name));
  const [orderBefore, orderAfter] = [order(before, now), order(after, old)];
  if (scope === 'route' && !isSame(orderBefore, orderAfter)) {
    found.push({ scope: 'gateway', name: '', field: 'order of routes', before: orderBefore, after: orderAfter });
  }
}

function compare(place: Place, field: string, [before, after]: Pair, found: FieldChange[]): void {
  if (isSame(before, after)) return;
  if (isRecord(before) && isRecord(after)) {
    for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
      compare(place, field === '' ? key : `${field}.${key}`, valuesOf(key, before, after), found);
    }
    return;
  }
  const names = Array.isArray(before) && Array.isArray(after) ? namesOf(before, after) : null;
  if (names === null) {
    found.push({ ...place, field, ...told('before', before), ...told('after', after) });
    return;
  }
  const [old, now] = names;
  for (const name of new Set([...old.keys(), ...now.keys()])) {
    compare(place, `${field}[${name}]`, [old.get(name), now.get(name)], found);
  }
}

/** A value, or that there is none. */
function told(side: 'before' | 'after', value: unknown): Partial<FieldChange> {
  return value === undefined ? {} : { [side]: redact(readable(value)) };
}

/** Of a secret, only whether it changed. */
function valuesOf(key: string, before: Record<string, unknown>, after: Record<string, unknown>): Pair {
  const [old, now] = [before[key], after[key]];
  const isHidden = SECRET_FIELD.test(key) || (key === 'value' && (isSecretHeader(before) || isSecretHeader(after)));
  if (!isHidden || isSame(old, now)) return [old, now];
  return [hidden(old, ''), hidden(now, ', changed')];
}

function hidden(value: unknown, note: string): unknown {
  return value === null || value === undefined ? value : `${REDACTED}${note}`;
}

/** Two lists by the names of what is in them; null where something has none, or two have the same. */
function namesOf(before: readonly unknown[], after: readonly unknown[]): [NamedList, NamedList] | null {
  const lists = [before, after].map((list) => new Map(list.map((one) => [nameOf(one), one])));
  const [old, now] = lists as [Map<string | null, unknown>, Map<string | null, unknown>];
  if (old.has(null) || now.has(null) || old.size !== before.length || now.size !== after.length) return null;
  const common = (list: NamedList, other: NamedList): string[] => [...list.keys()].filter((name) => other.has(name));
  const [first, second] = [old as NamedList, now as NamedList];
  // Only in another order: the whole list is told.
  return isSame(common(first, second), common(second, first)) ? [first, second] : null;
}

type NamedList = ReadonlyMap<string, unknown>;

function nameOf(value: unknown): string | null {
  if (!isRecord(value)) return null;
  const { name, service, version, host, port } = value;
  if (typeof name === 'string') return name;
  if (typeof service === 'string' && typeof version === 'string') return `${service}/${version}`;
  if (typeof host !== 'string' || typeof port !== 'number') return null;
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** JSON has no word for a limit that there is not. */
function readable(value: unknown): unknown {
  if (value === Number.POSITIVE_INFINITY) return 'none';
  if (Array.isArray(value)) return value.map(readable);
  if (!isRecord(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, readable(inner)]));
}

/** A whole configuration for people to read: as it is in force, with its defaults, without its secrets. */
export function readableConfig(config: Config): unknown {
  return redact(readable(config));
}

/** A value without its secrets. */
export function redact(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(redact);
  if (!isRecord(value)) return value;
  const isSecret = isSecretHeader(value);
  const entries = Object.entries(value).map(([key, inner]): [string, unknown] => {
    const isHidden = inner !== null && (SECRET_FIELD.test(key) || (key === 'value' && isSecret));
    return [key, isHidden ? REDACTED : redact(inner)];
  });
  return Object.fromEntries(entries);
}

function isSecretHeader({ name, value }: Record<string, unknown>): boolean {
  return typeof name === 'string' && typeof value === 'string' && SECRET_HEADER.test(name);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
