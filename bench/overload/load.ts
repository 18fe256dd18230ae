/**
 * What a load is, and running one: a process of its own, as clients are.
 */

import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Children } from '../macro/children.ts';

/** Requests per second until an instant of the run, in ms after its start. */
export interface LoadPhase {
  readonly untilMs: number;
  readonly rate: number;
}

export interface LoadOrder {
  readonly port: number;
  /** The last one goes on. */
  readonly phases: readonly LoadPhase[];
  readonly durationMs: number;
  /** What arrives before is not measured. */
  readonly fromMs: number;
  /** Times that a client tries again. */
  readonly retries: number;
  readonly seed: number;
}

/** What became of the measured requests of one priority. */
export interface Fates {
  arrived: number;
  /** Answered within the objective, repeated tries included. */
  good: number;
  late: number;
  /** Answered with something else than 200. */
  refused: number;
  timedOut: number;
  /** The connection ended. */
  broken: number;
}

export interface LoadResult {
  /** By priority. */
  readonly fates: readonly Fates[];
  /** Good answers in each second from `fromMs` on. */
  readonly goodBySecond: readonly number[];
  /** Of the whole run, each try counted. */
  readonly refused: number;
  /** Of the whole run: requests that clients wanted, and those that they sent. */
  readonly wished: number;
  readonly sent: number;
  /** From when they were due, of the requests that were not refused, those that were given up included; null for none. */
  readonly p99Ms: number | null;
  /** How much later than due requests were sent. */
  readonly lateP99Ms: number | null;
}

/** Runs a load. @param onLandmark called when the measured time begins and ends. @throws when the process fails */
export async function runLoad(
  children: Children,
  cores: readonly number[],
  order: LoadOrder,
  onLandmark: () => void,
): Promise<LoadResult> {
  const command = [process.execPath, join(import.meta.dirname, 'load-child.ts'), JSON.stringify(order)];
  const child = children.start('load', cores, command);
  const ended = new Promise<number | null>((resolve) => {
    child.process.once('close', resolve);
  });
  if (child.process.stdout === null) throw new Error('the load has no output');
  let last = '';
  for await (const line of createInterface({ input: child.process.stdout })) {
    if (line === 'begin' || line === 'end') onLandmark();
    else last = line;
  }
  const code = await ended;
  if (code !== 0) throw new Error(`the load ended with ${code ?? 'a signal'}: ${child.output()}`);
  return JSON.parse(last) as LoadResult;
}
