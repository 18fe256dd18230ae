/**
 * What stands before the upstream: Sluice without a limit, with the right number as its limit, and with the one it finds
 * by itself; HAProxy with the right number and a queue, without and with classes of priority.
 *
 * The right number is twice the servers: one request being served and one at hand for each. Nobody knows it in production.
 */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Server } from '../../test/support/runner/servers.ts';
import { type Shape, SLO_MS } from '../../test/support/simulate/load/shapes.ts';
import { haproxy } from '../macro/contenders/haproxy.ts';

export const CONTENDERS = ['none', 'fixed', 'haproxy', 'haproxy-classes', 'sluice'] as const;
export type ContenderName = (typeof CONTENDERS)[number];

export interface Place {
  readonly folder: string;
  readonly port: number;
  readonly adminPort: number;
  readonly upstreamPort: number;
  readonly shape: Shape;
  readonly binary: (name: string) => string;
}

export interface Contender {
  readonly title: string;
  readonly needs: readonly Server[];
  /** Writes the configuration; returns the command that serves in the foreground. */
  readonly prepare: (place: Place) => readonly string[];
  readonly readyUrl: (place: Place) => string;
}

/** Most connections at either side: what clients open in a second of patience. */
const CONNECTIONS_MAX = 15_000;
/** HAProxy's requests wait as long as those of Sluice. */
const PATIENCE_MS = SLO_MS / 2;

const rightNumber = ({ servers }: Shape): number => 2 * servers;

function sluiceWith(title: string, limitOf: (shape: Shape) => string | number): Contender {
  return {
    title,
    needs: [],
    prepare: ({ folder, port, adminPort, upstreamPort, shape }) => {
      const file = join(folder, 'sluice.yaml');
      writeFileSync(
        file,
        `listen: "127.0.0.1:${port}"
admin: "127.0.0.1:${adminPort}"
workers: 1
trustedProxies: [127.0.0.1/32]
overload: { priorityHeader: x-priority }
limits: { connectionsMax: ${CONNECTIONS_MAX}, endpointConnectionsMax: ${CONNECTIONS_MAX}, endpointPendingMax: ${CONNECTIONS_MAX} }
drain: { delay: 0s, timeout: 1s }
services:
  shop:
    overload: { limit: ${limitOf(shape)} }
    versions:
      v1: { endpoints: ["127.0.0.1:${upstreamPort}"] }
routes:
  - name: orders
    backendRefs: [{ name: shop, version: v1 }]
    sticky: { header: x-user-id }
    slo: { availability: 0.99, latency: { threshold: ${SLO_MS}ms, target: 0.99 } }
`,
      );
      return [process.execPath, join(import.meta.dirname, '../../src/main.ts'), 'run', '--config', file];
    },
    readyUrl: ({ adminPort }) => `http://127.0.0.1:${adminPort}/readyz`,
  };
}

function haproxyWith(title: string, rules: string): Contender {
  return {
    title,
    needs: haproxy.needs,
    prepare: ({ folder, port, upstreamPort, shape, binary }) => {
      const file = join(folder, 'haproxy.cfg');
      writeFileSync(
        file,
        `global
  nbthread 1
  maxconn ${CONNECTIONS_MAX}
  no strict-limits
defaults
  mode http
  maxconn ${CONNECTIONS_MAX}
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  timeout queue ${PATIENCE_MS}ms
  option http-keep-alive
  option abortonclose
  http-reuse always
frontend gateway
  bind 127.0.0.1:${port} backlog 4096
  monitor-uri /ready
${rules}  default_backend shop
backend shop
  server one 127.0.0.1:${upstreamPort} maxconn ${rightNumber(shape)}
`,
      );
      return [binary('haproxy'), '-db', '-f', file];
    },
    readyUrl: ({ port }) => `http://127.0.0.1:${port}/ready`,
  };
}

/** A lower class is served first. */
const CLASSES = ['critical', 'default', 'degraded', 'best-effort']
  .map((name, index) => `  http-request set-priority-class int(${index}) if { req.hdr(x-priority) -m str ${name} }\n`)
  .join('');

export const CONTENDER: Readonly<Record<ContenderName, Contender>> = {
  none: sluiceWith('no control', () => 'off'),
  fixed: sluiceWith('the right number as limit', rightNumber),
  haproxy: haproxyWith('HAProxy, the right number and a queue', ''),
  'haproxy-classes': haproxyWith('the same with classes of priority', CLASSES),
  sluice: sluiceWith('Sluice as it is', () => 'auto'),
};
