/**
 * Instances of one service in Consul's catalog, with their health, watched by blocking queries.
 *
 * ```
 * list    GET /v1/health/service/<name>                 all instances, and X-Consul-Index
 * watch   GET /v1/health/service/<name>?index=…&wait=…  answers when the index is another, or when the wait is over
 * ```
 * - All are asked for, not the passing ones alone: an instance that fails its checks was seen and is left out at once,
 *   one that is missing may be a catalog that lost its data.
 * - Takes part: whose every check passes, the node's included. Maintenance is a critical check.
 * - The index of a service that nobody registered rises with the whole catalog: the follower paces its questions.
 * What all questions to Consul have in common: stores/consul/api.ts.
 * Source: Consul's HTTP API, "Health" and "Blocking Queries" (tested with 1.8.7).
 */

import { canonicalHost, isHost } from '../../scalars/host.ts';
import { type Answer, StoreClient } from '../../stores/client.ts';
import { blockingMs, indexOf, readingOf } from '../../stores/consul/api.ts';
import type { ConsulReach } from '../../stores/settings.ts';
import { byPieceName, type Item, type Listing, type Store, type WatchWord } from '../source.ts';
import { readTags } from './dialects.ts';
import { INSTANCES_MAX, type Instance, itemOf } from './instance.ts';

const LIST_MS = 10_000;
const BYTES_MAX = 48 * 1024 * 1024;

export interface CatalogSettings extends ConsulReach {
  readonly service: string;
  readonly canaryTags: readonly string[];
}

/** Opens the lookup; nothing is asked yet. @throws SluiceError `SLU_SOURCE_UNAVAILABLE` (certificates) */
export function openCatalog(settings: CatalogSettings): Store<Item> {
  const name = `consul ${new URL(settings.address).host} service ${settings.service}`;
  const client = new StoreClient({ name, tls: settings.tls, secrets: [settings.token] });
  let isFirst = true;
  return {
    kind: 'consul-catalog',
    name,
    isForeign: true,
    list: async (signal): Promise<Listing<Item>> => {
      const answer = await ask(client, settings, [], { signal, timeoutMs: LIST_MS });
      const listing = { pieces: itemsOf(client, settings, answer), revision: String(indexOf(client, answer, isFirst)) };
      isFirst = false;
      return listing;
    },
    watch: async (revision, signal): Promise<WatchWord<Item>> => {
      const { waitMs } = settings;
      const limits = { signal, timeoutMs: blockingMs(waitMs) };
      const answer = await ask(client, settings, [`index=${revision}`, `wait=${waitMs}ms`], limits);
      return indexOf(client, answer) === Number(revision) ? { kind: 'same' } : { kind: 'changed' };
    },
    close: () => client.close(),
  };
}

async function ask(
  client: StoreClient,
  settings: CatalogSettings,
  fields: readonly string[],
  limits: { readonly signal: AbortSignal; readonly timeoutMs: number },
): Promise<Answer> {
  const question = readingOf(settings, `/v1/health/service/${encodeURIComponent(settings.service)}`, fields);
  const answer = await client.ask({ ...question, ...limits, bytesMax: BYTES_MAX });
  if (answer.status === 200) return answer;
  throw client.refusal(answer);
}

/** Of an entry of the answer, what is read; every field may be missing or something else. */
interface Entry {
  readonly Node?: { readonly Node?: unknown; readonly Address?: unknown } | null;
  readonly Service?: {
    readonly ID?: unknown;
    readonly Address?: unknown;
    readonly Port?: unknown;
    readonly Tags?: unknown;
    readonly Meta?: Readonly<Record<string, unknown>> | null;
    readonly Weights?: { readonly Passing?: unknown } | null;
  } | null;
  readonly Checks?: unknown;
}

function itemsOf(client: StoreClient, settings: CatalogSettings, { text }: Answer): Item[] {
  const list = jsonOf(text);
  if (!Array.isArray(list)) throw client.failure('the answer is no list of instances: is this Consul?');
  if (list.length > INSTANCES_MAX) throw client.failure(`more than ${INSTANCES_MAX} instances`);
  const items: Item[] = [];
  for (const entry of list as readonly (Entry | null)[]) {
    const node = textOf(entry?.Node?.Node);
    const id = textOf(entry?.Service?.ID);
    if (entry === null || id === '') throw client.failure('the answer has an instance without an ID: is this Consul?');
    items.push(itemOf(`${node}/${id}`, instanceOf(entry, settings.canaryTags)));
  }
  return items.toSorted(byPieceName);
}

function instanceOf({ Node, Service, Checks }: Entry, canaryTags: readonly string[]): Instance {
  const tags = Array.isArray(Service?.Tags) ? Service.Tags.filter((tag) => typeof tag === 'string') : [];
  const said = readTags(tags, canaryTags);
  const meta = Service?.Meta ?? {};
  const host = textOf(Service?.Address) || textOf(Node?.Address);
  const port = said.port ?? numberOf(Service?.Port);
  const registered = numberOf(Service?.Weights?.Passing ?? 1);
  const isReachable = isHost(host) && port >= 1 && port <= 65_535;
  return {
    host: isReachable ? canonicalHost(host) : host,
    port,
    weight: said.weight ?? registered,
    share: said.share,
    service: null,
    version: said.version === 'canary' ? 'canary' : textOf(meta['version']) || said.version,
    color: textOf(meta['color']) || said.color,
    tags,
    schemes: said.schemes,
    out: statusOf(Checks) || said.out || (isReachable ? '' : 'no address and port'),
    ignored: said.ignored,
  };
}

/** Empty when every check passes. */
function statusOf(checks: unknown): string {
  if (!Array.isArray(checks)) return 'no checks';
  let worst = '';
  for (const check of checks as readonly { readonly CheckID?: unknown; readonly Status?: unknown }[]) {
    const status = textOf(check?.Status) || 'critical';
    if (status === 'passing') continue;
    if (/^_(?:node|service)_maintenance/.test(textOf(check?.CheckID))) return 'maintenance';
    if (worst !== 'critical') worst = status;
  }
  return worst;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function numberOf(value: unknown): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : 0;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
