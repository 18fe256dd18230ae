/**
 * The endpoints of one worker across snapshots: an address keeps its connections and load while any snapshot names it.
 */

import { GRPC_ERRORS } from '../../model/sli.ts';
import type { EndpointSpec } from '../../model/snapshot.ts';
import { Pool } from '../http1/pool.ts';
import type { Lane } from '../lane.ts';
import { EndpointSecurity } from '../wire/tls/credentials.ts';
import { Endpoint } from './endpoint.ts';
import { upstreamEvents } from './forwarder.ts';
import { Http2Pool } from './http2/pool.ts';
import type { UpstreamEvents, UpstreamPool } from './sides.ts';

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
    endpoint.grpcErrors = spec.grpcErrors ?? GRPC_ERRORS;
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

function keyOf({ host, port, id, tls, protocol, proxyProtocol }: EndpointSpec): string {
  return `${host} ${port} ${id} ${protocol ?? ''} ${proxyProtocol ?? 0} ${tls?.key ?? ''}`;
}

function create({ id, host, port, tls, protocol, proxyProtocol }: EndpointSpec, lane: Lane): Endpoint {
  const isHttp2 = protocol !== undefined;
  const endpoint = new Endpoint(id, host, port, isHttp2);
  endpoint.recorder = lane.recorder;
  if (tls !== undefined) {
    endpoint.security = new EndpointSecurity(tls, host, lane.credentials, isHttp2 ? 'h2' : 'http/1.1');
  }
  endpoint.announces = proxyProtocol ?? 0;
  endpoint.pool = poolOf(endpoint, lane, upstreamEvents);
  return endpoint;
}

/** A pool for what the endpoint speaks. */
export function poolOf(endpoint: Endpoint, lane: Lane, events: UpstreamEvents): UpstreamPool {
  return endpoint.isHttp2 ? new Http2Pool(endpoint, lane, events) : new Pool(endpoint, lane, events);
}
