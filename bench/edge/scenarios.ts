/**
 * What the edge bench measures, and the load of each scenario.
 */

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { pinned } from '../macro/children.ts';
import { SMALL_GET } from '../macro/load/request.ts';
import { runLoad } from '../macro/load/wrk.ts';
import { LARGE_PATH } from '../macro/upstream.ts';
import { type Counted, runH2Load } from './h2load.ts';
import { GRPC_PATH, type UpstreamKind } from './upstreams.ts';

/** What a load needs to know. */
export interface LoadTerms {
  /** The run's folder. */
  readonly folder: string;
  /** File with one message of gRPC. */
  readonly call: string;
  readonly cores: readonly number[];
  readonly port: number;
  readonly seconds: number;
  readonly binary: (name: string) => string;
  readonly signal: AbortSignal;
}

export interface Scenario {
  readonly name: string;
  readonly title: string;
  /** What CPU time is divided by. */
  readonly unit: string;
  readonly upstream: UpstreamKind;
  /** Largest median of Sluice's CPU time over nginx's that passes; null: nothing is promised. */
  readonly goal: number | null;
  readonly load: (terms: LoadTerms) => Promise<Counted>;
}

/** Handshakes under way at a time: enough to keep a gateway busy. */
const HANDSHAKE_LANES = 16;
const SOCKETS = 64;

async function wrk(terms: LoadTerms, path: string, connections: number): Promise<Counted> {
  const { binary, folder, cores, port, seconds, signal } = terms;
  const shape = { ...SMALL_GET, path };
  const load = {
    wrk: binary('wrk'),
    folder,
    cores,
    port,
    scheme: 'https',
    shape,
    connections,
    seconds,
    signal,
  } as const;
  const { requests, badStatus, socketErrors } = await runLoad(load);
  return { units: requests, bad: badStatus + socketErrors };
}

function h2(terms: LoadTerms, streams: number, call?: string): Promise<Counted> {
  const { binary, cores, port, seconds, signal } = terms;
  const path = call === undefined ? SMALL_GET.path : GRPC_PATH;
  const load = { h2load: binary('h2load'), cores, port, path, connections: 1, streams, seconds, signal };
  return runH2Load(call === undefined ? load : { ...load, call });
}

/** A script of this folder, which prints what it counted. */
async function child(terms: LoadTerms, script: string, ...args: readonly (string | number)[]): Promise<Counted> {
  const { cores, port, seconds, signal } = terms;
  const words = [join(import.meta.dirname, script), port, ...args, seconds].map(String);
  const [program = '', ...rest] = pinned(cores, [process.execPath, ...words]);
  const { stdout } = await promisify(execFile)(program, rest, { signal });
  return JSON.parse(stdout) as Counted;
}

export const SCENARIOS: readonly Scenario[] = [
  {
    name: 'tls-get',
    title: 'small GET over TLS 1.3, 64 kept connections, HTTP/1.1',
    unit: 'request',
    upstream: 'http',
    goal: 1.4,
    load: (terms) => wrk(terms, SMALL_GET.path, 64),
  },
  {
    name: 'handshake-full',
    title: 'whole handshakes of TLS 1.3, a key on P-256',
    unit: 'handshake',
    upstream: 'http',
    goal: 1.3,
    load: (terms) => child(terms, 'handshake-child.ts', 'full', HANDSHAKE_LANES),
  },
  {
    name: 'handshake-resumed',
    title: 'handshakes of TLS 1.3 that resume a session',
    unit: 'handshake',
    upstream: 'http',
    goal: 1.3,
    load: (terms) => child(terms, 'handshake-child.ts', 'resumed', HANDSHAKE_LANES),
  },
  {
    name: 'tls-large',
    title: 'answers of 1 MiB over TLS 1.3, 16 connections, HTTP/1.1',
    unit: 'MiB',
    upstream: 'http',
    goal: 1.2,
    load: (terms) => wrk(terms, LARGE_PATH, 16),
  },
  {
    name: 'h2-16',
    title: 'small GET over HTTP/2 and TLS, one connection with 16 streams at a time',
    unit: 'request',
    upstream: 'http',
    goal: 1.8,
    load: (terms) => h2(terms, 16),
  },
  {
    name: 'h2-100',
    title: 'small GET over HTTP/2 and TLS, one connection with 100 streams at a time',
    unit: 'request',
    upstream: 'http',
    goal: 1.8,
    load: (terms) => h2(terms, 100),
  },
  {
    name: 'grpc',
    title: 'unary calls of gRPC over TLS, one connection with 16 streams at a time, HTTP/2 behind',
    unit: 'call',
    upstream: 'grpc',
    goal: 1.8,
    load: (terms) => h2(terms, 16, terms.call),
  },
  {
    name: 'websocket',
    title: 'WebSocket messages of 100 bytes over TLS, there and back, 64 connections',
    unit: 'message',
    upstream: 'socket',
    goal: null,
    load: (terms) => child(terms, 'messages-child.ts', SOCKETS),
  },
];

/** Scenarios by name. @throws Error that names what is unknown */
export function chooseScenarios(names: readonly string[]): Scenario[] {
  const unknown = names.filter((name) => !SCENARIOS.some((one) => one.name === name));
  if (unknown.length === 0) return SCENARIOS.filter(({ name }) => names.includes(name));
  const known = SCENARIOS.map(({ name }) => name).join(', ');
  throw new Error(`--scenario: expected some of ${known}, got ${unknown.join(', ')}`);
}
