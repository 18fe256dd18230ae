/**
 * Runs wrk once and reads what it measured: the closed loop, for CPU per request.
 *
 * wrk's connections send their next request only after their answer, so a gateway that stalls is asked less, and its
 * latency looks better than users would find it (coordinated omission). CPU per request does not suffer from that;
 * for latencies there is the open loop (`open-loop.ts`).
 */

import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { pinned } from '../children.ts';
import { type Shape, wrkScript } from './request.ts';

/** A connection that waits longer than this for its answer is an error; wrk's own 2 s are too short for 4,096 of them. */
const TIMEOUT_SECONDS = 30;

/** What one run of wrk saw. */
export interface LoadResult {
  readonly requests: number;
  readonly durationUs: number;
  /** Answers with a status of 400 or more. */
  readonly badStatus: number;
  readonly socketErrors: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly maxUs: number;
}

/** How to load. */
export interface Load {
  readonly wrk: string;
  /** Where the script is written. */
  readonly folder: string;
  /** Cores of the load generator; none = any. */
  readonly cores: readonly number[];
  readonly port: number;
  /** Default `http`. */
  readonly scheme?: 'http' | 'https';
  readonly shape: Shape;
  readonly connections: number;
  readonly seconds: number;
  readonly signal: AbortSignal;
}

const FIELDS = ['requests', 'durationUs', 'badStatus', 'socketErrors', 'p50Us', 'p99Us', 'maxUs'] as const;

/** Reads the line that the script printed. @throws when there is none or a number is missing */
export function parseLoadResult(output: string): LoadResult {
  const line = output.split('\n').find((one) => one.startsWith('{'));
  if (line === undefined) throw new Error(`wrk reported nothing:\n${output}`);
  const values = JSON.parse(line) as Record<string, unknown>;
  for (const field of FIELDS) {
    if (typeof values[field] !== 'number') throw new Error(`wrk reported no ${field}: ${line}`);
  }
  return values as unknown as LoadResult;
}

/** Loads a port. @throws when wrk fails or is aborted */
export async function runLoad(load: Load): Promise<LoadResult> {
  const script = join(load.folder, `load-${load.port}.lua`);
  writeFileSync(script, wrkScript(load.shape, load.port));
  const numbers = ['-t1', `-c${load.connections}`, `-d${load.seconds}s`, '--timeout', `${TIMEOUT_SECONDS}s`];
  const command = [load.wrk, ...numbers, '-s', script, `${load.scheme ?? 'http'}://127.0.0.1:${load.port}/`];
  const [program = '', ...args] = pinned(load.cores, command);
  const { stdout, stderr } = await promisify(execFile)(program, args, { signal: load.signal });
  return parseLoadResult(`${stderr}\n${stdout}`);
}

/** Loads a port and forgets the result; 0 seconds = not at all. @throws when wrk fails or is aborted */
export async function warmUp(load: Load): Promise<void> {
  if (load.seconds > 0) await runLoad(load);
}
