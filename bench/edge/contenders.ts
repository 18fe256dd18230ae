/**
 * The gateways of the edge bench: TLS with HTTP/1.1 and HTTP/2 in front, and three services behind, which are spoken to in
 * HTTP/1.1, in gRPC without TLS, and upgraded. One configuration each for all scenarios, one worker, kept connections.
 */

import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { caddy as plainCaddy } from '../macro/contenders/caddy.ts';
import { CONNECTIONS_MAX, UPSTREAM_CONNECTIONS_MAX } from '../macro/contenders/contender.ts';
import { haproxy as plainHaproxy } from '../macro/contenders/haproxy.ts';
import { nginx as plainNginx, writeNginx } from '../macro/contenders/nginx.ts';
import { ACCESS_LOG_RATIO } from '../macro/contenders/sluice.ts';
import { type Certificate, HOST } from './certificate.ts';
import { GRPC_SERVICE, SOCKET_PATH, type UpstreamPorts } from './upstreams.ts';

/** In the order in which they take turns and stand in the tables. */
export const CONTENDERS = ['nginx', 'haproxy', 'caddy', 'sluice', 'sluice-before'] as const;
export type ContenderName = (typeof CONTENDERS)[number];

/** Where a gateway stands in this run. */
export interface Place {
  /** Its own, for configurations and temporary files. */
  readonly folder: string;
  readonly port: number;
  /** A second free port, for gateways with an admin side. */
  readonly adminPort: number;
  readonly upstreams: UpstreamPorts;
  readonly certificate: Certificate;
  /** The checkout that Sluice is started from. */
  readonly checkout: string;
  /** Full path of a program. */
  readonly binary: (name: string) => string;
}

export interface Contender {
  /** Writes the configuration; returns the command that serves in the foreground. */
  readonly prepare: (place: Place) => readonly string[];
  /** Version of the program, for the report. */
  readonly version: (place: Place) => string;
}

const FORWARDED = [
  'Host $http_host',
  'X-Forwarded-For $proxy_add_x_forwarded_for',
  'X-Forwarded-Proto $scheme',
  'X-Forwarded-Host $http_host',
  'X-Request-Id $request_id',
];

function nginxFields(directive: 'proxy_set_header' | 'grpc_set_header', more: readonly string[]): string {
  return [...FORWARDED, ...more].map((field) => `      ${directive} ${field};`).join('\n');
}

const nginx: Contender = {
  prepare: ({ folder, port, upstreams, certificate, binary }) => {
    const pool = (name: string, to: number): string => `  upstream ${name} {
    server 127.0.0.1:${to};
    keepalive ${UPSTREAM_CONNECTIONS_MAX};
    keepalive_requests 1000000000;
    keepalive_timeout 3600s;
  }`;
    const file = writeNginx(
      folder,
      1,
      `${pool('shop', upstreams.http)}
${pool('catalog', upstreams.grpc)}
${pool('sockets', upstreams.socket)}
  proxy_http_version 1.1;
  proxy_request_buffering off;
  proxy_max_temp_file_size 0;
  proxy_read_timeout 3600s;
  server {
    listen 127.0.0.1:${port} ssl http2 backlog=4096;
    ssl_certificate ${certificate.cert};
    ssl_certificate_key ${certificate.key};
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_session_timeout 1h;
    location / {
${nginxFields('proxy_set_header', ['Connection ""'])}
      proxy_pass http://shop;
    }
    location /${GRPC_SERVICE}/ {
${nginxFields('grpc_set_header', [])}
      grpc_pass grpc://catalog;
    }
    location ${SOCKET_PATH} {
${nginxFields('proxy_set_header', ['Upgrade $http_upgrade', 'Connection upgrade'])}
      proxy_pass http://sockets;
    }
  }`,
    );
    return [binary('nginx'), '-c', file];
  },
  version: ({ binary }) => plainNginx.version(binary),
};

const haproxy: Contender = {
  prepare: ({ folder, port, upstreams, certificate, binary }) => {
    const file = join(folder, 'haproxy.cfg');
    // What is not about TLS and HTTP/2 is as in bench/macro, for the reasons given there.
    writeFileSync(
      file,
      `global
  nbthread 1
  maxconn ${CONNECTIONS_MAX}
  no strict-limits
  tune.pool-low-fd-ratio 90
  tune.pool-high-fd-ratio 95
defaults
  mode http
  maxconn ${CONNECTIONS_MAX}
  timeout connect 5s
  timeout client 3600s
  timeout http-keep-alive 3600s
  timeout server 60s
  timeout tunnel 3600s
  option http-keep-alive
  http-reuse always
frontend gateway
  bind 127.0.0.1:${port} ssl crt ${certificate.both} alpn h2,http/1.1 backlog 4096
  option forwardfor
  http-request set-header X-Forwarded-Proto https
  http-request set-header X-Forwarded-Host %[req.hdr(host)]
  http-request set-header X-Request-Id %[uuid()]
  use_backend catalog if { path_beg /${GRPC_SERVICE}/ }
  use_backend sockets if { path ${SOCKET_PATH} }
  default_backend shop
backend shop
  server one 127.0.0.1:${upstreams.http} pool-purge-delay 3600s
backend catalog
  server one 127.0.0.1:${upstreams.grpc} proto h2 pool-purge-delay 3600s
backend sockets
  server one 127.0.0.1:${upstreams.socket}
`,
    );
    return [binary('haproxy'), '-db', '-f', file];
  },
  version: ({ binary }) => plainHaproxy.version(binary),
};

