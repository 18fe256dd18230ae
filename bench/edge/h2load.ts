/**
 * Runs h2load once and reads what it counted: HTTP/2 over TLS 1.3, in a closed loop of as many streams as are open at a time.
 */

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { pinned } from '../macro/children.ts';
import { HOST } from './certificate.ts';

/** What a browser sends besides; about as much as the heads of bench/macro. */
const FIELDS = [
  'user-agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36',
  'accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8',
  'accept-language: en-US,en;q=0.5',
  'accept-encoding: gzip, deflate, br, zstd',
  `referer: https://${HOST}/catalog?page=3`,
  'x-user-id: user-0007',
  `cookie: session=${'0123456789abcdef'.repeat(10)}`,
];

export interface H2Load {
  readonly h2load: string;
  /** Cores of the load generator; none = any. */
  readonly cores: readonly number[];
  readonly port: number;
  readonly path: string;
  readonly connections: number;
  /** Of each connection. */
  readonly streams: number;
  readonly seconds: number;
  /** A file whose content is sent as a call of gRPC; absent: a GET. */
  readonly call?: string;
  readonly signal: AbortSignal;
}

/** Units that were answered well, and those that were not. */
export interface Counted {
  readonly units: number;
  readonly bad: number;
}

/** Reads what h2load printed. @throws Error when it did not speak HTTP/2 over TLS 1.3, or says nothing that is known */
export function parseH2Load(output: string): Counted {
  const requests = /^requests: \d+ total, \d+ started, (\d+) done, (\d+) succeeded, (\d+) failed, (\d+) errored/m.exec(
    output,
  );
  const statuses = /^status codes: (\d+) 2xx/m.exec(output);
  if (requests === null || statuses === null) throw new Error(`h2load reported nothing:\n${output}`);
  if (!/^TLS Protocol: TLSv1\.3$/m.test(output) || !/^Application protocol: h2$/m.test(output)) {
    throw new Error(`h2load did not speak HTTP/2 over TLS 1.3:\n${output}`);
  }
  const [done = 0, succeeded = 0, failed = 0] = requests.slice(1).map(Number);
  const good = Math.min(succeeded, Number(statuses[1]));
  return { units: good, bad: Math.max(failed, done - good) };
}

/** Loads a port. @throws Error when h2load fails or is aborted */
export async function runH2Load(load: H2Load): Promise<Counted> {
  const { h2load, cores, port, path, connections, streams, seconds, call, signal } = load;
  const numbers = ['-t1', `-c${connections}`, `-m${streams}`, `-D${seconds}`];
  const asCall = call === undefined ? [] : ['-d', call, '-H', 'content-type: application/grpc', '-H', 'te: trailers'];
  const fields = (call === undefined ? FIELDS : ['user-agent: grpc-c/1.0', 'x-user-id: user-0007']).flatMap((field) => [
    '-H',
    field,
  ]);
  const command = [h2load, ...numbers, ...asCall, ...fields, `https://127.0.0.1:${port}${path}`];
  const [program = '', ...args] = pinned(cores, command);
  const { stdout } = await promisify(execFile)(program, args, { signal });
  return parseH2Load(stdout);
}
