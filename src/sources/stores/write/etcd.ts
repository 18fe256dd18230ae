/**
 * Weights in etcd: `<prefix>weights/<route>`, set by a transaction that compares the key's `mod_revision`.
 *
 * ```
 * read     POST /v3/kv/range                                                     linearizable, as ranges are by default
 * write    POST /v3/kv/txn   compare mod_revision = N ▸ put, else ▸ range        mod_revision 0: there is none
 * ```
 * Members that cannot be connected to are passed over; after a request was sent to one, no other is asked.
 * Source: etcd's rpc.proto (tested with 3.4.23).
 */

import { EtcdGateway, type KeyValue, toBase64 } from '../etcd-gateway.ts';
import type { EtcdSettings } from '../settings.ts';
import { failedWrite, type Kept, NO_REVISION, type WeightsStore, type Written } from './writer.ts';

/** Opens the store; nothing is asked yet. @throws SluiceError `SLU_SOURCE_UNAVAILABLE` (certificates) */
export function openEtcdWeights(settings: EtcdSettings): WeightsStore {
  const gateway = new EtcdGateway(settings);
  const keyOf = (route: string): string => `${settings.prefix}weights/${route}`;
  return {
    documentOf: (route) => `etcd ${keyOf(route)}`,
    read: async (route, signal) => {
      const { kvs } = await overMembers(settings, () =>
        gateway.rotating(signal, () => gateway.range({ key: toBase64(keyOf(route)) }, signal)),
      );
      return keptOf(kvs[0]);
    },
    write: async (route, text, revision, signal) => {
      let outcome: Written = { kind: 'refused', because: `${gateway.name}: no member was asked` };
      for (let member = 0; member < settings.endpoints.length; member++) {
        outcome = await set(gateway, { key: toBase64(keyOf(route)), text, revision, signal });
        if (outcome.kind !== 'refused' || signal.aborted) return outcome;
      }
      return outcome;
    },
    close: () => gateway.client.close(),
  };
}

interface Setting {
  readonly key: string;
  readonly text: string;
  readonly revision: string;
  readonly signal: AbortSignal;
}

async function set(gateway: EtcdGateway, { key, text, revision, signal }: Setting): Promise<Written> {
  try {
    // Whoever cannot log in has sent nothing.
    await gateway.rotating(signal, () => gateway.logInIfNeeded(signal));
  } catch (error) {
    return { kind: 'refused', because: (error as Error).message };
  }
  const isNumber = /^[0-9]{1,19}$/.test(revision);
  const range = { request_range: { key } };
  const question = {
    // A revision that is none was read nowhere: it cannot be the present one.
    compare: [{ key, target: 'MOD', result: 'EQUAL', mod_revision: isNumber ? revision : '-1' }],
    success: [{ request_put: { key, value: toBase64(text) } }],
    failure: [range],
  };
  try {
    const answer = await gateway.rotating(signal, () => gateway.transact(question, signal));
    if (answer.kind === 'refused') return answer;
    if (answer.isDone) return { kind: 'written', revision: answer.revision };
    return { kind: 'conflict', present: keptOf(answer.kvs[0]) };
  } catch (error) {
    return failedWrite(error);
  }
}

/** Asks again while there is another member to ask. */
async function overMembers<T>({ endpoints }: EtcdSettings, ask: () => Promise<T>): Promise<T> {
  for (let left = endpoints.length - 1; ; left--) {
    try {
      return await ask();
    } catch (error) {
      if (left <= 0) throw error;
    }
  }
}

function keptOf(kv: KeyValue | undefined): Kept {
  if (kv === undefined) return { text: null, revision: NO_REVISION };
  return { text: Buffer.from(kv.value, 'base64').toString('utf8'), revision: kv.revision };
}
