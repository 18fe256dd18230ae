/**
 * A fleet as its operator has it: gateways as processes, one Redis, and a relay in front of it for each of them.
 */

import type { RolloutCommandName } from '#src/model/rollout.ts';
import type { RouteStatus } from '#src/model/status.ts';
import type { FleetRolloutStatus } from '#src/model/threads/fleet.ts';
import { type GatewayProcess, startGatewayProcess, startService, type TestService, until } from '../../gateway.ts';
import { REDIS, type StoreServer, startStore } from '../server.ts';
import { type Relay, startRelay } from './relay.ts';

const TOKEN = 'sixteen-visible-characters';

/** What is asked of a gateway of a fleet. */
export interface Asked {
  route(name?: string): Promise<RouteStatus>;
  standing(name?: string): Promise<FleetRolloutStatus>;
  /** The state of the rollout, and the canary's weight in force. */
  canary(name?: string): Promise<{ readonly state: string; readonly weight: number }>;
  command(
    name: RolloutCommandName,
    route?: string,
  ): Promise<{ readonly status: number; readonly body: Readonly<Record<string, unknown>> }>;
}

export interface Node extends Asked {
  readonly name: string;
  readonly gateway: GatewayProcess;
  readonly relay: Relay;
}

export interface TestFleet {
  readonly nodes: readonly Node[];
  readonly redis: StoreServer;
  readonly stable: TestService;
  readonly canary: TestService;
  /** The node that leads a rollout; waits until there is one. */
  leader(route?: string): Promise<Node>;
  end(): Promise<void>;
}

export interface FleetSketch {
  readonly count: number;
  /** YAML of the rollout of each route. */
  readonly rollout: string;
  readonly routes?: readonly string[];
  /** YAML fields of the objectives of each route. */
  readonly slo?: string;
  /** YAML of one more field of each route. */
  readonly route?: string;
  /** YAML fields of `fleet`. */
  readonly fleet?: string;
  /** Further sections of the document. */
  readonly more?: string;
}

/** Starts everything and resolves when the gateways know one another. */
export async function startFleet(sketch: FleetSketch): Promise<TestFleet> {
  const [stable, canary] = [await startService('v1'), await startService('v2')];
  const redis = await startStore(REDIS);
  const nodes: Node[] = [];
  const end = async (): Promise<void> => {
    for (const { gateway } of nodes) if (gateway.child.exitCode !== null) process.stderr.write(gateway.output());
    await Promise.all(nodes.map(({ gateway }) => gateway.end()));
    await Promise.all([...nodes.map(({ relay }) => relay.close()), redis.end(), stable.close(), canary.close()]);
  };
  try {
    const names = Array.from({ length: sketch.count }, (_, n) => `gateway-${n + 1}`);
    const ports = { stable: stable.port, canary: canary.port, redis: Number(new URL(redis.url).port) };
    for (const name of names) nodes.push(await startNode(name, sketch, ports));
    await until('the gateways know one another', async () => {
      const known = await Promise.all(nodes.map(async ({ gateway }) => (await gateway.status()).fleet?.members.length));
      return known.every((count) => count === sketch.count);
    });
  } catch (error) {
    await end();
    throw error;
  }
  const leader = async (route?: string): Promise<Node> => {
    let found: Node | undefined;
    await until('somebody leads', async () => {
      const roles = await Promise.all(nodes.map(async (node) => (await node.standing(route).catch(() => null))?.role));
      found = nodes[roles.indexOf('leader')];
      return found !== undefined;
    });
    return found as Node;
  };
  return { nodes, redis, stable, canary, leader, end };
}

async function startNode(
  name: string,
  sketch: FleetSketch,
  ports: { readonly stable: number; readonly canary: number; readonly redis: number },
): Promise<Node> {
  const relay = await startRelay(ports.redis);
  const document = documentOf(name, sketch, { ...ports, redis: `127.0.0.1:${relay.port}` });
  const gateway = await startGatewayProcess(document).catch(async (error: unknown) => {
    await relay.close();
    throw error;
  });
  return { name, gateway, relay, ...askedOf(gateway) };
}

/** What is asked of a gateway. */
export function askedOf(gateway: GatewayProcess): Asked {
  const route = async (wanted = 'shop'): Promise<RouteStatus> =>
    (await gateway.status()).routes.find((one) => one.name === wanted) as RouteStatus;
  return {
    route,
    standing: async (wanted = 'shop') =>
      (await gateway.status()).fleet?.rollouts.find((one) => one.route === wanted) as FleetRolloutStatus,
    canary: async (wanted) => {
      const { rollout, versions } = await route(wanted);
      return { state: rollout?.state ?? 'none', weight: versions[1]?.weight ?? -1 };
    },
    command: async (command, wanted = 'shop') => {
      const answer = await fetch(`${gateway.adminUrl}/api/v1/rollouts/${wanted}/${command}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${TOKEN}`, connection: 'close' },
      });
      return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
    },
  };
}

/** The document of one gateway. @param places ports of loopback, and Redis's address */
export function documentOf(
  name: string,
  {
    rollout,
    routes = ['shop'],
    slo = 'availability: 0.999',
    route: field = '',
    fleet = '',
    more = '',
  }: Omit<FleetSketch, 'count'>,
  places: { readonly stable: number; readonly canary: number; readonly redis: string },
): string {
  const list = routes.map(
    (route) => `
  - name: ${route}
    matches: [{path: {type: PathPrefix, value: ${route === 'shop' ? '/' : `/${route}`}}}]
    backendRefs: [{name: shop, version: v1, weight: 100}, {name: shop, version: v2, weight: 0}]
    sticky: {header: x-user-id}
    slo: {${slo}}
    rollout: {stable: v1, canary: v2, rescue: false, ${rollout}}
    ${field}`,
  );
  return `
listen: 127.0.0.1:0
admin: 127.0.0.1:0
adminToken: ${TOKEN}
workers: 1
saturation: {response: observe}
drain: {delay: 0s, timeout: 5s}
${more}
fleet:
  name: test
  member: ${name}
  redis: {address: "redis://${places.redis}", timeout: 2s}
  ${fleet}
services:
  shop:
    versions:
      v1: {endpoints: ["127.0.0.1:${places.stable}"]}
      v2: {endpoints: ["127.0.0.1:${places.canary}"]}
routes:${list.join('')}
`;
}
