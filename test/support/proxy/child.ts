/**
 * Starts a data plane as a child process and reads its memory, time and counters.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

const FILE = join(import.meta.dirname, 'plane-child.ts');

/** A reading of the child, in bytes and microseconds, after a collection. */
export interface Reading {
  readonly rss: number;
  readonly heapUsed: number;
  readonly external: number;
  /** Client connections. */
  readonly connections: number;
  /** Time on the processor since its start. */
  readonly cpuUs: number;
  /** Exchanges that were bad for the version. */
  readonly bad: number;
  /** Exchanges and attempts under way, by what holds them; all 0 when nothing is. */
  readonly inFlight: { readonly route: number; readonly version: number; readonly endpoint: number };
  /** Connections to the upstream, as counted. */
  readonly upstreamOpen: number;
  /** Sockets of the process, the listener's aside. */
  readonly sockets: number;
}

export interface PlaneChild {
  readonly port: number;
  read(): Promise<Reading>;
}

export interface ChildSketch {
  /** How many it may have open. */
  readonly descriptorsMax?: number;
  /** It speaks HTTP/2 as well. */
  readonly http2?: boolean;
}

/** Starts one for an upstream; it ends with the test. */
export async function planeChildOf(
  t: TestContext,
  upstreamPort: number,
  sketch: ChildSketch = {},
): Promise<PlaneChild> {
  const { descriptorsMax, http2 = false } = sketch;
  const limit = descriptorsMax === undefined ? '' : `ulimit -n ${descriptorsMax}; `;
  const options = ['--expose-gc', '--disable-warning=ExperimentalWarning', FILE, String(upstreamPort)];
  if (http2) options.push('http2');
  const child: ChildProcess = spawn('/bin/sh', ['-c', `${limit}exec "$0" "$@"`, process.execPath, ...options], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  t.after(() => child.kill('SIGKILL'));
  const ended = once(child, 'exit').then(([code]) => Promise.reject(new Error(`the child ended with ${String(code)}`)));
  // Its end is a fault only while somebody waits for it.
  ended.catch(() => undefined);
  const heard = async (): Promise<unknown> => {
    const [message] = (await Promise.race([once(child, 'message'), ended])) as [unknown];
    return message;
  };
  const { port } = (await heard()) as { port: number };
  return {
    port,
    read: () => {
      child.send('read');
      return heard() as Promise<Reading>;
    },
  };
}
