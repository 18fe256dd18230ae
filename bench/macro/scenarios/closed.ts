/**
 * Runs a closed-loop scenario: every gateway in turn, round after round, CPU time divided by answers.
 */

import { type Cores, readBooks, type Usage, usageBetween } from '../accounts/accounts.ts';
import { threadTicks } from '../accounts/processes.ts';
import { CONTENDER } from '../contenders/all.ts';
import type { Contender } from '../contenders/contender.ts';
import { type Load, type LoadResult, runLoad, warmUp } from '../load/wrk.ts';
import { coresForTwo, type Gateway, type Session, startGateway } from '../session.ts';
import { attempt, type ClosedScenario, type Series, type Turns, takeTurn, type Variant } from './scenario.ts';

/** With more, a busy machine finishes no answer of 1 MiB within the second of a smoke test. */
const SMOKE_CONNECTIONS_MAX = 16;
/** A smoke test in whose second nobody was answered looks again, longer, up to this: the machine stood still. */
const SMOKE_SECONDS_MAX = 32;

/** What one measurement gives. */
export interface ClosedSample {
  /**
   * CPU time of all the gateway's processes and threads, or of the scenario's, per answered request (with bodies of 1 MiB:
   * per MiB).
   */
  readonly cpuUs: number;
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly usage: Usage;
}

/** Joins the books and the load's own count. @throws when an answer was bad or a connection failed */
export function closedSample(result: LoadResult, usage: Usage): ClosedSample {
  const { requests, badStatus, socketErrors, durationUs } = result;
  if (requests === 0 || badStatus > 0 || socketErrors > 0) {
    throw new Error(`${requests} requests, ${badStatus} bad answers, ${socketErrors} socket errors`);
  }
  return {
    cpuUs: (usage.gatewaySeconds * 1e6) / requests,
    requestsPerSecond: requests / (durationUs / 1e6),
    p50Ms: result.p50Us / 1_000,
    p99Ms: result.p99Us / 1_000,
    usage,
  };
}

/** A gateway that takes its turns. */
interface Entrant extends Turns<ClosedSample> {
  readonly contender: Contender;
  readonly variant: Variant;
  /** Null until it has started. */
  gateway: Gateway | null;
}

/** What the measurements of one scenario share. */
interface Course {
  readonly scenario: ClosedScenario;
  readonly session: Session;
  readonly cores: Cores;
}

function loadOf({ place }: Gateway, seconds: number, { scenario, session, cores }: Course): Load {
  return {
    wrk: session.binary('wrk'),
    folder: session.folder,
    cores: cores.load,
    port: place.port,
    shape: { ...scenario.shape, routes: place.setup.routes },
    connections: session.options.isSmoke ? Math.min(scenario.connections, SMOKE_CONNECTIONS_MAX) : scenario.connections,
    seconds,
    signal: session.signal,
  };
}

/** Starts every gateway in every variant and warms it up. */
async function enterAll(course: Course): Promise<Entrant[]> {
  const { scenario, session, cores } = course;
  const entrants: Entrant[] = [];
  for (const variant of scenario.variants) {
    for (const name of scenario.contenders) {
      const contender = CONTENDER[name];
      const entrant: Entrant = { name, contender, variant, gateway: null, samples: [], refused: null };
      entrants.push(entrant);
      await attempt(entrant, session.signal, async () => {
        entrant.gateway = await startGateway(session, contender, variant.setup, cores);
        await warmUp(loadOf(entrant.gateway, session.options.warmUpSeconds, course));
      });
    }
  }
  return entrants;
}

async function measure(
  entrant: Entrant,
  course: Course,
  seconds = course.session.options.seconds,
): Promise<ClosedSample> {
  const { gateway } = entrant;
  if (gateway === null) throw new Error('it has not started');
  const { session, cores } = course;
  const parties = { gateway: gateway.child.pid, upstream: session.upstream.pid, load: null };
  const { threads } = course.scenario;
  const ticks = (): number => (threads === undefined ? 0 : threadTicks(gateway.child.pid, threads));
  const [ticksBefore, before] = [ticks(), readBooks(parties)];
  const result = await runLoad(loadOf(gateway, seconds, course));
  const isStill = result.requests + result.socketErrors === 0;
  if (isStill && session.options.isSmoke && seconds < SMOKE_SECONDS_MAX) return measure(entrant, course, 2 * seconds);
  const usage = usageBetween(before, readBooks(parties), cores, session.ticksPerSecond);
  const sample = closedSample(result, usage);
  if (threads === undefined) return sample;
  return { ...sample, cpuUs: ((ticks() - ticksBefore) / session.ticksPerSecond / result.requests) * 1e6 };
}

/** Runs the scenario. @throws when the run is stopped */
export async function runClosed(scenario: ClosedScenario, session: Session): Promise<Series<ClosedSample>[]> {
  const cores = scenario.isOnBothCores ? coresForTwo(session.cores) : session.cores;
  const course = { scenario, session, cores };
  const entrants = await enterAll(course);
  for (let round = 1; round <= session.options.rounds; round++) {
    for (const entrant of entrants) {
      const sample = await takeTurn(entrant, session.signal, () => measure(entrant, course));
      if (sample === null) continue;
      const who = `${entrant.name} ${entrant.variant.label}`.trim().padEnd(22);
      session.say(`  round ${round}  ${who} ${sample.cpuUs.toFixed(1)} us  ${sample.requestsPerSecond.toFixed(0)}/s`);
    }
  }
  await session.children.stop(entrants.flatMap(({ gateway }) => gateway?.child ?? []));
  return entrants.map(({ name, contender, variant, refused, samples }) => ({
    name,
    version: contender.version(session.binary),
    variant: variant.label,
    refused,
    samples,
  }));
}
