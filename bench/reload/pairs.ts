/**
 * Turns of one load in pairs, while something is done to a gateway and while it is not: what requests met in each.
 *
 * The gateway may run wherever it likes; everything else has the last core, where clients and their service go before all others, and
 * stores and writers after them and the gateway, as if they had machines of their own. So what is measured is what the gateway does.
 */

import { fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { once as onlyOnce } from '../../src/lib/once.ts';
import { findBinary } from '../../test/support/runner/servers.ts';
import type { StoreServer } from '../../test/support/stores/server.ts';
import { type Children, freePort, untilReady } from '../macro/children.ts';
import { median, medianBounds, ratios } from '../macro/report/statistics.ts';
import { upstreamCommand } from '../macro/upstream.ts';
import type { Measured } from '../scrape/clients.ts';

/** Of this process as it started, as `taskset` wants them: once it was moved aside, it has one. */
const coresAtStart = onlyOnce(() => {
  const cores = /^Cpus_allowed_list:\s*(.+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  if (cores === undefined) throw new Error('/proc/self/status does not say which cores this process has');
  return cores;
});
const CONNECTIONS = 32;
/** Before the command of what is to go before all others; without privileges it goes only before those that go last. */
const FIRST = ['nice', '-n', '-10'] as const;
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
  /** Go last, with this process. */
  readonly stores: readonly StoreServer[];
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
  place(process.pid, coresAtStart().split(/[-,]/).at(-1) as string);
}

/** Lets a process that was started here run on every core. */
export function letLoose(pid: number): void {
  place(pid, coresAtStart());
}

/**
 * Leaves the core of these processes to whoever wants it (SCHED_IDLE). A priority alone would not do: Linux lets a thread that is woken wait
 * until the one that works has had its slice, of up to 4 ms. Without privileges there is no way back: whatever they are to start runs already.
 */
export function goLast(pids: readonly number[]): void {
  for (const pid of pids) change('chrt', ['-a', '-i', '-p', '0', String(pid)]);
}

function place(pid: number, cores: string): void {
  change('taskset', ['-a', '-cp', cores, String(pid)]);
}

/** @throws when it did not work: what is measured then would be something else */
function change(command: string, args: readonly string[]): void {
  const { error, status, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${error?.message ?? stderr}`);
}

/** Starts nginx as a service that answers from memory; resolves with its port. */
export async function startUpstream(children: Children, folder: string, signal: AbortSignal): Promise<number> {
  const nginx = findBinary('nginx');
  if (nginx === null) throw new Error('nginx is not installed');
  const port = await freePort();
  const upstream = children.start('upstream', [], [...FIRST, ...upstreamCommand(folder, port, nginx)]);
  await untilReady(upstream, `http://127.0.0.1:${port}/`, signal);
  return port;
}

/** Takes turns, the order of a pair the reverse of that before, and prints a line for each pair. @throws at the first bad answer */
export async function measurePairs(options: PairsOptions): Promise<Pair[]> {
  const load = await startLoad(options);
  goLast([process.pid, ...options.stores.map((store) => store.pid())]);
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
  const child = fork(join(import.meta.dirname, '../scrape/clients.ts'), args, {
    execPath: FIRST[0],
    execArgv: [...FIRST.slice(1), process.execPath],
  });
  process.once('exit', () => child.kill());
  const gone = once(child, 'exit').then(([code]) => {
    throw new Error(`the load ended with ${code}`);
  });
  // Awaited by whoever waits for an answer; at the end by nobody.
  gone.catch(() => undefined);
  const answer = async (): Promise<unknown> => ((await Promise.race([once(child, 'message'), gone])) as unknown[])[0];
  await answer();
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
