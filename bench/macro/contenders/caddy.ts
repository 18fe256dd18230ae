/**
 * Caddy: a gateway in Go, with the features of its reverse proxy that everybody here has, and nothing else.
 */

import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Contender, UPSTREAM_CONNECTIONS_MAX } from './contender.ts';

export const caddy: Contender = {
  name: 'caddy',
  needs: [{ binary: 'caddy', debianPackage: 'caddy', neededFor: 'the comparison with Caddy' }],
  prepare: ({ folder, port, upstreamPort, setup, binary }) => {
    const file = join(folder, 'Caddyfile');
    // X-Forwarded-For, -Proto and -Host are set by default.
    writeFileSync(
      file,
      `{
  admin off
  auto_https off
  servers {
    timeouts {
      idle 1h
    }
  }
}
http://:${port} {
  bind 127.0.0.1
  reverse_proxy 127.0.0.1:${upstreamPort} {
    header_up X-Request-Id {http.request.uuid}
    transport http {
      keepalive 1h
      keepalive_idle_conns ${UPSTREAM_CONNECTIONS_MAX}
      keepalive_idle_conns_per_host ${UPSTREAM_CONNECTIONS_MAX}
    }
  }
}
`,
    );
    const own = [`GOMAXPROCS=${setup.workers}`, `XDG_DATA_HOME=${folder}`, `XDG_CONFIG_HOME=${folder}`];
    return ['env', ...own, binary('caddy'), 'run', '--config', file, '--adapter', 'caddyfile'];
  },
  readyUrl: ({ port }) => `http://127.0.0.1:${port}/`,
  version: (binary) => {
    const { stdout } = spawnSync(binary('caddy'), ['version'], { encoding: 'utf8' });
    return /v?(\d+\.\d+\.\d+)/.exec(stdout)?.[1] ?? 'unknown';
  },
};
