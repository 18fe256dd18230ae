/**
 * All lookups of a configuration: opened when a version asks for one, shared by those that ask the same, closed with the
 * last of them.
 *
 * Each is followed as sources are (follow/follower.ts): the last good instances stay while nobody answers, and a sudden
 * loss is not believed before it has lasted. What comes of them is asked for, never handed out: `find` is cheap.
 */

import type { EndpointConfig } from '../../../model/config.ts';
import type { EndpointsFrom } from '../../../model/health.ts';
import type { SourceStatus } from '../../../model/status.ts';
import type { UpstreamTerms } from '../../../model/threads/tls.ts';
import { type FollowEvent, Follower, type FollowerOptions } from '../follower.ts';
import { isThinned } from '../guard.ts';
import type { Recalled } from '../held.ts';
import type { Item, Store } from '../source.ts';
import { openCatalog } from './consul-catalog.ts';
import { openKeys } from './etcd-keys.ts';
import { endpointsOf, type Instance, instanceOf } from './instance.ts';
import { type DiscoverySettings, lookupKey, registryOf } from './lookup.ts';
import { openName } from './names.ts';

export interface DiscoveryOptions extends Omit<FollowerOptions<Item>, 'store' | 'onEvent' | 'isShrunk'> {
  readonly registries: DiscoverySettings;
  /** `source`: the lookup's name. */
  readonly onEvent: (source: string, event: FollowEvent) => void;
  /** A test may put its own in. */
  readonly open?: (from: EndpointsFrom) => Store<Item>;
}

/** A lookup, and what it holds. */
export interface Holding {
  readonly key: string;
  readonly name: string;
  /** Whom it is asked of. */
  readonly registry: string;
  /** It answered, or had its time to. */
  readonly isSettled: boolean;
  /** Null: nothing. */
  readonly held: Pick<Recalled<Item>, 'pieces' | 'confirmedAt'> | null;
}

interface Lookup extends Pick<Holding, 'name' | 'registry'> {
  readonly follower: Follower<Item>;
  /** Resolves when it answered, or had its time to. */
  readonly settled: Promise<void>;
  isSettled: boolean;
  hasAnswered: boolean;
  read: Reading;
}

/** Instances, and the pieces that they were read from. */
interface Reading {
  readonly pieces: readonly Item[];
  readonly instances: readonly Instance[];
  /** By `service/version` of their keys, where they have such. */
  readonly byKey: ReadonlyMap<string, readonly Instance[]>;
}

const NOTHING_READ: Reading = { pieces: [], instances: [], byKey: new Map() };

export class Discovery {
  readonly #options: DiscoveryOptions;
  readonly #lookups = new Map<string, Lookup>();

  constructor(options: DiscoveryOptions) {
    this.#options = options;
  }

  /**
   * Opens what is asked for and not open yet. Resolves when all that is asked for has answered, at most after the start's
   * time, with the names of those that have not; null: there is nothing to wait for.
   * @throws SluiceError `SLU_SOURCE_UNAVAILABLE` when a certificate cannot be read
   */
  open(wanted: Iterable<EndpointsFrom>): Promise<readonly string[]> | null {
    const asked = new Set<Lookup>();
    for (const from of wanted) {
      const key = lookupKey(from);
      const lookup = this.#lookups.get(key) ?? this.#begin(from);
      this.#lookups.set(key, lookup);
      asked.add(lookup);
    }
    const waiting = [...asked].filter(({ isSettled }) => !isSettled);
    if (waiting.length === 0) return null;
    const unanswered = (): string[] => waiting.filter(({ hasAnswered }) => !hasAnswered).map(({ name }) => name);
    return Promise.all(waiting.map(({ settled }) => settled)).then(unanswered);
  }

  /** Closes what nobody asks for any more. */
  retain(wanted: Iterable<EndpointsFrom>): void {
    const keys = new Set([...wanted].map(lookupKey));
    for (const [key, { follower }] of this.#lookups) {
      if (keys.has(key)) continue;
      follower.close();
      this.#lookups.delete(key);
    }
  }

