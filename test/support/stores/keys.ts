/**
 * Writes keys into real stores, as an operator would.
 */

import assert from 'node:assert/strict';

/** A store to write to, whatever its kind; keys without the prefix. */
export interface Keys {
  put(key: string, value: string): Promise<void>;
  remove(key: string): Promise<void>;
  /** Removes everything at once. */
  removeAll(): Promise<void>;
}

export function consulKeys(url: string, prefix: string): Keys {
  const ask = async (path: string, method: string, body?: string): Promise<void> => {
    const answer = await fetch(`${url}/v1/kv/${prefix}/${path}`, { method, ...(body === undefined ? {} : { body }) });
    assert.equal(answer.status, 200, `${method} ${path}: ${await answer.text()}`);
  };
  return {
    put: (key, value) => ask(key, 'PUT', value),
    remove: (key) => ask(key, 'DELETE'),
    removeAll: () => ask('?recurse', 'DELETE'),
  };
}

/** One call of etcd's JSON gateway. */
export async function askEtcd(
  url: string,
  path: string,
  body: object,
  headers: Record<string, string> = {},
): Promise<Record<string, unknown>> {
  const answer = await fetch(`${url}/v3/${path}`, { method: 'POST', body: JSON.stringify(body), headers });
  const text = await answer.text();
  assert.equal(answer.status, 200, `${path}: ${text}`);
  return JSON.parse(text) as Record<string, unknown>;
}

export function etcdKeys(url: string, prefix: string, headers: Record<string, string> = {}): Keys {
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  return {
    put: async (key, value) => {
      await askEtcd(url, 'kv/put', { key: base64(prefix + key), value: base64(value) }, headers);
    },
    remove: async (key) => {
      await askEtcd(url, 'kv/deleterange', { key: base64(prefix + key) }, headers);
    },
    removeAll: async () => {
      const range = { key: base64(prefix), range_end: base64(`${prefix.slice(0, -1)}0`) };
      await askEtcd(url, 'kv/deleterange', range, headers);
    },
  };
}
