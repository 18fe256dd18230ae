/**
 * The endpoints of one worker across snapshots: an address keeps its connections and load while any snapshot names it.
 */

import type { EndpointSpec } from '../../model/snapshot.ts';
import { Pool } from '../http1/pool.ts';
import type { Lane } from '../lane.ts';
import { Endpoint } from './endpoint.ts';
import { upstreamEvents } from './forwarder.ts';

export class Endpoints {
  #byAddress = new Map<string, Endpoint>();

  /** Takes the endpoints of a new snapshot; those it no longer names close when they are idle. In the order of `specs`. */
  update(specs: readonly EndpointSpec[], lane: Lane): Endpoint[] {
    const next = new Map<string, Endpoint>();
    const linked = specs.map((spec) => {
      const key = `${spec.host} ${spec.port} ${spec.id}`;
      const endpoint = this.#byAddress.get(key) ?? create(spec, lane);
      endpoint.pool.revive();
      next.set(key, endpoint);
      return endpoint;
    });
    for (const [key, endpoint] of this.#byAddress) if (!next.has(key)) endpoint.pool.retire();
    this.#byAddress = next;
    return linked;
  }

  /** Closes every idle upstream connection. */
  retireAll(): void {
    for (const endpoint of this.#byAddress.values()) endpoint.pool.retire();
  }
}

function create(spec: EndpointSpec, lane: Lane): Endpoint {
  const endpoint = new Endpoint(spec.id, spec.host, spec.port);
  endpoint.recorder = lane.recorder;
  endpoint.pool = new Pool(endpoint, lane, upstreamEvents);
  return endpoint;
}
