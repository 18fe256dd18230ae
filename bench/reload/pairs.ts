/**
 * Turns of one open loop in pairs, while something is done to a gateway and while it is not: what requests met in each.
 */

import { findBinary } from '../../test/support/runner/servers.ts';
import { type Children, freePort, untilReady } from '../macro/children.ts';
import { runOpenLoop } from '../macro/load/open-loop-run.ts';
import { median, ratios } from '../macro/report/statistics.ts';
import { upstreamCommand } from '../macro/upstream.ts';

const CONNECTIONS = 32;
const WARM_UP_MS = 500;

/** What requests met in one turn. */
export interface Turn {
  readonly requests: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** Two turns right after one another. */
export interface Pair {
  readonly disturbed: Turn;
  readonly calm: Turn;
}

export interface PairsOptions {
  readonly children: Children;
  readonly proxyUrl: string;
  /** Requests per second. */
  readonly rate: number;
  readonly seconds: number;
  /** Begins what is done in a turn; resolves with what ends it. */
  readonly begin: (isCalm: boolean) => Promise<() => Promise<void>>;
  /** Whether there were turns enough. */
  readonly isEnough: (pairs: number) => boolean;
  /** Further cells of a line. */
  readonly more: () => string;
}

/** Starts nginx as a service that answers from memory; resolves with its port. */
export async function startUpstream(children: Children, folder: string, signal: AbortSignal): Promise<number> {
  const nginx = findBinary('nginx');
  if (nginx === null) throw new Error('nginx is not installed');
  const port = await freePort();
  const upstream = children.start('upstream', [], upstreamCommand(folder, port, nginx));
  await untilReady(upstream, `http://127.0.0.1:${port}/`, signal);
  return port;
}

/** Takes turns, the order of a pair the reverse of that before, and prints a line for each pair. @throws at the first bad answer */
export async function measurePairs(options: PairsOptions): Promise<Pair[]> {
  const pairs: Pair[] = [];
  console.log('pair    p50 ms  calm   p99 ms  calm    max ms  calm');
  while (!options.isEnough(pairs.length)) {
    const isCalmFirst = pairs.length % 2 === 1;
    const first = await takeTurn(options, isCalmFirst, pairs.length);
    const second = await takeTurn(options, !isCalmFirst, pairs.length);
    const pair = isCalmFirst ? { disturbed: second, calm: first } : { disturbed: first, calm: second };
    pairs.push(pair);
    const { disturbed, calm } = pair;
    const cells = [disturbed.p50Ms, calm.p50Ms, disturbed.p99Ms, calm.p99Ms, disturbed.maxMs, calm.maxMs];
    const shown = cells.map((ms) => ms.toFixed(2).padStart(8)).join('');
    console.log(`${String(pairs.length).padStart(4)}  ${shown}  ${options.more()}`);
  }
  return pairs;
}

async function takeTurn(
  { children, proxyUrl, rate, seconds, begin }: PairsOptions,
  isCalm: boolean,
  seed: number,
): Promise<Turn> {
  const end = await begin(isCalm);
  const port = Number(new URL(proxyUrl).port);
  const plan = {
    warmUpMs: WARM_UP_MS,
    measureMs: seconds * 1000,
    connections: CONNECTIONS,
    rate,
    spacing: 'poisson',
  } as const;
  try {
    const around = { onBegin: () => undefined, onEnd: () => undefined };
    return await runOpenLoop(children, [], { ...plan, port, seed }, around);
  } finally {
    await end();
  }
}

/** Prints the 99th percentiles and returns the median of the quotients of pairs. */
export function reportPairs(what: string, pairs: readonly Pair[]): number {
  const [disturbed, calm] = [pairs.map((one) => one.disturbed), pairs.map((one) => one.calm)];
  const p99 = (turns: readonly Turn[]): number[] => turns.map(({ p99Ms }) => p99Ms);
  const requests = [...disturbed, ...calm].reduce((sum, one) => sum + one.requests, 0);
  const ratio = median(ratios(p99(disturbed), p99(calm)));
  console.log(`${requests} requests in ${pairs.length} pairs of turns, 0 failed`);
  console.log(
    `p99 ${what} ${median(p99(disturbed)).toFixed(2)} ms, else ${median(p99(calm)).toFixed(2)} ms (medians over turns)`,
  );
  console.log(`median of the quotients of pairs ${ratio.toFixed(2)}`);
  return ratio;
}
