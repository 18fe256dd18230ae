/**
 * nginx as a gateway, with a keep-alive pool and no access log.
 */

import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Server } from '../../../test/support/runner/servers.ts';
import { routeTargets } from '../routes.ts';
import { CONNECTIONS_MAX, type Contender, UPSTREAM_CONNECTIONS_MAX } from './contender.ts';

export const NGINX: Server = { binary: 'nginx', debianPackage: 'nginx', neededFor: 'the upstream of every gateway' };

/** What a gateway and an upstream share; every path lies in the folder. Writes it and returns the file. */
export function writeNginx(folder: string, workers: number, http: string): string {
  // Started by root, workers would be another user that cannot enter the folder.
  const user = process.getuid?.() === 0 ? 'user root;\n' : '';
  const file = join(folder, 'nginx.conf');
  writeFileSync(
    file,
    `${user}daemon off;
worker_processes ${workers};
pid ${folder}/nginx.pid;
error_log stderr error;
events { worker_connections ${CONNECTIONS_MAX + UPSTREAM_CONNECTIONS_MAX}; }
http {
  access_log off;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  keepalive_requests 1000000000;
  keepalive_timeout 3600s;
  client_max_body_size 0;
  server_names_hash_max_size 4096;
${http}
}
`,
  );
  return file;
}

function serverOf(head: string, locations: string): string {
  return `  server {
    ${head}
${locations}
  }`;
}

/** One server block per host; several workers listen on sockets of their own, as Sluice's do. */
function serversOf(port: number, workers: number, routes: number): string {
  const listen = `listen 127.0.0.1:${port} backlog=4096${workers > 1 ? ' reuseport' : ''}`;
  const catchAll = serverOf(`${listen};`, '    location / { proxy_pass http://shop; }');
  if (routes <= 1) return catchAll;
  const byHost = Map.groupBy(routeTargets(routes), ({ host }) => host);
  const servers = [...byHost].map(([host, targets]) => {
    const locations = targets.map(({ path }) => `    location ${path}/ { proxy_pass http://shop; }`);
    return serverOf(`listen 127.0.0.1:${port}; server_name ${host};`, locations.join('\n'));
  });
  return [catchAll, ...servers].join('\n');
}

export const nginx: Contender = {
  name: 'nginx',
  needs: [NGINX],
  prepare: ({ folder, port, upstreamPort, setup, binary }) => {
    const file = writeNginx(
      folder,
      setup.workers,
      `  upstream shop {
    server 127.0.0.1:${upstreamPort};
    keepalive ${UPSTREAM_CONNECTIONS_MAX};
    keepalive_requests 1000000000;
    keepalive_timeout 3600s;
  }
  proxy_http_version 1.1;
  proxy_request_buffering off;
  proxy_max_temp_file_size 0;
  proxy_set_header Connection "";
  proxy_set_header Host $http_host;
  proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
  proxy_set_header X-Forwarded-Proto $scheme;
  proxy_set_header X-Forwarded-Host $http_host;
  proxy_set_header X-Request-Id $request_id;
${serversOf(port, setup.workers, setup.routes)}`,
    );
    return [binary('nginx'), '-c', file];
  },
  readyUrl: ({ port }) => `http://127.0.0.1:${port}/`,
  version: (binary) => {
    const { stderr } = spawnSync(binary('nginx'), ['-v'], { encoding: 'utf8' });
    return /nginx\/([\d.]+)/.exec(stderr)?.[1] ?? 'unknown';
  },
};
