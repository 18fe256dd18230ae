/**
 * Stable ids: a route, a version on a route and an endpoint keep their slots in shared memory across reloads.
 *
 * ```
 * cells      `route` and `route/service/version`   also the version's dial: dials are as many as cells
 * units      `route/service/version`               the two versions of a rollout only
 * endpoints  `host:port`, with protocol, PROXY protocol and TLS that are not plain HTTP/1.1's: one per way to speak to it
 * ```
 * - A key that was seen before gets its id back, however long it was away: counters go on where they stopped.
 * - A new key gets the lowest id that was never given out.
 * - Only when a table is full is the id recycled whose key has been away longest, and only if `mayRecycle` agrees: the
 *   caller must see to it that every worker has a snapshot without the key (`absentSince`) and that nothing is in
 *   flight under the id. A key that the snapshot in force still has is never asked for. What was recycled is said, so
 *   that readers of the counters can take the old totals off: the words are not zeroed, another thread owns them.
 * - When nothing may be recycled the tables stay as they were, and the whole configuration is refused.
 *
 * Names hold no `/` (sources/scalars/http.ts), so keys cannot run into each other. Tables are values: assigning gives a
 * new one, and a configuration that is refused later has changed nothing.
 */

import { SluiceError } from '../model/problem.ts';
import type { EndpointSpec, EndpointTls } from '../model/snapshot.ts';
import { ENDPOINTS_MAX, GATEWAY_CELL, UNITS_MAX } from '../model/tallies.ts';
import type { UpstreamTerms, UpstreamTls } from '../model/threads/tls.ts';

export type TableName = 'cells' | 'units' | 'endpoints';

const SLOTS: Readonly<Record<TableName, number>> = { cells: GATEWAY_CELL, units: UNITS_MAX, endpoints: ENDPOINTS_MAX };

/** Ids of one kind. */
export interface IdTable {
  readonly name: TableName;
  readonly ids: ReadonlyMap<string, number>;
  /** Keys that are away, longest first, with the first revision that did not have them. */
  readonly away: ReadonlyMap<string, number>;
}

/** All ids of a gateway. */
export type LiveIds = Readonly<Record<TableName, IdTable>>;

/** An id that could be given to another key. */
export interface RecycleCandidate {
  readonly table: TableName;
  readonly id: number;
  readonly key: string;
  /** First revision without the key. */
  readonly absentSince: number;
}

/** Whether an id may be given away: no worker knows the key any more and nothing is in flight. */
export type MayRecycle = (candidate: RecycleCandidate) => boolean;

/** Tables without any id. */
export const NO_IDS: LiveIds = {
  cells: { name: 'cells', ids: new Map(), away: new Map() },
  units: { name: 'units', ids: new Map(), away: new Map() },
  endpoints: { name: 'endpoints', ids: new Map(), away: new Map() },
};

/** What `assignIds` gives: the new table and the ids that changed their keys. */
export interface Assignment {
  readonly table: IdTable;
  readonly recycled: readonly RecycleCandidate[];
}

/**
 * Gives every key of `wanted` an id, in their order.
 * @param revision of the configuration that wants them
 * @throws SluiceError `SLU_CELLS_EXHAUSTED` when the table is full and too little may be recycled
 * Cost: O(keys in the table).
 */
export function assignIds(
  before: IdTable,
  wanted: Iterable<string>,
  revision: number,
  mayRecycle: MayRecycle,
): Assignment {
  const keys = new Set(wanted);
  const ids = new Map(before.ids);
  const away = new Map([...before.away].filter(([key]) => !keys.has(key)));
  for (const key of ids.keys()) if (!keys.has(key) && !away.has(key)) away.set(key, revision);
  const recycled: RecycleCandidate[] = [];
  const free = freeIds({ ...before, away }, revision, mayRecycle);
  for (const key of keys) {
    if (ids.has(key)) continue;
    const slot = free.next().value;
    if (slot === undefined) throw exhausted(before, keys.size);
    if (slot.recycled !== null) {
      recycled.push(slot.recycled);
      ids.delete(slot.recycled.key);
      away.delete(slot.recycled.key);
    }
    ids.set(key, slot.id);
  }
  return { table: { name: before.name, ids, away }, recycled };
}

interface Slot {
  readonly id: number;
  readonly recycled: RecycleCandidate | null;
}

/** Unused ids from the lowest, then those of keys away longest. Ids are given out densely: the next is the count. */
function* freeIds(table: IdTable, revision: number, mayRecycle: MayRecycle): Generator<Slot, undefined> {
  for (let id = table.ids.size; id < SLOTS[table.name]; id++) yield { id, recycled: null };
  for (const [key, absentSince] of table.away) {
    const candidate = { table: table.name, id: table.ids.get(key) as number, key, absentSince };
    if (absentSince < revision && mayRecycle(candidate)) yield { id: candidate.id, recycled: candidate };
  }
  return undefined;
}

function exhausted(table: IdTable, wantedCount: number): SluiceError {
  const max = SLOTS[table.name];
  const keptCount = table.ids.size;
  return new SluiceError(
    'SLU_CELLS_EXHAUSTED',
    `${table.name}: ${wantedCount} are wanted and ${keptCount} of ${max} are taken; ` +
      'too few belong to routes that are gone and idle',
  );
}

/** Key of a route's own cell. */
export function routeKey(route: string): string {
  return route;
}

/** Key of a version on a route: its cell, dial and unit. */
export function splitKey(route: string, service: string, version: string): string {
  return `${route}/${service}/${version}`;
}

/** Key of an endpoint. */
export function endpointKey(
  { host, port }: { readonly host: string; readonly port: number },
  { tls, protocol, proxyProtocol }: UpstreamTerms = {},
): string {
  const address = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  const spoken = protocol === undefined ? address : `${address} ${protocol}`;
  const announced = proxyProtocol === undefined ? spoken : `${spoken} PROXY v${proxyProtocol}`;
  return tls === undefined ? announced : `${announced} ${upstreamKey(tls)}`;
}

/** What workers are told of an endpoint's TLS. */
function endpointTls(tls: UpstreamTls | undefined): EndpointTls | undefined {
  return tls === undefined ? undefined : { key: upstreamKey(tls), serverName: tls.serverName };
}

/** What workers are told of an endpoint: the same object as before if that says the same. */
export function specOf(
  id: number,
  { host, port }: { readonly host: string; readonly port: number },
  { tls, protocol, proxyProtocol, grpcErrors }: UpstreamTerms,
  known: EndpointSpec | null,
): EndpointSpec {
  const own = endpointTls(tls);
  const isSame = known?.host === host && known.port === port && known.tls?.key === own?.key;
  const isAlike = known?.protocol === protocol && known?.proxyProtocol === proxyProtocol;
  if (isSame && isAlike && known.grpcErrors === grpcErrors) return known;
  return {
    id,
    host,
    port,
    ...(own && { tls: own }),
    ...(protocol && { protocol }),
    ...(proxyProtocol && { proxyProtocol }),
    ...(grpcErrors !== undefined && { grpcErrors }),
  };
}

/** Name of settings, under which workers have what stands in their files. */
export function upstreamKey(tls: UpstreamTls): string {
  return JSON.stringify(tls);
}
