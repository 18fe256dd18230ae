/**
 * HAProxy in the foreground, reusing upstream connections whenever it may.
 */

import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { routeTargets } from '../routes.ts';
import { CONNECTIONS_MAX, type Contender } from './contender.ts';

/** The table as a map of prefixes of host + path; all lead to the one backend. Empty for a single route. */
function routingOf(folder: string, routes: number): string {
  if (routes <= 1) return '';
  const file = join(folder, 'routes.map');
  writeFileSync(
    file,
    routeTargets(routes)
      .map(({ host, path }) => `${host}${path}/ shop\n`)
      .join(''),
  );
  return `  use_backend %[base,map_beg(${file},shop)]\n`;
}

export const haproxy: Contender = {
  name: 'haproxy',
  needs: [{ binary: 'haproxy', debianPackage: 'haproxy', neededFor: 'the comparison with HAProxy' }],
  prepare: ({ folder, port, upstreamPort, setup, binary }) => {
    const file = join(folder, 'haproxy.cfg');
    // Without strict limits it starts where twice `maxconn` descriptors may not be opened; no scenario needs both sides.
    // The ratios: from a quarter of its descriptors on it would close idle upstream connections instead of keeping them.
    writeFileSync(
      file,
      `global
  nbthread ${setup.workers}
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
  option http-keep-alive
  http-reuse always
frontend gateway
  bind 127.0.0.1:${port} backlog 4096
  option forwardfor
  http-request set-header X-Forwarded-Proto http
  http-request set-header X-Forwarded-Host %[req.hdr(host)]
  http-request set-header X-Request-Id %[uuid()]
${routingOf(folder, setup.routes)}  default_backend shop
backend shop
  server one 127.0.0.1:${upstreamPort} pool-purge-delay 3600s
`,
    );
    return [binary('haproxy'), '-db', '-f', file];
  },
  readyUrl: ({ port }) => `http://127.0.0.1:${port}/`,
  version: (binary) => {
    const { stdout } = spawnSync(binary('haproxy'), ['-v'], { encoding: 'utf8' });
    return /version (\d+\.\d+\.\d+)/.exec(stdout)?.[1] ?? 'unknown';
  },
};
