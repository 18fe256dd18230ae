/**
 * HAProxy with one thread, in the foreground, reusing upstream connections whenever it may.
 */

import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Contender } from './contender.ts';

export const haproxy: Contender = {
  name: 'haproxy',
  needs: [{ binary: 'haproxy', debianPackage: 'haproxy', neededFor: 'the comparison with HAProxy' }],
  prepare: ({ folder, port, upstreamPort, binary }) => {
    const file = join(folder, 'haproxy.cfg');
    writeFileSync(
      file,
      `global
  nbthread 1
  maxconn 4096
defaults
  mode http
  timeout connect 5s
  timeout client 3600s
  timeout server 60s
  option http-keep-alive
  http-reuse always
frontend gateway
  bind 127.0.0.1:${port} backlog 4096
  option forwardfor
  http-request set-header X-Forwarded-Proto http
  http-request set-header X-Forwarded-Host %[req.hdr(host)]
  http-request set-header X-Request-Id %[uuid()]
  default_backend shop
backend shop
  server one 127.0.0.1:${upstreamPort} pool-purge-delay 3600s
`,
    );
    return [binary('haproxy'), '-db', '-f', file];
  },
  readyUrl: ({ port }) => `http://127.0.0.1:${port}/`,
  version: ({ binary }) => {
    const { stdout } = spawnSync(binary('haproxy'), ['-v'], { encoding: 'utf8' });
    return /version (\d+\.\d+\.\d+)/.exec(stdout)?.[1] ?? 'unknown';
  },
};
