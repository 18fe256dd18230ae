/**
 * Weights in Consul: `<prefix>/weights/<route>`, set by a transaction of one check-and-set.
 *
 * ```
 * read     GET /v1/kv/<key>?consistent      404: there is none
 * write    PUT /v1/txn  [{KV: {Verb: cas, Key, Value, Index}}]      Index 0: only if there is none
 *          200 with the new index, or 409: the index is stale
 * ```
 * The same as `PUT /v1/kv/<key>?cas=`, but for the answer: that one says only `true`, and asking for the index afterwards
 * could tell of somebody else's. What comes with a status of 500 and above may have been done all the same.
 * Source: Consul's HTTP API, "Transactions" (tested with 1.8.7).
 */

import { type Answer, isRefusal, StoreClient } from '../client.ts';
import { addressOf } from '../consul/api.ts';
import { nameOfSource } from '../name.ts';
import type { ConsulSettings } from '../settings.ts';
import {
  failedWrite,
  type Kept,
  NO_REVISION,
  presentOf,
  WEIGHTS_BYTES_MAX,
  type WeightsStore,
  type Written,
} from './writer.ts';

const ASK_MS = 4000;
/** Values are in base64, in an answer that says more. */
const ANSWER_BYTES_MAX = 2 * WEIGHTS_BYTES_MAX;

/** Opens the store; nothing is asked yet. @throws SluiceError `SLU_SOURCE_UNAVAILABLE` (certificates) */
export function openConsulWeights(settings: ConsulSettings): WeightsStore {
  const client = new StoreClient({ name: nameOfSource(settings), tls: settings.tls, secrets: [settings.token] });
  const keyOf = (route: string): string => `${settings.prefix}/weights/${route}`;
  const read = (route: string, signal: AbortSignal): Promise<Kept> => readKey(client, settings, keyOf(route), signal);
  return {
    documentOf: (route) => `consul ${keyOf(route)}`,
    read,
    write: async (route, text, revision, signal) => {
      const key = keyOf(route);
      try {
        const written = await setKey({ client, settings, key, text, revision, signal });
        return written === 'stale'
          ? { kind: 'conflict', present: await presentOf(() => read(route, signal)) }
          : written;
      } catch (error) {
        return failedWrite(error);
      }
    },
    close: () => client.close(),
  };
}

async function readKey(client: StoreClient, settings: ConsulSettings, key: string, signal: AbortSignal): Promise<Kept> {
  const answer = await client.ask({
    ...addressOf(settings, `/v1/kv/${key}`, ['consistent']),
    signal,
    timeoutMs: ASK_MS,
    bytesMax: ANSWER_BYTES_MAX,
  });
  if (answer.status === 404) return { text: null, revision: NO_REVISION };
  if (answer.status !== 200) throw client.refusal(answer);
  const [entry] = (jsonOf(answer) ?? []) as { readonly Value?: unknown; readonly ModifyIndex?: unknown }[];
  const revision = entry?.ModifyIndex;
  if (!Number.isSafeInteger(revision)) throw client.failure('the answer is no key: is this Consul?');
  const value = typeof entry?.Value === 'string' ? entry.Value : '';
  return { text: Buffer.from(value, 'base64').toString('utf8'), revision: String(revision) };
}

interface Setting {
  readonly client: StoreClient;
  readonly settings: ConsulSettings;
  readonly key: string;
  readonly text: string;
  readonly revision: string;
  readonly signal: AbortSignal;
}

async function setKey({ client, settings, key, text, revision, signal }: Setting): Promise<Written | 'stale'> {
  // An index that is none was read nowhere: it cannot be the present one.
  if (!/^[0-9]{1,15}$/.test(revision)) return 'stale';
  const set = { Verb: 'cas', Key: key, Value: Buffer.from(text).toString('base64'), Index: Number(revision) };
  const answer = await client.ask({
    ...addressOf(settings, '/v1/txn', []),
    method: 'PUT',
    body: JSON.stringify([{ KV: set }]),
    signal,
    timeoutMs: ASK_MS,
    bytesMax: ANSWER_BYTES_MAX,
  });
  const { Results: results, Errors: errors } = (jsonOf(answer) ?? {}) as RawTransaction;
  const index = results?.[0]?.KV?.ModifyIndex;
  if (answer.status === 200 && Number.isSafeInteger(index)) return { kind: 'written', revision: String(index) };
  if (answer.status === 409 && /index is stale/.test(errors?.[0]?.What ?? '')) return 'stale';
  const because = client.refusal(answer).message;
  return { kind: isRefusal(answer.status) ? 'refused' : 'unconfirmed', because };
}

interface RawTransaction {
  readonly Results?: readonly { readonly KV?: { readonly ModifyIndex?: unknown } }[] | null;
  readonly Errors?: readonly { readonly What?: string }[] | null;
}

function jsonOf({ text }: Answer): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
