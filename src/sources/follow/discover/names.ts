/**
 * Instances by DNS: every address of a name, or every target of SRV records, asked for again and again.
 *
 * ```
 * dns   A and AAAA of the name; each address is an instance, at the port that the version gives
 * srv   SRV of the name, then A and AAAA of its targets; each address is an instance with the record's port and weight
 * ```
 * - A name that does not exist, or has no such records, is an answer without instances; any other failure of a question,
 *   or of one of several, is no answer at all: half of the addresses would look like the loss of the others.
 * - Of SRV records those of the lowest priority count; the others are for clients that cannot reach any of these. A
 *   target whose name does not exist is left out.
 * - The resolver is Node's (c-ares) with its own sockets, not the system's in libuv's threads: it reads the system's
 *   servers, but neither its hosts file nor its search domains.
 * Source: RFC 1035; RFC 2782.
 */

import { createHash } from 'node:crypto';
import { Resolver } from 'node:dns/promises';
import { SluiceError } from '../../../model/problem.ts';
import { canonicalHost, isHost } from '../../scalars/host.ts';
import { pause } from '../../stores/pause.ts';
import { spreadMs } from '../pace.ts';
import { byPieceName, type Item, type Listing, type Store, type WatchWord } from '../source.ts';
import { INSTANCES_MAX, type Instance, itemOf, plainInstance } from './instance.ts';
import type { DnsSettings } from './lookup.ts';

/** Targets of SRV records that are asked for at the same time. */
const TARGETS_AT_ONCE = 16;
const TARGETS_MAX = 1000;
const TRIES = 2;
/** What says that there is nothing, and not that nobody knows. */
const NOTHING: ReadonlySet<string> = new Set(['ENOTFOUND', 'ENODATA']);

/** What is asked for. */
export type NameQuestion =
  | { readonly kind: 'dns'; readonly name: string; readonly port: number }
  | { readonly kind: 'srv'; readonly name: string };

/** Opens the lookup; nothing is asked yet. @param draw uniform in [0, 1) */
export function openName(question: NameQuestion, settings: DnsSettings, draw: () => number): Store<Item> {
  const lookup = new NameLookup(question, settings);
  return {
    kind: question.kind,
    name: lookup.name,
    isForeign: true,
    isPolled: true,
    list: (signal) => lookup.list(signal),
    watch: async (revision, signal): Promise<WatchWord<Item>> => {
      await pause(spreadMs(settings.intervalMs, draw()), signal);
      const listing = await lookup.list(signal);
      return listing.revision === revision ? { kind: 'same' } : { kind: 'listing', listing };
    },
    close: () => undefined,
  };
}

class NameLookup {
  readonly name: string;
  readonly #question: NameQuestion;
  readonly #settings: DnsSettings;

  constructor(question: NameQuestion, settings: DnsSettings) {
    this.#question = question;
    this.#settings = settings;
    this.name = question.kind === 'srv' ? `srv ${question.name}` : `dns ${question.name}:${question.port}`;
  }

  /** @throws SluiceError `SLU_SOURCE_UNAVAILABLE` */
  async list(signal: AbortSignal): Promise<Listing<Item>> {
    const { servers, timeoutMs } = this.#settings;
    const resolver = new Resolver({ timeout: timeoutMs, tries: TRIES });
    if (servers.length > 0) resolver.setServers(servers);
    const cancel = (): void => resolver.cancel();
    signal.addEventListener('abort', cancel, { once: true });
    try {
      const instances = await this.#instances(resolver);
      if (instances.length > INSTANCES_MAX) throw new Error(`more than ${INSTANCES_MAX} addresses`);
      const items = instances.map((instance) => itemOf(`${instance.host} ${instance.port}`, instance));
      const pieces = items.toSorted(byPieceName).filter(({ name }, index, all) => name !== all[index - 1]?.name);
      const hash = createHash('sha256').update(pieces.map(({ text }) => text).join('\n'));
      return { pieces, revision: hash.digest('hex').slice(0, 16) };
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new SluiceError('SLU_SOURCE_UNAVAILABLE', `${this.name}: ${why}`, { cause: error });
    } finally {
      signal.removeEventListener('abort', cancel);
    }
  }

  async #instances(resolver: Resolver): Promise<Instance[]> {
    const question = this.#question;
    if (question.kind === 'srv') return targetsOf(resolver, question.name);
    return (await addressesOf(resolver, question.name)).map((host) => plainInstance(host, question.port));
  }
}

async function targetsOf(resolver: Resolver, name: string): Promise<Instance[]> {
  const records = await orNothing(resolver.resolveSrv(name));
  const first = Math.min(...records.map(({ priority }) => priority));
  // The root as a target says that the service is not to be had there.
  const used = records.filter((record) => record.priority === first && record.name !== '' && record.name !== '.');
  if (used.length > TARGETS_MAX) throw new Error(`more than ${TARGETS_MAX} targets`);
  const hosts = [...new Set(used.map((record) => record.name.toLowerCase()))];
  const addresses = new Map<string, readonly string[]>();
  for (let at = 0; at < hosts.length; at += TARGETS_AT_ONCE) {
    const some = hosts.slice(at, at + TARGETS_AT_ONCE);
    const found = await Promise.all(some.map((host) => addressesOf(resolver, host)));
    for (const [index, host] of some.entries()) addresses.set(host, found[index] as readonly string[]);
  }
  return used.flatMap(({ name: target, port, weight }) =>
    (addresses.get(target.toLowerCase()) as readonly string[]).map((host) => ({
      ...plainInstance(host, port),
      weight,
    })),
  );
}

/** A and AAAA of a name; an address is its own. */
async function addressesOf(resolver: Resolver, name: string): Promise<string[]> {
  const [v4, v6] = await Promise.all([orNothing(resolver.resolve4(name)), orNothing(resolver.resolve6(name))]);
  return [...v4, ...v6].filter(isHost).map(canonicalHost);
}

async function orNothing<T>(answer: Promise<T[]>): Promise<T[]> {
  try {
    return await answer;
  } catch (error) {
    if (NOTHING.has((error as NodeJS.ErrnoException).code ?? '')) return [];
    throw error;
  }
}
