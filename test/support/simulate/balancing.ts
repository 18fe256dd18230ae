/**
 * Endpoints and shares without sockets, for tests of balancing: who is picked how often.
 */

import { Random } from '#src/lib/random.ts';
import type { Balancer } from '#src/model/config.ts';
import { Shares } from '#src/proxy/forward/balance/shares.ts';
import { linkTargets, type Targets } from '#src/proxy/forward/balance/targets.ts';
import { Endpoint } from '#src/proxy/forward/endpoint.ts';
import { createEndpointDials, type EndpointDials, setCapacity } from '#src/snapshot/endpoint-dials.ts';

/** A version's endpoints, their dials and what picks among them. */
export interface Group {
  readonly endpoints: readonly Endpoint[];
  readonly dials: EndpointDials;
  readonly random: Random;
  readonly weights: readonly number[];
  /** Sets the capacity of the n-th endpoint, in per mille. */
  set(n: number, capacity: number): void;
}

/** One endpoint per weight, with ids 10, 11 … and a latency of 10 ms observed at instant 0. @param dials shared by workers */
export function groupOf(weights: readonly number[], seed = 1, dials: EndpointDials = createEndpointDials()): Group {
  const endpoints = weights.map((_, n) => {
    const endpoint = new Endpoint(10 + n, '10.0.0.1', 8000 + n);
    endpoint.observe(10, 0);
    return endpoint;
  });
  return {
    endpoints,
    dials,
    random: new Random(seed),
    weights,
    set: (n, capacity) => setCapacity(dials, 10 + n, capacity),
  };
}

export function sharesOf({ endpoints, weights, dials }: Group): Shares {
  return new Shares(endpoints, weights, dials);
}

export function targetsOf({ endpoints, weights, dials, random }: Group, balancer: Balancer): Targets {
  const spec = {
    name: '',
    limit: 'off' as const,
    breaker: null,
    balancer,
    endpoints: endpoints.map((_, n) => n),
    weights,
  };
  return linkTargets(spec, (n) => endpoints[n] as Endpoint, { capacities: dials, random });
}

export interface PickOptions {
  readonly avoid?: Endpoint | null;
  readonly keyOf?: (n: number) => number;
  /** Called with each pick; in-flight counts stay as they are otherwise. */
  readonly picked?: (endpoint: Endpoint, n: number) => void;
}

/** How often each endpoint is picked in `times` picks; by default for a new random user each time. */
export function picksOf(group: Group, targets: Targets, times: number, options: PickOptions = {}): number[] {
  const users = new Random(99);
  const counts = new Array<number>(group.endpoints.length).fill(0);
  for (let n = 0; n < times; n++) {
    const key = options.keyOf?.(n) ?? users.nextUint32();
    const endpoint = targets.pick(options.avoid ?? null, key, 0);
    if (endpoint === null) continue;
    const place = endpoint.id - 10;
    counts[place] = (counts[place] as number) + 1;
    options.picked?.(endpoint, n);
  }
  return counts;
}
