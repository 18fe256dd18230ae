/**
 * Runs the latency scenario: every gateway in turn at one open-loop rate, and once without a gateway.
 *
 * The rate is half of what the slower of Sluice and nginx answers at saturation, measured here first. A gateway that
 * cannot carry it (`CARRY_RATIO` of its own saturation is less) gets half of its own, and its row says so. The direct row is
 * the load generator at the same rate against the upstream itself: its own overhead and the upstream's.
 */

import { type Books, readBooks, type Usage, usageBetween } from '../accounts/accounts.ts';
import { CONTENDER } from '../contenders/all.ts';
import { type ContenderName, PLAIN } from '../contenders/contender.ts';
import type { OpenLoopResult } from '../load/open-loop.ts';
import { runOpenLoop } from '../load/open-loop-run.ts';
import { SMALL_GET } from '../load/request.ts';
import { runLoad, warmUp } from '../load/wrk.ts';
import { type Gateway, type Session, startGateway } from '../session.ts';
import { attempt, type LatencyScenario, type Series, type Turns, takeTurn } from './scenario.ts';

export const DIRECT = 'direct';
/** Gateways whose saturation decides on the common rate. */
const RATE_SETTERS = ['sluice', 'nginx'];
const RATE_RATIO = 0.5;
const CARRY_RATIO = 0.8;
/** The generator's compiler settles while its first requests are not counted. */
const WARM_UP_MS = 1_000;

/** What one measurement gives. */
export interface LatencySample extends OpenLoopResult {
  /** CPU time of the gateway per request due; 0 for the direct row. */
  readonly cpuUs: number;
  readonly usage: Usage;
}

/** Samples of one row. */
export interface LatencySeries extends Series<LatencySample> {
  /** Requests per second, open loop. */
  readonly rate: number;
  /** Requests per second at saturation, closed loop; null for the direct row. */
  readonly saturatedRate: number | null;
}

/** The common rate: half of the slower rate setter's; of the slowest gateway's when none of them takes part. */
export function commonRate(saturated: ReadonlyMap<string, number>): number {
  const setters = RATE_SETTERS.flatMap((name) => saturated.get(name) ?? []);
  return Math.round(Math.min(...(setters.length > 0 ? setters : saturated.values())) * RATE_RATIO);
}

/** A row's rate: the common one, or half of its own saturation when that is too little for it. Null = not known. */
export function rateFor(common: number, saturatedRate: number | null): number {
  return saturatedRate === null || common <= saturatedRate * CARRY_RATIO
    ? common
    : Math.round(saturatedRate * RATE_RATIO);
}

/** A row that takes its turns. */
interface Entrant extends Turns<LatencySample> {
  readonly version: string;
  /** Null for the direct row, and for a gateway that has not started. */
  gateway: Gateway | null;
  port: number;
  rate: number;
  saturatedRate: number | null;
}

/** Starts a gateway, warms it up and measures its saturation. */
async function enter(name: ContenderName, connections: number, session: Session): Promise<Entrant> {
  const { options, folder, cores, signal, binary } = session;
  const contender = CONTENDER[name];
  const unstarted = { gateway: null, port: 0, rate: 0, saturatedRate: null, refused: null };
  const entrant: Entrant = { name, version: contender.version(binary), samples: [], ...unstarted };
  await attempt(entrant, signal, async () => {
    entrant.gateway = await startGateway(session, contender, PLAIN);
    entrant.port = entrant.gateway.place.port;
    const seconds = options.warmUpSeconds;
    const { port } = entrant;
    const load = {
      wrk: binary('wrk'),
      folder,
      cores: cores.load,
      port,
      shape: SMALL_GET,
      connections,
      seconds,
      signal,
    };
    await warmUp(load);
    if (seconds === 0) return;
    const { requests, durationUs } = await runLoad(load);
    entrant.saturatedRate = requests / (durationUs / 1e6);
  });
  return entrant;
}

async function enterAll(scenario: LatencyScenario, session: Session): Promise<Entrant[]> {
  const entrants: Entrant[] = [];
  for (const name of scenario.contenders) entrants.push(await enter(name, scenario.connections, session));
  const saturated = new Map(entrants.flatMap(({ name, saturatedRate: rate }) => (rate === null ? [] : [[name, rate]])));
  const common = session.options.rate > 0 ? session.options.rate : commonRate(saturated);
  const direct: Entrant = {
    name: DIRECT,
    version: '',
    gateway: null,
    port: session.upstreamPort,
    rate: 0,
    saturatedRate: null,
    refused: null,
    samples: [],
  };
  return [direct, ...entrants].map((entrant) => ({ ...entrant, rate: rateFor(common, entrant.saturatedRate) }));
}

async function measure(entrant: Entrant, connections: number, seed: number, session: Session): Promise<LatencySample> {
  const { children, cores, options, upstream, ticksPerSecond } = session;
  const books: Books[] = [];
  const read = (load: number): void => {
    books.push(readBooks({ gateway: entrant.gateway?.child.pid ?? null, upstream: upstream.pid, load }));
  };
  const order = {
    port: entrant.port,
    connections,
    rate: entrant.rate,
    spacing: 'poisson',
    seed,
    warmUpMs: options.isSmoke ? 0 : WARM_UP_MS,
    measureMs: options.seconds * 1_000,
    isSmoke: options.isSmoke,
  } as const;
  const result = await runOpenLoop(children, cores.load, order, { onBegin: read, onEnd: read });
  const [before, after] = books;
  if (before === undefined || after === undefined) throw new Error('the open loop did not say when it measured');
  const usage = usageBetween(before, after, cores, ticksPerSecond);
  return { ...result, cpuUs: (usage.gatewaySeconds * 1e6) / result.requests, usage };
}

/** Runs the scenario. @throws when the run is stopped */
export async function runLatency(scenario: LatencyScenario, session: Session): Promise<LatencySeries[]> {
  const entrants = await enterAll(scenario, session);
  for (let round = 1; round <= session.options.rounds; round++) {
    for (const entrant of entrants) {
      // One schedule per round: everybody meets the same bursts.
      const turn = (): Promise<LatencySample> => measure(entrant, scenario.connections, round, session);
      const sample = await takeTurn(entrant, session.signal, turn);
      if (sample === null) continue;
      const figures = `${sample.p50Ms.toFixed(3)} / ${sample.p99Ms.toFixed(3)} / ${sample.p999Ms.toFixed(3)} ms`;
      session.say(`  round ${round}  ${entrant.name.padEnd(22)} ${figures} at ${entrant.rate}/s`);
    }
  }
  await session.children.stop(entrants.flatMap(({ gateway }) => gateway?.child ?? []));
  return entrants.map(({ name, version, rate, saturatedRate, refused, samples }) => ({
    name,
    version,
    variant: '',
    rate,
    saturatedRate,
    refused,
    samples,
  }));
}
