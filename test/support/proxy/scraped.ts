/**
 * A gateway process with one service for tests of what it tells the outside: its metrics, status and output.
 */

import type { TestContext } from 'node:test';
import { type GatewayProcess, startGatewayProcess, startService } from '../gateway.ts';

export interface Scraped {
  readonly gateway: GatewayProcess;
  /** Port of the proxy. */
  readonly port: number;
  /** The whole exposition. */
  metrics(): Promise<string>;
  /** All that anybody can read of it: metrics, status, decisions, output. */
  everything(): Promise<string>;
}

/** Starts one whose only route is `/`; it ends with the test. */
export async function scrapedGateway(t: TestContext): Promise<Scraped> {
  const service = await startService('v1');
  t.after(() => service.close());
  const gateway = await startGatewayProcess(`
listen: 127.0.0.1:0
admin: 127.0.0.1:0
workers: 1
saturation: {response: observe}
services:
  shop:
    versions:
      v1: {endpoints: ["127.0.0.1:${service.port}"]}
routes:
  - name: shop
    hostnames: ["*.example", a]
    backendRefs: [{name: shop}]
    sticky: {header: x-user-id, cookie: uid}
    slo: {availability: 0.99}
`);
  t.after(() => gateway.end());
  const read = async (path: string): Promise<string> => (await fetch(gateway.adminUrl + path)).text();
  return {
    gateway,
    port: Number(new URL(gateway.proxyUrl).port),
    metrics: () => read('/metrics'),
    everything: async () =>
      [await read('/metrics'), await read('/api/v1/status'), await read('/api/v1/decisions'), gateway.output()].join(
        '\n',
      ),
  };
}
