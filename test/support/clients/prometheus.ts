/**
 * Prometheus as it comes from Debian, scraping one gateway several times a second.
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type StoreKind, startStore } from '../stores/server.ts';

/** What a query of the HTTP API gives: labels and value of each series. */
export interface Found {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Prometheus {
  /** An instant query, now. */
  query(expr: string): Promise<Found[]>;
  /** Labels and values of exemplars of the last minutes. */
  exemplars(query: string): Promise<{ readonly labels: Readonly<Record<string, string>>; readonly value: string }[]>;
  /** What it says about its one target: empty when the last scrape was good. */
  lastError(): Promise<string>;
}

interface Scraping {
  /** `host:port` of the admin server. */
  readonly target: string;
  readonly interval: string;
  /** Feature flags. */
  readonly features: readonly string[];
}

/** Prometheus with a configuration of its own, as something to be started. */
export function prometheusKind({ target, interval, features }: Scraping): StoreKind {
  const config = {
    global: { scrape_interval: interval, scrape_timeout: interval },
    scrape_configs: [{ job_name: 'sluice', static_configs: [{ targets: [target] }] }],
  };
  return {
    binary: 'prometheus',
    ports: 1,
    args: (folder, [port]) => {
      mkdirSync(folder, { recursive: true });
      const file = join(folder, 'prometheus.yml');
      // JSON is YAML.
      writeFileSync(file, JSON.stringify(config));
      const flags = features.length === 0 ? [] : [`--enable-feature=${features.join()}`];
      return [
        ...[`--config.file=${file}`, `--storage.tsdb.path=${folder}/tsdb`, `--web.listen-address=127.0.0.1:${port}`],
        ...flags,
      ];
    },
    isReady: async (url) => (await fetch(`${url}/-/ready`, { signal: AbortSignal.timeout(1000) })).status === 200,
  };
}

/** Starts one; it ends with the test. */
export async function startPrometheus(t: TestContext, scraping: Scraping): Promise<Prometheus> {
  const server = await startStore(prometheusKind(scraping));
  t.after(() => server.end());
  const ask = async <T>(path: string, fields: Readonly<Record<string, string>> = {}): Promise<T> => {
    const answer = await fetch(`${server.url}/api/v1/${path}?${new URLSearchParams(fields).toString()}`);
    const { status, data, error } = (await answer.json()) as { status: string; data: T; error?: string };
    if (status !== 'success') throw new Error(`${path} ${JSON.stringify(fields)}: ${error}`);
    return data;
  };
  return {
    query: async (expr) => {
      type Result = { readonly metric: Record<string, string>; readonly value: readonly [number, string] };
      const { result } = await ask<{ result: Result[] }>('query', { query: expr });
      return result.map(({ metric, value }) => ({ metric, value: Number(value[1]) }));
    },
    exemplars: async (query) => {
      type Series = { readonly exemplars: { labels: Record<string, string>; value: string }[] };
      const seconds = Date.now() / 1000;
      const span = { start: String(seconds - 600), end: String(seconds + 600) };
      return (await ask<Series[]>('query_exemplars', { query, ...span })).flatMap(({ exemplars }) => exemplars);
    },
    lastError: async () => {
      const { activeTargets } = await ask<{ activeTargets: { lastError: string }[] }>('targets');
      return activeTargets.map(({ lastError }) => lastError).join('; ');
    },
  };
}