const caddy: Contender = {
  prepare: ({ folder, port, upstreams, certificate, binary }) => {
    const file = join(folder, 'Caddyfile');
    const proxy = (to: string): string => `reverse_proxy ${to} {
      header_up X-Request-Id {http.request.uuid}
      transport http {
        keepalive 1h
        keepalive_idle_conns ${UPSTREAM_CONNECTIONS_MAX}
        keepalive_idle_conns_per_host ${UPSTREAM_CONNECTIONS_MAX}
      }
    }`;
    writeFileSync(
      file,
      `{
  admin off
  auto_https off
  default_sni ${HOST}
  servers {
    protocols h1 h2
    timeouts {
      idle 1h
    }
  }
}
https://:${port} {
  bind 127.0.0.1
  tls ${certificate.cert} ${certificate.key}
  handle /${GRPC_SERVICE}/* {
    ${proxy(`h2c://127.0.0.1:${upstreams.grpc}`)}
  }
  handle ${SOCKET_PATH} {
    ${proxy(`127.0.0.1:${upstreams.socket}`)}
  }
  handle {
    ${proxy(`127.0.0.1:${upstreams.http}`)}
  }
}
`,
    );
    const own = ['GOMAXPROCS=1', `XDG_DATA_HOME=${folder}`, `XDG_CONFIG_HOME=${folder}`];
    return ['env', ...own, binary('caddy'), 'run', '--config', file, '--adapter', 'caddyfile'];
  },
  version: ({ binary }) => plainCaddy.version(binary),
};

/** As in bench/macro: two versions, sticky users, an SLO and a canary under judgement, and an access log. */
const sluice: Contender = {
  prepare: ({ folder, port, adminPort, upstreams, certificate, checkout }) => {
    const file = join(folder, 'sluice.yaml');
    const versions = (to: number): string => `versions:
      v1: { endpoints: ["127.0.0.1:${to}"] }
      v2: { endpoints: ["127.0.0.1:${to}"], colors: [canary] }`;
    const route = (name: string, match: string): string => `  - name: ${name}
    matches: [{ path: ${match} }]
    backendRefs: [{ name: ${name}, version: v1, weight: 95 }, { name: ${name}, version: v2, weight: 5 }]
    sticky: { header: x-user-id }
    slo: { availability: 0.999, latency: { threshold: 300ms, target: 0.99 } }
    rollout: { stable: v1, canary: v2 }
`;
    writeFileSync(
      file,
      `listen:
  host: 127.0.0.1
  port: ${port}
  tls: { certificates: [{ cert: ${certificate.cert}, key: ${certificate.key} }] }
admin: "127.0.0.1:${adminPort}"
workers: 1
color: { header: x-release-stage, acceptFrom: anyone }
limits:
  connectionsMax: ${CONNECTIONS_MAX}
  requestsPerConnectionMax: 1000000000
  endpointConnectionsMax: ${UPSTREAM_CONNECTIONS_MAX}
timeouts: { idle: 1h, upstreamIdle: 1h }
drain: { delay: 0s, timeout: 1s }
accessLog: { sample: ${ACCESS_LOG_RATIO} }
services:
  shop:
    ${versions(upstreams.http)}
  catalog:
    protocol: grpc
    ${versions(upstreams.grpc)}
  socket:
    ${versions(upstreams.socket)}
routes:
${route('shop', '{ type: PathPrefix, value: / }')}${route('catalog', `{ type: PathPrefix, value: /${GRPC_SERVICE} }`)}${route('socket', `{ type: Exact, value: ${SOCKET_PATH} }`)}`,
    );
    return [process.execPath, join(checkout, 'src/main.ts'), 'run', '--config', file];
  },
  version: ({ checkout }) => {
    const { status, stdout } = spawnSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: checkout, encoding: 'utf8' });
    return status === 0 ? stdout.trim() : 'unknown';
  },
};

export const CONTENDER: Readonly<Record<ContenderName, Contender>> = {
  nginx,
  haproxy,
  caddy,
  sluice,
  'sluice-before': sluice,
};
