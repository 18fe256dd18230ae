/**
 * Upstream hosts on virtual time: each has a few servers and one queue, requests arrive at random, a balancer picks.
 *
 * Poisson arrivals, exponential service times, first come first served. The balancer learns what a worker would: requests
 * in flight, times to the answer and failures. One seed is one history.
 */

import { Random } from '#src/lib/random.ts';
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
  /** It answers with a failure after this time instead, always; null = it works. */
  readonly failsAfterMs: number | null;
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

interface Job {
  readonly arrivedAtMs: number;
  readonly endpoint: Endpoint;
  readonly recorder: Recorder | null;
  readonly host: number;
  readonly isMeasured: boolean;
  isFailure: boolean;
  endsAtMs: number;
}

/** Called before each pick with the time; for what else happens on the way. It may change `hosts`. */
export type Meanwhile = (nowMs: number) => void;

/** What one worker knows of the hosts: an endpoint for each, in their order, and its own balancer over them. */
export interface View {
  readonly group: Group;
  readonly targets: Targets;
  /** Where it counts attempts, or null. */
  readonly recorder: Recorder | null;
}

/** Sends `load` to the hosts, each request through one of the workers at random. */
export function simulate(
  { workers, hosts }: { workers: readonly View[]; hosts: readonly HostModel[] },
  load: Load,
  meanwhile: Meanwhile = () => undefined,
): Outcome {
  const random = new Random(load.seed);
  const running: Job[] = [];
  const queues: Job[][] = hosts.map(() => []);
  const busy = hosts.map(() => 0);
  const tookMs: number[] = [];
  const picks = hosts.map(() => 0);
  let failed = 0;

  const begin = (job: Job, nowMs: number): void => {
    const host = hosts[job.host] as HostModel;
    job.isFailure = host.failsAfterMs !== null;
    job.endsAtMs = nowMs + (host.failsAfterMs ?? exponential(random, host.meanMs));
    busy[job.host] = (busy[job.host] as number) + 1;
    insert(running, job);
  };
  const end = (job: Job): void => {
    const { endpoint, recorder } = job;
    const took = job.endsAtMs - job.arrivedAtMs;
    endpoint.inFlight--;
    recorder?.attemptEnd(endpoint.id, job.isFailure ? 'bad' : 'good');
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
    while (running.length > 0 && (running.at(-1) as Job).endsAtMs <= nowMs) end(running.pop() as Job);
    meanwhile(nowMs);
    const { group, targets, recorder } = workers[random.nextUint32() % workers.length] as View;
    const endpoint = targets.pick(null, random.nextUint32(), nowMs) as Endpoint;
    const host = group.endpoints.indexOf(endpoint);
    const isMeasured = n >= load.warmUp;
    if (isMeasured) picks[host] = (picks[host] as number) + 1;
    endpoint.inFlight++;
    recorder?.attemptBegin(endpoint.id);
    const job: Job = { arrivedAtMs: nowMs, endpoint, recorder, host, isMeasured, isFailure: false, endsAtMs: 0 };
    if ((busy[host] as number) < (hosts[host] as HostModel).servers) begin(job, nowMs);
    else (queues[host] as Job[]).push(job);
  }
  while (running.length > 0) end(running.pop() as Job);
  return { tookMs: Float64Array.from(tookMs).sort(), picks, failed };
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
