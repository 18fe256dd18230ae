/**
 * Turns of one load in pairs, while something is done to a gateway and while it is not: what requests met in each.
 *
 * The gateway may run wherever it likes; everything else has the last core, where the load goes before all others. So the load is not
 * kept waiting by what it measures, and what else there is costs as much in both turns of a pair.
 */

import { fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { findBinary } from '../../test/support/runner/servers.ts';
import { type Children, freePort, untilReady } from '../macro/children.ts';
import { median, medianBounds, ratios } from '../macro/report/statistics.ts';
import { upstreamCommand } from '../macro/upstream.ts';
import type { Measured } from '../scrape/clients.ts';

const CONNECTIONS = 32;
const LOAD_NICENESS = -10;
const WARM_UP_TURNS = 3;
/** Fewer say too little of a quotient: its bounds are then those of the third and the tenth. */
export const PAIRS_MIN = 12;

/** Two turns right after one another. */
export interface Pair {
  readonly disturbed: Measured;
  readonly calm: Measured;
}

export interface PairsOptions {
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

/** Leaves the cores but the last to others: this process, and what it starts from now on. */
export function moveAside(): void {
  const core = String(availableParallelism() - 1);
  spawnSync('taskset', ['-a', '-cp', core, String(process.pid)]);
}

/** Lets a process that was started here run on every core. */
export function letLoose(pid: number): void {
  spawnSync('taskset', ['-a', '-cp', `0-${availableParallelism() - 1}`, String(pid)]);
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
  const load = await startLoad(options);
  const pairs: Pair[] = [];
  console.log('pair    p50 ms  calm   p99 ms  calm    max ms  calm');
  const take = async (isCalm: boolean): Promise<Measured> => {
    const end = await options.begin(isCalm);
    try {
      return await load.measure();
    } finally {
      await end();
    }
  };
  try {
    // Code that has not run yet is compiled, on the cores that requests need.
    for (let turn = 0; turn < WARM_UP_TURNS; turn++) await take(false);
    while (!options.isEnough(pairs.length)) {
      const isCalmFirst = pairs.length % 2 === 1;
      const [first, second] = [await take(isCalmFirst), await take(!isCalmFirst)];
      const pair = isCalmFirst ? { disturbed: second, calm: first } : { disturbed: first, calm: second };
      pairs.push(pair);
      const { disturbed, calm } = pair;
      const cells = [disturbed.p50Ms, calm.p50Ms, disturbed.p99Ms, calm.p99Ms, disturbed.maxMs, calm.maxMs];
      const shown = cells.map((ms) => ms.toFixed(2).padStart(8)).join('');
      console.log(`${String(pairs.length).padStart(4)}  ${shown}  ${options.more()}`);
    }
  } finally {
    await load.end();
  }
  return pairs;
}

/** Clients in a process of their own, that ask all the time. @throws when an answer was bad, or a connection ended */
async function startLoad({ proxyUrl, rate, seconds }: PairsOptions) {
  const gapMs = (CONNECTIONS / rate) * 1000;
  const args = [new URL(proxyUrl).port, CONNECTIONS, gapMs].map(String);
  const child = fork(join(import.meta.dirname, '../scrape/clients.ts'), args);
  process.once('exit', () => child.kill());
  const gone = once(child, 'exit').then(([code]) => {
    throw new Error(`the load ended with ${code}`);
  });
  // Awaited by whoever waits for an answer; at the end by nobody.
  gone.catch(() => undefined);
  const answer = async (): Promise<unknown> => ((await Promise.race([once(child, 'message'), gone])) as unknown[])[0];
  await answer();
  spawnSync('renice', ['-n', String(LOAD_NICENESS), '-p', String(child.pid)]);
  return {
    measure: async (): Promise<Measured> => {
      child.send({ seconds });
      return (await answer()) as Measured;
    },
    end: async (): Promise<void> => {
      child.kill();
      await gone.catch(() => undefined);
    },
  };
}

/** Prints the 99th percentiles and returns the median of the quotients of pairs. */
export function reportPairs(what: string, pairs: readonly Pair[]): number {
  const [disturbed, calm] = [pairs.map((one) => one.disturbed), pairs.map((one) => one.calm)];
  const p99 = (turns: readonly Measured[]): number[] => turns.map(({ p99Ms }) => p99Ms);
  const requests = [...disturbed, ...calm].reduce((sum, { count }) => sum + count, 0);
  const quotients = ratios(p99(disturbed), p99(calm));
  const ratio = median(quotients);
  console.log(`${requests} requests in ${pairs.length} pairs of turns, 0 failed`);
  console.log(
    `p99 ${what} ${median(p99(disturbed)).toFixed(2)} ms, else ${median(p99(calm)).toFixed(2)} ms (medians over turns)`,
  );
  const bounds = medianBounds(quotients);
  const range =
    bounds === null ? 'too few pairs to say how sure' : `95 %: ${bounds.low.toFixed(2)} to ${bounds.high.toFixed(2)}`;
  console.log(`median of the quotients of pairs ${ratio.toFixed(2)} (${range})`);
  return ratio;
}
