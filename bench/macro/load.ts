/**
 * Runs wrk once and reads what it measured.
 *
 * wrk is a closed loop: a connection sends its next request only after its answer, so a gateway that stalls is asked
 * less, and its latency looks better than users would find it (coordinated omission). CPU per request does not suffer
 * from that; latencies compare gateways under the same rule and are no promise to users.
 */

import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { wrkScript } from './request.ts';

/** What one run of wrk saw. */
export interface LoadResult {
  readonly requests: number;
  readonly durationUs: number;
  /** Answers with a status of 400 or more. */
  readonly badStatus: number;
  readonly socketErrors: number;
  readonly p50Us: number;
  readonly p90Us: number;
  readonly p99Us: number;
  readonly maxUs: number;
}

/** How to load. */
export interface Load {
  readonly wrk: string;
  /** Where the script is written. */
  readonly folder: string;
  /** Core of the load generator; -1 = any. */
  readonly core: number;
  readonly port: number;
  readonly connections: number;
  readonly seconds: number;
  /** Pause between an answer and the connection's next request, in ms; 0 = saturation. */
  readonly thinkMs: number;
  readonly signal: AbortSignal;
}

const FIELDS = ['requests', 'durationUs', 'badStatus', 'socketErrors', 'p50Us', 'p90Us', 'p99Us', 'maxUs'] as const;

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

/** Pause of each connection for a total rate, when an answer takes about `latencyMs`; at least 1 ms. */
export function thinkMsFor(rate: number, connections: number, latencyMs: number): number {
  return Math.max(1, Math.round((connections / rate) * 1_000 - latencyMs));
}

/** Loads a port. @throws when wrk fails or is aborted */
export async function runLoad(load: Load): Promise<LoadResult> {
  const script = join(load.folder, `load-${load.port}-${load.thinkMs}.lua`);
  writeFileSync(script, wrkScript(load.port, load.thinkMs));
  const args = ['-t1', `-c${load.connections}`, `-d${load.seconds}s`, '-s', script, `http://127.0.0.1:${load.port}/`];
  const [program, ...rest] =
    load.core < 0 ? [load.wrk, ...args] : ['taskset', '-c', String(load.core), load.wrk, ...args];
  const { stdout, stderr } = await promisify(execFile)(program ?? '', rest, { signal: load.signal });
  return parseLoadResult(`${stderr}\n${stdout}`);
}
