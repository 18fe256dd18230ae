/**
 * Instances: what registries hold of one running copy of a service, and the endpoints that come of them.
 *
 * An instance whose registry says that it is not to be used stays one, but no endpoint: what is counted to tell a loss of
 * data from bad health is instances. An address that two instances have is one endpoint; the first of them counts.
 *
 * ```
 * weight   as registered, 1..1000 as it is; else scaled so that the largest is 1000, and never below 1
 * share    of a version's requests, 0..1: those with one get it, the others divide what is left by their weights
 * ```
 */

import type { EndpointConfig } from '../../../model/config.ts';
import type { UpstreamTerms } from '../../../model/threads/tls.ts';
import { formatAddress } from '../../scalars/address.ts';
import { ENDPOINT_WEIGHT_MAX } from '../../scalars/number.ts';
import type { Item } from '../source.ts';

/** One running copy of a service. It is kept over restarts as it is: with other fields that has another format (kept.ts). */
export interface Instance {
  /** A name that workers resolve themselves, or an address. */
  readonly host: string;
  readonly port: number;
  /** Relative, 0 or more; 0: as little as can be. */
  readonly weight: number;
  /** Fixed share of the version's requests; null: by its weight. */
  readonly share: number | null;
  /** Of the service and version that its key names; null where registries have no such keys. */
  readonly service: string | null;
  readonly version: string | null;
  readonly color: string | null;
  readonly tags: readonly string[];
  /** What it speaks, by its registration; empty: that does not say. */
  readonly schemes: readonly string[];
  /** Why it takes no part: `critical`, `maintenance` …; empty: it does. */
  readonly out: string;
  /** What its registration says that the gateway does not follow. */
  readonly ignored: readonly string[];
}

/** Instances that one lookup takes; more are a failure of it. */
export const INSTANCES_MAX = 10_000;

/** An instance about which nothing is known but its address. */
export function plainInstance(host: string, port: number): Instance {
  const unknown = { share: null, service: null, version: null, color: null } as const;
  return { host, port, weight: 1, ...unknown, tags: [], schemes: [], out: '', ignored: [] };
}

/** As a source's item. */
export function itemOf(name: string, instance: Instance): Item {
  return { name, text: JSON.stringify(instance) };
}

/** The instance of an item that `itemOf` made. */
export function instanceOf({ text }: Item): Instance {
  return JSON.parse(text) as Instance;
}

/**
 * The endpoints of instances that belong to one version, in their order. One that speaks only what the version is not asked in is
 * none; plain HTTP is what tags say where nobody thought of it, so it is never held against an instance.
 */
export function endpointsOf(instances: readonly Instance[], terms: UpstreamTerms): EndpointConfig[] {
  const spoken = schemesOf(terms);
  const byAddress = new Map<string, Instance>();
  for (const instance of instances) {
    const address = formatAddress(instance);
    const isSpoken = instance.schemes.length === 0 || instance.schemes.some((scheme) => spoken.includes(scheme));
    if (instance.out === '' && isSpoken && !byAddress.has(address)) byAddress.set(address, instance);
  }
  const serving = [...byAddress.values()];
  const weights = scaled(sharesOf(serving));
  return serving.map(({ host, port }, index) => ({ host, port, weight: weights[index] as number }));
}

/** What registrations call that which the endpoints of a version are asked in. */
function schemesOf({ tls, protocol }: UpstreamTerms): readonly string[] {
  if (tls !== undefined) return ['http', 'https', 'grpcs'];
  return protocol === undefined ? ['http'] : ['http', 'h2c', 'grpc'];
}

/** Relative weights; where some have a fixed share, shares of all. */
function sharesOf(serving: readonly Instance[]): number[] {
  if (serving.every(({ share }) => share === null)) return serving.map(({ weight }) => weight);
  let fixed = 0;
  let total = 0;
  for (const { share, weight } of serving) {
    if (share === null) total += weight;
    else fixed += share;
  }
  const rest = Math.max(0, 1 - fixed);
  return serving.map(({ share, weight }) => share ?? (total === 0 ? 0 : (rest * weight) / total));
}

function scaled(weights: readonly number[]): number[] {
  const isFine = weights.every((weight) => Number.isInteger(weight) && weight >= 1 && weight <= ENDPOINT_WEIGHT_MAX);
  if (isFine) return [...weights];
  const largest = Math.max(...weights);
  if (largest === 0) return weights.map(() => 1);
  return weights.map((weight) => Math.max(1, Math.round((weight / largest) * ENDPOINT_WEIGHT_MAX)));
}
