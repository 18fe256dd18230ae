/**
 * Nouns of endpoints and their health: where they are looked up, how each stands, why, and what changed.
 */

import type { HealthCheckConfig, OutlierConfig } from './config.ts';
import type { EndpointSpec } from './snapshot.ts';

/**
 * What endpoints speak, where it is not HTTP/1.1: HTTP/2 over TLS, HTTP/2 without (prior knowledge), or gRPC over whichever of
 * the two `tls` says.
 */
export type UpstreamProtocol = 'h2' | 'h2c' | 'grpc';

/** Limits of the data plane towards endpoints that speak HTTP/2. */
export interface SessionLimits {
  /** Most HTTP/2 connections to one endpoint per worker. */
  readonly endpointSessionsMax: number;
  /** Most requests under way on one of them, if the endpoint takes as many; further ones wait. */
  readonly sessionStreamsMax: number;
}

export interface SessionTimeouts {
  /** Time without a word on an HTTP/2 connection with requests under way, after which the endpoint is asked by PING. */
  readonly upstreamPingMs: number;
  /** No byte of an event stream, or of a call of gRPC, moved in either direction. */
  readonly streamIdleMs: number;
}

/** One question that has endpoints for an answer, and which of them are the version's. */
export type EndpointsFrom =
  | {
      readonly kind: 'consul';
      readonly service: string;
      /** Of this version alone; null: of any. */
      readonly version: string | null;
      /** Of none of these versions. */
      readonly except: readonly string[];
      /** Of this color alone; null: of any. */
      readonly color: string | null;
      /** With all of these tags. */
      readonly tags: readonly string[];
    }
  /** Every address of a name, at one port. */
  | { readonly kind: 'dns'; readonly name: string; readonly port: number }
  /** Every target of SRV records. */
  | { readonly kind: 'srv'; readonly name: string }
  /** Keys `<prefix>/endpoints/<service>/<version>/<id>`. */
  | { readonly kind: 'etcd'; readonly service: string; readonly version: string };

/**
 * `up`: its full share. `slow-start`: back or new, its share grows. `ejected`: out for a while, because it did worse than
 * its siblings. `half-open`: that is over, and it is out but for one request at a time, until enough of them were good.
 * `unhealthy`: out until its health check passes again.
 */
export type EndpointState = 'up' | 'slow-start' | 'ejected' | 'half-open' | 'unhealthy';

/** One endpoint now. */
export interface EndpointHealth {
  readonly state: EndpointState;
  /** Part of its share that it gets, 0..1. */
  readonly capacityRatio: number;
  /** Why it is not `up`, with numbers and when that ends; empty when it is. */
  readonly because: string;
  /** Ejections since the start. */
  readonly ejections: number;
}

/** The health of the gateway's endpoints as a whole, since the start. */
export interface HealthStatus {
  readonly checks: {
    readonly passed: number;
    readonly failed: number;
    /** Started late, because too many others were under way. */
    readonly late: number;
  };
  /** Times an endpoint deserved ejection and stayed, because too many of its version were out already. */
  readonly ejectionsWithheld: number;
}

/** An endpoint that changed its state. */
export interface EndpointChange {
  readonly address: string;
  readonly before: EndpointState;
  readonly after: EndpointState;
  readonly because: string;
}

/** A version that lost its last endpoint, or has one again. */
export interface VersionChange {
  readonly service: string;
  readonly version: string;
  /** Every endpoint is out, so that all are used. */
  readonly isPanicking: boolean;
}

/** The endpoints of one version, to be compared with one another. */
export interface GroupPlan {
  readonly service: string;
  readonly version: string;
  /** Endpoint ids, each once. */
  readonly endpoints: readonly number[];
  readonly outlier: OutlierConfig | null;
}

/** One endpoint to look after. */
export interface EndpointPlan extends EndpointSpec {
  /** The longest of its versions'; 0 = none. */
  readonly slowStartMs: number;
  /** Every different check of its versions; all must pass. */
  readonly checks: readonly HealthCheckConfig[];
}

/** What health has to look after under one configuration. */
export interface HealthPlan {
  readonly groups: readonly GroupPlan[];
  readonly endpoints: readonly EndpointPlan[];
}
