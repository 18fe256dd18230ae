/**
 * Sluice with one worker and everything on that a real rollout has: two versions, sticky users, an SLO and a canary
 * under judgement, so that every request is recorded for every SLI.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Contender } from './contender.ts';

const root = join(import.meta.dirname, '../../..');

export const sluice: Contender = {
  name: 'sluice',
  needs: [],
  prepare: ({ folder, port, adminPort, upstreamPort }) => {
    const file = join(folder, 'sluice.yaml');
    writeFileSync(
      file,
      `listen: "127.0.0.1:${port}"
admin: "127.0.0.1:${adminPort}"
workers: 1
limits: { requestsPerConnectionMax: 1000000000 }
timeouts: { idle: 1h }
services:
  shop:
    versions:
      v1: { endpoints: ["127.0.0.1:${upstreamPort}"] }
      v2: { endpoints: ["127.0.0.1:${upstreamPort}"] }
routes:
  - name: catalog
    backendRefs:
      - { name: shop, version: v1, weight: 95 }
      - { name: shop, version: v2, weight: 5 }
    sticky: { header: x-user-id }
    slo:
      availability: 0.999
      latency: { threshold: 300ms, target: 0.99 }
    rollout: { stable: v1, canary: v2 }
`,
    );
    return [process.execPath, join(root, 'src/main.ts'), 'run', '--config', file];
  },
  readyUrl: ({ adminPort }) => `http://127.0.0.1:${adminPort}/readyz`,
  version: () => (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }).version,
};
