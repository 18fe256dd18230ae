/**
 * Many routes at once in a real store, and word of when a change of them is in force.
 */

import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { askEtcd } from './keys.ts';

const BATCH = 60;

/** A store's keys without the prefix, and their values. */
export type Documents = readonly (readonly [key: string, text: string])[];

export async function fillConsul(url: string, prefix: string, documents: Documents): Promise<void> {
  for (let at = 0; at < documents.length; at += BATCH) {
    const some = documents.slice(at, at + BATCH);
    const steps = some.map(([key, text]) => ({ KV: { Verb: 'set', Key: `${prefix}/${key}`, Value: toBase64(text) } }));
    const answer = await fetch(`${url}/v1/txn`, { method: 'PUT', body: JSON.stringify(steps) });
    assert.equal(answer.status, 200, await answer.text());
  }
}

export async function fillEtcd(url: string, prefix: string, documents: Documents): Promise<void> {
  for (let at = 0; at < documents.length; at += BATCH) {
    const some = documents.slice(at, at + BATCH);
    const success = some.map(([key, text]) => ({
      request_put: { key: toBase64(prefix + key), value: toBase64(text) },
    }));
    await askEtcd(url, 'kv/txn', { success });
  }
}

/** Routes of a host each hundred, over a service for every twenty. */
export function manyRoutes(count: number, ports: readonly number[]): Documents {
  const services = Math.ceil(count / 20);
  return [
    ...Array.from({ length: services }, (_, n) => {
      const port = ports[n % ports.length] as number;
      return [`services/s${n}`, `versions: {v1: {endpoints: ["127.0.0.1:${port}"]}}\n`] as const;
    }),
    ...Array.from({ length: count }, (_, n) => [`routes/${nameOf(n)}`, routeText(n, services, 60)] as const),
  ];
}

/** The document of a route with a time limit in seconds. */
export function routeText(n: number, services: number, seconds: number): string {
  const matches = `matches: [{path: {value: /r/${n}}}]`;
  return `hostnames: [h${n % 100}.test]\n${matches}\nbackendRefs: [{name: s${n % services}}]\ntimeouts: {request: ${seconds}s}\n`;
}

export function nameOf(n: number): string {
  return `r${String(n).padStart(5, '0')}`;
}

/** Counts configurations that every worker obeys, as the log of a gateway tells. */
export class Lives {
  count = 0;
  #waiting: (() => void)[] = [];

  constructor({ stdout, stderr }: ChildProcess) {
    for (const stream of [stdout, stderr]) {
      let rest = '';
      stream?.on('data', (chunk: Buffer) => {
        const lines = (rest + chunk.toString()).split('\n');
        rest = lines.pop() as string;
        for (const line of lines) if (line.includes('"config_live"')) this.#happened();
      });
    }
  }

  /** Resolves with the next one. */
  next(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #happened(): void {
    this.count += 1;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}

function toBase64(text: string): string {
  return Buffer.from(text).toString('base64');
}
