/**
 * Upstream hosts on virtual time: each has a few servers and one queue, requests arrive at random, a balancer picks.
 *
 * Poisson arrivals, exponential service times, first come first served. The balancer learns what a worker would: requests
 * in flight, times to the answer and failures. Who is picked, also for a probe, and what breakers and probes are told is the
 * gateway's own code. One seed is one history.
 */

import { Random } from '#src/lib/random.ts';
import type { Breaker } from '#src/proxy/decide/breaker/breaker.ts';
import type { Exchange } from '#src/proxy/exchange.ts';
import { pick, tellBreakers } from '#src/proxy/forward/attempt.ts';
import type { Targets } from '#src/proxy/forward/balance/targets.ts';
import type { Endpoint } from '#src/proxy/forward/endpoint.ts';
import type { Recorder } from '#src/proxy/record/recorder.ts';
import type { Group } from '../balancing.ts';
import { exponential } from '../draws.ts';

export interface HostModel {
  /** Mean service time. */
  readonly meanMs: number;
  /** Requests it serves at a time. */
  readonly servers: number;
  /** It answers with a failure after this time instead; null = it works. */
  readonly failsAfterMs: number | null;
  /** How many requests it fails so; default: all of them. */
  readonly failureRatio?: number;
}

export interface Load {
  /** Mean time between arrivals at all hosts together. */
  readonly everyMs: number;
  readonly requests: number;
  /** Requests at the beginning that are not measured. */
  readonly warmUp: number;
  readonly seed: number;
}

export interface Outcome {
  /** Times of the measured requests that succeeded, sorted. */
  readonly tookMs: Float64Array;
  /** Measured requests by host. */
  readonly picks: readonly number[];
  readonly failed: number;
}

/** One request, with what the gateway's own code asks of an exchange. */
interface Job extends Pick<Exchange, 'trial' | 'userKey'> {
  readonly split: View;
  readonly client: { readonly lane: { readonly recorder: Recorder | null } };
  readonly arrivedAtMs: number;
  readonly isMeasured: boolean;
  endpoint: Endpoint | null;
  host: number;
  isProbe: boolean;
  isFailure: boolean;
  endsAtMs: number;
}

/** What became of a request. */
export interface Happening {
  readonly kind: 'refused' | 'picked' | 'ended';
  /** The same for all that becomes of one request. */
  readonly request: object;
  readonly atMs: number;
  readonly worker: View;
  /** Place of the host; -1 of one that was refused. */
  readonly host: number;
  readonly isProbe: boolean;
  /** Of one that has ended. */
  readonly isFailure: boolean;
}

/** Called before each pick and each end with the time; for what else happens on the way. It may change `hosts`. */
export type Meanwhile = (nowMs: number) => void;

/** What one worker knows of the hosts: an endpoint for each, in their order, its own balancer over them, and its breaker. */
export interface View {
  readonly group: Group;
  readonly targets: Targets;
  readonly breaker: Breaker | null;
  /** Where it counts attempts, or null. */
  readonly recorder: Recorder | null;
}

/** Sends `load` to the hosts, each request through one of the workers at random. @param happened is told of every request */
export function simulate(
  { workers, hosts }: { workers: readonly View[]; hosts: readonly HostModel[] },
  load: Load,
  meanwhile: Meanwhile = () => undefined,
  happened: (happening: Happening) => void = () => undefined,
): Outcome {
  const random = new Random(load.seed);
  const running: Job[] = [];
  const queues: Job[][] = hosts.map(() => []);
  const busy = hosts.map(() => 0);
  const tookMs: number[] = [];
  const picks = hosts.map(() => 0);
  let failed = 0;

  const tell = (kind: Happening['kind'], job: Job, atMs: number): void =>
    happened({ ...job, kind, request: job, atMs, worker: job.split });
  const begin = (job: Job, nowMs: number): void => {
    const { failsAfterMs, failureRatio = 1, meanMs } = hosts[job.host] as HostModel;
    job.isFailure = failsAfterMs !== null && (failureRatio === 1 || random.nextFloat() < failureRatio);
    job.endsAtMs = nowMs + (job.isFailure ? (failsAfterMs as number) : exponential(random, meanMs));
    busy[job.host] = (busy[job.host] as number) + 1;
    insert(running, job);
  };
  const end = (job: Job): void => {
    const endpoint = job.endpoint as Endpoint;
    const took = job.endsAtMs - job.arrivedAtMs;
    const effect = job.isFailure ? 'bad' : 'good';
    endpoint.inFlight--;
    tellBreakers(job as unknown as Exchange, effect, job.endsAtMs);
    job.split.recorder?.attemptEnd(endpoint.id, effect);
    tell('ended', job, job.endsAtMs);
    busy[job.host] = (busy[job.host] as number) - 1;
    if (job.isFailure) endpoint.observeFailure(took, job.endsAtMs);
    else endpoint.observe(took, job.endsAtMs);
    if (job.isMeasured && job.isFailure) failed++;
    else if (job.isMeasured) tookMs.push(took);
    const next = queues[job.host]?.shift();
    if (next !== undefined) begin(next, job.endsAtMs);
  };

  let nowMs = 0;
  for (let n = 0; n < load.requests; n++) {
    nowMs += exponential(random, load.everyMs);
    while (running.length > 0 && (running.at(-1) as Job).endsAtMs <= nowMs) {
      const job = running.pop() as Job;
      meanwhile(job.endsAtMs);
      end(job);
    }
    meanwhile(nowMs);
    const worker = workers[random.nextUint32() % workers.length] as View;
    const job = jobOf(worker, random.nextUint32(), n >= load.warmUp, nowMs);
    const endpoint = pick(job as unknown as Exchange, null, nowMs);
    if (endpoint === null) {
      tell('refused', job, nowMs);
      continue;
    }
    const host = worker.group.endpoints.indexOf(endpoint);
    job.endpoint = endpoint;
    job.host = host;
    job.isProbe = endpoint.probes?.has(job) === true;
    if (job.isMeasured) picks[host] = (picks[host] as number) + 1;
    endpoint.inFlight++;
    worker.recorder?.attemptBegin(endpoint.id);
    tell('picked', job, nowMs);
    if ((busy[host] as number) < (hosts[host] as HostModel).servers) begin(job, nowMs);
    else (queues[host] as Job[]).push(job);
  }
  while (running.length > 0) end(running.pop() as Job);
  return { tookMs: Float64Array.from(tookMs).sort(), picks, failed };
}

function jobOf(split: View, userKey: number, isMeasured: boolean, arrivedAtMs: number): Job {
  const client = { lane: { recorder: split.recorder } };
  const job = { split, client, userKey, trial: 0, arrivedAtMs, isMeasured };
  return { ...job, endpoint: null, host: -1, isProbe: false, isFailure: false, endsAtMs: 0 };
}

/** Keeps the list sorted, latest end first. */
function insert(running: Job[], job: Job): void {
  let low = 0;
  let high = running.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((running[middle] as Job).endsAtMs > job.endsAtMs) low = middle + 1;
    else high = middle;
  }
  running.splice(low, 0, job);
}

/** Quantile of sorted times. */
export function quantileOf(sorted: Float64Array, q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] as number;
}
