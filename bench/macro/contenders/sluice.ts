/**
 * Sluice with everything on that a real rollout has: two versions at 95 and 5, color, sticky users, an SLO, a canary under
 * judgement and the access log at 1 %, so that every request is recorded for every SLI.
 *
 * Of many routes all have two versions, users and an SLO; `ROLLOUTS_MAX` of them have a rollout in progress, as many with
 * 10 routes as with 10,000.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fieldsAt } from '../../../src/sources/schema.ts';
import { routeTarget } from '../routes.ts';
import { CONNECTIONS_MAX, type Contender, type Setup, UPSTREAM_CONNECTIONS_MAX } from './contender.ts';

const root = join(import.meta.dirname, '../../..');

/** Share of requests that the access log writes. */
export const ACCESS_LOG_RATIO = 0.01;
const ROLLOUTS_MAX = 10;

/** Whether this Sluice has an access log to be measured with; its absence is said in the report. */
export function hasAccessLog(): boolean {
  return fieldsAt(['accessLog']).includes('sample');
}

function routeOf(index: number, { routes, judged }: Setup): string {
  const { host, path } = routeTarget(index, routes);
  const where =
    routes <= 1 ? '' : `\n    hostnames: ["${host}"]\n    matches: [{ path: { type: PathPrefix, value: "${path}" } }]`;
  const isWatched =
    judged === undefined ? index % Math.max(1, Math.floor(routes / ROLLOUTS_MAX)) === 0 : index < judged;
  return `  - name: catalog-${index}${where}
    backendRefs:
      - { name: shop, version: v1, weight: 95 }
      - { name: shop, version: v2, weight: 5 }
    sticky: { header: x-user-id }
    slo: { availability: 0.999, latency: { threshold: 300ms, target: 0.99 } }
${isWatched ? '    rollout: { stable: v1, canary: v2 }\n' : ''}`;
}

export const sluice: Contender = {
  name: 'sluice',
  needs: [],
  prepare: ({ folder, port, adminPort, upstreamPort, setup }) => {
    const file = join(folder, 'sluice.yaml');
    const routes = Array.from({ length: setup.routes }, (_, index) => routeOf(index, setup));
    writeFileSync(
      file,
      `listen: "127.0.0.1:${port}"
admin: "127.0.0.1:${adminPort}"
workers: ${setup.workers}
color: { header: x-release-stage, acceptFrom: anyone }
limits:
  connectionsMax: ${CONNECTIONS_MAX}
  requestsPerConnectionMax: 1000000000
  endpointConnectionsMax: ${UPSTREAM_CONNECTIONS_MAX}
timeouts: { idle: 1h, upstreamIdle: 1h }
drain: { delay: 0s, timeout: 1s }
${hasAccessLog() ? `accessLog: { sample: ${ACCESS_LOG_RATIO} }\n` : ''}services:
  shop:
    versions:
      v1: { endpoints: ["127.0.0.1:${upstreamPort}"] }
      v2: { endpoints: ["127.0.0.1:${upstreamPort}"], colors: [canary] }
routes:
${routes.join('')}`,
    );
    return [process.execPath, join(root, 'src/main.ts'), 'run', '--config', file];
  },
  readyUrl: ({ adminPort }) => `http://127.0.0.1:${adminPort}/readyz`,
  version: () => (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }).version,
};
