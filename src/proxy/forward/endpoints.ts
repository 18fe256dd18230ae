/**
 * The endpoints of one worker across snapshots: an address keeps its connections and load while any snapshot names it.
 */

import type { EndpointSpec } from '../../model/snapshot.ts';
import { Pool } from '../http1/pool.ts';
import type { Lane } from '../lane.ts';
import { Endpoint } from './endpoint.ts';
import { upstreamEvents } from './forwarder.ts';

/** As in a snapshot. */
type Specs = readonly (EndpointSpec | null)[];

export class Endpoints {
  #specs: Specs = [];
  #linked: readonly (Endpoint | null)[] = [];
  readonly #byAddress = new Map<string, Endpoint>();

  /**
   * Takes the endpoints of a new snapshot; those it no longer names close when they are idle. In the order of `specs`.
   * Cost: next to nothing for a spec that is the same object in the same place.
   */
  update(specs: Specs, lane: Lane): readonly (Endpoint | null)[] {
    const before = this.#specs;
    const linked = specs.map((spec, index) => {
      if (spec === before[index]) return this.#linked[index] as Endpoint | null;
      return spec === null ? null : this.#revived(spec, lane);
    });
    this.#specs = specs;
    this.#linked = linked;
    if (before.some((spec, index) => spec !== null && spec !== specs[index])) this.#retireOthers(specs);
    return linked;
  }

  #revived(spec: EndpointSpec, lane: Lane): Endpoint {
    const key = keyOf(spec);
    const endpoint = this.#byAddress.get(key) ?? create(spec, lane);
    endpoint.pool.revive();
    this.#byAddress.set(key, endpoint);
    return endpoint;
  }

  #retireOthers(specs: Specs): void {
    const named = new Set(specs.map((spec) => (spec === null ? '' : keyOf(spec))));
    for (const [key, endpoint] of this.#byAddress) {
      if (named.has(key)) continue;
      endpoint.pool.retire();
      this.#byAddress.delete(key);
    }
  }

  /** Closes every idle upstream connection. */
  retireAll(): void {
    for (const endpoint of this.#byAddress.values()) endpoint.pool.retire();
  }
}

function keyOf({ host, port, id }: EndpointSpec): string {
  return `${host} ${port} ${id}`;
}

function create(spec: EndpointSpec, lane: Lane): Endpoint {
  const endpoint = new Endpoint(spec.id, spec.host, spec.port);
  endpoint.recorder = lane.recorder;
  endpoint.pool = new Pool(endpoint, lane, upstreamEvents);
  return endpoint;
}
