/**
 * nginx: as a gateway with one worker and a keep-alive pool, and as the upstream that answers from memory.
 */

import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Server } from '../../../test/support/runner/servers.ts';
import type { Contender } from './contender.ts';

export const NGINX: Server = { binary: 'nginx', debianPackage: 'nginx', neededFor: 'the upstream of every gateway' };

/** Body of the upstream's answer. */
export const BODY =
  '{"items":[{"id":7001,"name":"lamp","price":2900},{"id":7002,"name":"desk","price":18900}],"page":1}';

/** What both roles share; every path lies in the run's own folder. */
function configOf(folder: string, http: string): string {
  return `daemon off;
worker_processes 1;
pid ${folder}/nginx.pid;
error_log stderr error;
events { worker_connections 4096; }
http {
  access_log off;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  keepalive_requests 1000000000;
  keepalive_timeout 3600s;
${http}
}
`;
}

function write(parent: string, role: string, http: (folder: string) => string): string {
  const folder = join(parent, role);
  mkdirSync(folder);
  const file = join(folder, 'nginx.conf');
  writeFileSync(file, configOf(folder, http(folder)));
  return file;
}

/** The command of the upstream: a fixed answer, no file, no log. */
export function upstreamCommand(folder: string, port: number, nginx: string): readonly string[] {
  const file = write(
    folder,
    'upstream',
    () => `  server {
    listen 127.0.0.1:${port} backlog=4096;
    location / { default_type application/json; return 200 '${BODY}'; }
  }`,
  );
  return [nginx, '-c', file];
}

export const nginx: Contender = {
  name: 'nginx',
  needs: [NGINX],
  prepare: ({ folder, port, upstreamPort, binary }) => {
    const file = write(
      folder,
      'gateway',
      () => `  upstream shop {
    server 127.0.0.1:${upstreamPort};
    keepalive 256;
    keepalive_requests 1000000000;
    keepalive_timeout 3600s;
  }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location / {
      proxy_pass http://shop;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Forwarded-Host $http_host;
      proxy_set_header X-Request-Id $request_id;
    }
  }`,
    );
    return [binary('nginx'), '-c', file];
  },
  readyUrl: ({ port }) => `http://127.0.0.1:${port}/`,
  version: ({ binary }) => {
    const { stderr } = spawnSync(binary('nginx'), ['-v'], { encoding: 'utf8' });
    return /nginx\/([\d.]+)/.exec(stderr)?.[1] ?? 'unknown';
  },
};