  /** The endpoints of a version as they are known now. @param terms what they are asked in. Cost: O(instances of the lookup). */
  find(from: EndpointsFrom, terms: UpstreamTerms): readonly EndpointConfig[] {
    const lookup = this.#lookups.get(lookupKey(from));
    if (lookup === undefined) return [];
    const { instances, byKey } = readingOf(lookup);
    if (from.kind === 'etcd') return endpointsOf(byKey.get(`${from.service}/${from.version}`) ?? [], terms);
    const own = from.kind === 'consul' ? instances.filter((instance) => isOf(instance, from)) : instances;
    return endpointsOf(own, terms);
  }

  /** What the registrations of a lookup say that is not followed, each once, in order. */
  ignored(name: string): string[] {
    const lookup = [...this.#lookups.values()].find((one) => one.name === name);
    const said = lookup === undefined ? [] : readingOf(lookup).instances.flatMap(({ ignored }) => ignored);
    return [...new Set(said)].toSorted();
  }

  /** Every lookup that is open. */
  holdings(): Holding[] {
    return [...this.#lookups].map(([key, { name, registry, isSettled, follower }]) => ({
      ...{ key, name, registry, isSettled },
      held: follower.held,
    }));
  }

  /** Has a lookup go on with what an earlier process knew, until it answers. @returns whether it does */
  recall(key: string, recalled: Recalled<Item>): boolean {
    return this.#lookups.get(key)?.follower.recall(recalled) ?? false;
  }

  /** Asks every registry now; sudden losses that were not believed are believed. */
  reload(): void {
    for (const { follower } of this.#lookups.values()) follower.reload();
  }

  status(): SourceStatus[] {
    return [...this.#lookups.values()].map(({ follower }) => follower.status());
  }

  /** Idempotent. */
  close(): void {
    this.retain([]);
  }

  #begin(from: EndpointsFrom): Lookup {
    const { open = (one: EndpointsFrom) => this.#openStore(one), onEvent, registries } = this.#options;
    const store = open(from);
    const { name } = store;
    const options = { ...this.#options, store, isShrunk: isThinned };
    const follower = new Follower({ ...options, onEvent: (event) => onEvent(name, event) });
    const { promise: settled, resolve } = Promise.withResolvers<void>();
    const known = { name, registry: registryOf(from, registries), follower, settled };
    const lookup: Lookup = { ...known, isSettled: false, hasAnswered: false, read: NOTHING_READ };
    const settle = (): void => {
      lookup.isSettled = true;
      resolve();
    };
    const { timers, settings } = this.#options;
    const timer = timers.set(settle, settings.startTimeoutMs);
    void follower.first.then(() => {
      timers.clear(timer);
      lookup.hasAnswered = true;
      settle();
    });
    follower.start();
    return lookup;
  }

  /** The checks made sure that whoever is asked is named (checks/services.ts); after a change of it, at the next start. */
  #openStore(from: EndpointsFrom): Store<Item> {
    const { registries, draw } = this.#options;
    const { consul, etcd, dns } = registries;
    switch (from.kind) {
      case 'consul':
        return consul === null ? unnamed(from) : openCatalog({ ...consul, service: from.service });
      case 'etcd':
        return etcd === null ? unnamed(from) : openKeys(etcd);
      case 'dns':
      case 'srv':
        return openName(from, dns, draw);
      default:
        return from satisfies never;
    }
  }
}

/** A lookup that always fails, and says why. */
function unnamed({ kind }: EndpointsFrom): Store<Item> {
  const why = `discovery.${kind} was not there at the start; restart the gateway`;
  const fail = (): Promise<never> => Promise.reject(new Error(why));
  return {
    kind: kind === 'etcd' ? 'etcd-endpoints' : 'consul-catalog',
    name: kind,
    isForeign: true,
    list: fail,
    watch: fail,
    close: () => undefined,
  };
}

/** Read once for each answer. */
function readingOf(lookup: Lookup): Reading {
  const { pieces } = lookup.follower;
  if (lookup.read.pieces === pieces) return lookup.read;
  const instances = pieces.map(instanceOf);
  const keyed = instances.filter(({ service }) => service !== null);
  lookup.read = { pieces, instances, byKey: Map.groupBy(keyed, ({ service, version }) => `${service}/${version}`) };
  return lookup.read;
}

function isOf(instance: Instance, from: EndpointsFrom & { readonly kind: 'consul' }): boolean {
  const { version, except, color, tags } = from;
  if (version !== null && instance.version !== version) return false;
  if (color !== null && instance.color !== color) return false;
  if (instance.version !== null && except.includes(instance.version)) return false;
  return tags.every((tag) => instance.tags.includes(tag));
}
