/**
 * The command line's surroundings, recorded instead of real.
 */

import { EventEmitter } from 'node:events';
import type { CliDeps } from '#src/cli/deps.ts';
import { sloTools } from '#src/compose/answers/slo-tools.ts';
import type { Gateway, GatewayOptions } from '#src/model/gateway.ts';

export interface Recorded {
  readonly deps: CliDeps;
  readonly events: EventEmitter;
  readonly exits: number[];
  readonly out: () => string;
  readonly err: () => string;
}

/** Surroundings without a terminal. `changes` replace single parts. */
export function recordedDeps(changes: Partial<CliDeps> = {}): Recorded {
  const out: string[] = [];
  const err: string[] = [];
  const exits: number[] = [];
  const events = new EventEmitter();
  const stdin = Object.assign(new EventEmitter(), { resume: () => undefined, pause: () => undefined });
  const deps: CliDeps = {
    version: '9.9.9',
    engines: '^24.21.0 || >=26.10.0',
    startGateway: () => Promise.reject(new Error('no gateway in this test')),
    config: async () => ({
      readText: () => Promise.reject(new Error('no files in this test')),
      parse: () => ({ ok: false, problems: [] }),
      sources: () => null,
      hash: () => '',
      format: (text) => ({ ok: true, text }),
      schema: () => ({ title: 'a schema' }),
      forecast: () => ({ kind: 'done', forecasts: [] }),
      simulate: async () => ({ kind: 'unknown', detail: 'nothing is simulated in this test' }),
      explainSetting: () => ({ kind: 'refused', detail: 'nothing is explained in this test' }),
      explainRoute: () => ({ kind: 'refused', detail: 'nothing is explained in this test' }),
      signing: {
        hasKeys: async () => false,
        sign: () => Promise.reject(new Error('no keys in this test')),
        verify: () => Promise.reject(new Error('no keys in this test')),
      },
    }),
    log: async () => ({
      read: () => [],
      format: () => '',
      replay: () => ({ tapes: [], reverts: [], ticks: 0, segmentsUnused: 0 }),
    }),
    slo: async () => sloTools,
    stdin,
    stdout: { write: (text) => out.push(text), on: () => undefined },
    stderr: { write: (text) => err.push(text), on: () => undefined },
    env: {},
    events,
    exit: (code) => exits.push(code),
    ...changes,
  };
  return { deps, events, exits, out: () => out.join(''), err: () => err.join('') };
}

export interface FakeGateway {
  readonly gateway: Gateway;
  readonly started: GatewayOptions[];
  readonly calls: string[];
  readonly start: (options: GatewayOptions) => Promise<Gateway>;
  /** Lets `closed` resolve. */
  readonly close: (code: number) => void;
}

/** A gateway that does nothing but say what it was told. Draining does not close it; `close` does. */
export function fakeGateway(): FakeGateway {
  const calls: string[] = [];
  const started: GatewayOptions[] = [];
  const { promise: closed, resolve: close } = Promise.withResolvers<number>();
  const gateway: Gateway = {
    proxyUrls: ['http://127.0.0.1:8080'],
    adminUrl: 'http://127.0.0.1:9900',
    configHash: '3f9a1c00'.repeat(8),
    reload: () => void calls.push('reload'),
    restart: (by) => {
      calls.push(`restart by ${by}`);
      return { kind: 'begun', pid: 4711, limitMs: 100_000 };
    },
    defect: (error, origin) => void calls.push(`${origin}: ${String(error)}`),
    drain: () => {
      calls.push('drain');
      return Promise.resolve();
    },
    closed,
  };
  const start = (options: GatewayOptions) => {
    started.push(options);
    return Promise.resolve(gateway);
  };
  return { gateway, started, calls, start, close };
}
