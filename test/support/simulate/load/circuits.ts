/**
 * A version of several hosts behind several workers on virtual time: a breaker in each worker, outlier detection over all.
 *
 * The gateway's own classes: balancers, breakers, recorders, the health of endpoints turned every TICK_MS, and between them the
 * shared memory of a gateway. Hosts do what a scene says at an instant.
 */

import assert from 'node:assert/strict';
import { Health } from '#src/health/health.ts';
import { Random } from '#src/lib/random.ts';
import type { Balancer, OutlierConfig } from '#src/model/config.ts';
import type { EndpointState } from '#src/model/health.ts';
import type { BreakerConfig } from '#src/model/overload.ts';
import {
  CELL_WORDS,
  ENDPOINT_WORDS,
  EVENTS_HEAD_WORDS,
  type Tallies,
  UNIT_WORDS,
  viewTallies,
} from '#src/model/tallies.ts';
import { Breaker } from '#src/proxy/decide/breaker/breaker.ts';
import { Recorder } from '#src/proxy/record/recorder.ts';
import { createEndpointDials, isProbeOffered, offerProbe, setCapacity } from '#src/snapshot/endpoint-dials.ts';
import { DEFAULT_OUTLIER } from '#src/sources/defaults.ts';
import { groupOf, targetsOf } from '../balancing.ts';
import { TICK_MS } from '../health.ts';
import { type Happening, type HostModel, type Outcome, simulate, type View } from './queueing.ts';

export interface Scene {
  readonly balancer: Balancer;
  readonly seed: number;
  readonly forMs: number;
  /** Mean time between requests. */
  readonly everyMs: number;
  readonly hostCount: number;
  /** The hosts at an instant. */
  readonly hostAt: (n: number, nowMs: number) => HostModel;
  /** Default: 1. */
  readonly workerCount?: number;
  /** Of the version, in each worker; default: none. */
  readonly breaker?: BreakerConfig;
  readonly outlier?: OutlierConfig | null;
  /** Default: 0, full shares at once. */
  readonly slowStartMs?: number;
  /** After every tick: how each host stands. */
  readonly ticked?: (nowMs: number, states: readonly EndpointState[]) => void;
  readonly happened?: (happening: Happening) => void;
}

interface Worker extends View {
  readonly tallies: Tallies;
}

/** Of the endpoints of a group (balancing.ts). */
const FIRST_ID = 10;

/** Plays a scene to its end. */
export function play(scene: Scene): Outcome & { readonly workers: readonly View[] } {
  const { seed, hostCount, everyMs, forMs, hostAt, ticked, happened } = scene;
  const dials = createEndpointDials();
  const workers = Array.from({ length: scene.workerCount ?? 1 }, (_, n) => workerOf(scene, dials, seed + 1000 * n));
  const regions = workers.map(({ tallies }, n) => ({ id: n + 1, tallies }));
  let nowMs = 0;
  const health = new Health({
    random: new Random(seed),
    nowMs: () => nowMs,
    setCapacity: (id, capacity) => setCapacity(dials, id, capacity),
    offerProbe: (id, number) => offerProbe(dials, id, number),
    isProbeOffered: (id) => isProbeOffered(dials, id),
    startProbe: () => assert.fail('there are no checks'),
  });
  const ids = Array.from({ length: hostCount }, (_, n) => FIRST_ID + n);
  const { outlier = DEFAULT_OUTLIER, slowStartMs = 0 } = scene;
  const endpoints = ids.map((id) => ({ id, host: '10.0.0.1', port: id, slowStartMs, checks: [] }));
  health.follow({ groups: [{ service: 's', version: 'v', endpoints: ids, outlier }], endpoints }, false);
  const hosts = ids.map((_, n) => hostAt(n, 0));
  const load = { everyMs, requests: Math.round(forMs / everyMs), warmUp: 0, seed };
  const meanwhile = (arrivesAtMs: number): void => {
    while (nowMs + TICK_MS <= arrivesAtMs) {
      nowMs += TICK_MS;
      hosts.forEach((_, n) => (hosts[n] = hostAt(n, nowMs)));
      health.turn(regions);
      ticked?.(
        nowMs,
        ids.map((id) => health.of(id).state),
      );
    }
  };
  return { ...simulate({ workers, hosts }, load, meanwhile, happened), workers };
}

function workerOf({ balancer, hostCount, breaker }: Scene, dials: Int32Array<SharedArrayBuffer>, seed: number): Worker {
  const group = groupOf(new Array<number>(hostCount).fill(1), seed, dials);
  const tallies = viewTallies({
    cells: new SharedArrayBuffer(CELL_WORDS * 4),
    endpoints: new SharedArrayBuffer((FIRST_ID + hostCount) * ENDPOINT_WORDS * 4),
    units: new SharedArrayBuffer(UNIT_WORDS * 4),
    events: new SharedArrayBuffer(EVENTS_HEAD_WORDS * 4),
  });
  const recorder = new Recorder(tallies);
  for (const endpoint of group.endpoints) endpoint.recorder = recorder;
  const targets = targetsOf(group, balancer);
  return { group, targets, recorder, tallies, breaker: breaker === undefined ? null : new Breaker(breaker) };
}
