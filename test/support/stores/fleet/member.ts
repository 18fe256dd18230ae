/**
 * A gateway of a fleet in this process: configuration, rollouts and fleet, without threads and without ports. The test turns it.
 */

import assert from 'node:assert/strict';
import { Redis } from 'ioredis';
import { Rollouts } from '#src/compose/rollouts.ts';
import { Defects } from '#src/compose/watches/defects.ts';
import { nowMs } from '#src/lib/clock.ts';
import type { Log } from '#src/lib/log.ts';
import type { CommandResult, RolloutCommandName } from '#src/model/rollout.ts';
import type { FleetConfig, FleetRolloutStatus } from '#src/model/threads/fleet.ts';
import { SloEngine } from '#src/slo/budget/engine.ts';
import { createDials } from '#src/snapshot/dials.ts';
import { createLatencyDials } from '#src/snapshot/latency-dials.ts';
import { Store } from '#src/snapshot/store.ts';
import { parseConfig } from '#src/sources/parse.ts';
import { SOUND } from '../../config.ts';
import { until } from '../../gateway.ts';
import { FakeWorker } from '../../simulate/worker.ts';
import { REDIS, type StoreServer, startStore } from '../server.ts';
import { redisSettings } from './settings.ts';

/** A rollout with steps, which goes on when a person says so. */
export const STEPS = `${SOUND}    slo: {availability: 0.999}
    rollout: {stable: v1, canary: v2, steps: [5, 100], dwell: 1h, evidence: false, requestsMin: 0}
`;
/** Short, as a server that has just begun gives no locks for so long; and longer than a busy machine stands still between two turns. */
export const LEASE_MS = 3000;
/** A server that is late is none that is away. */
const TIMEOUT_MS = 5000;

export type Line = Readonly<Record<string, unknown>> & { readonly event: string };

export class Member {
  readonly name: string;
  readonly lines: Line[] = [];
  /** Starts that took effect. */
  readonly started: string[] = [];
  readonly rollouts: Rollouts;
  readonly store: Store;

  constructor(name: string, document = STEPS) {
    this.name = name;
    const say = (event: string, fields: object = {}): void => void this.lines.push({ event, ...fields });
    const worker = new FakeWorker(0);
    const regions = [worker.region];
    const dials = createDials();
    this.store = new Store({ file: 'gateway.yaml', dials, wallTime: () => '', mayRecycle: () => false });
    this.rollouts = new Rollouts({
      regions: () => regions,
      dials,
      latencyDials: createLatencyDials(),
      store: this.store,
      slos: new SloEngine(),
      log: { debug: say, info: say, warn: say, error: say } as unknown as Log,
      tapes: () => undefined,
      explain: () => '',
      decided: () => undefined,
      rates: () => null,
      isHeld: () => false,
      started: ({ route }) => void this.started.push(route),
      defects: new Defects({ log: { error: say } }),
    });
    this.offer(document);
  }

  /** Puts a document in force. */
  offer(document: string): void {
    const result = this.store.offer(parseConfig(document, 'gateway.yaml', {}));
    assert.ok(result.kind === 'swapped', JSON.stringify(result));
    this.rollouts.follow(result.current);
  }

  open(port: number, window: Partial<FleetConfig['window']> = {}): Promise<void> {
    const { name } = this;
    const redis = redisSettings(port, { timeoutMs: TIMEOUT_MS });
    const config: FleetConfig = {
      name: 'edge',
      member: name,
      lock: 'redis',
      redis,
      leaseMs: LEASE_MS,
      window: { leaseMs: LEASE_MS, onTaken: 'wait', ...window },
    };
    return this.rollouts.join(config, () => `http://${name}`, null);
  }

  turn(): void {
    this.rollouts.turn(nowMs());
  }

  /** Turns until something is so. @param turn what is done in each turn */
  until(what: string, isDone: () => boolean, turn: () => void = () => this.turn()): Promise<void> {
    return until(`${this.name}: ${what}`, () => {
      turn();
      return isDone();
    });
  }

  leads(route = 'shop'): Promise<void> {
    return this.until(`leads ${route}`, () => this.rollouts.fleet.guide.roleOf(route) === 'leader');
  }

  command(name: RolloutCommandName, route = 'shop'): CommandResult | Promise<CommandResult> {
    return this.rollouts.fleet.command({ name, route, by: 'api', reason: '', isFix: false });
  }

  state(route = 'shop'): string {
    return this.rollouts.standing(route)?.state.kind ?? 'none';
  }

  standing(route = 'shop'): FleetRolloutStatus | undefined {
    return this.rollouts.fleet.status()?.rollouts.find((rollout) => rollout.route === route);
  }

  /** Lines of the log with this name. */
  told(event: string): Line[] {
    return this.lines.filter((line) => line.event === event);
  }
}

/** A Redis, a connection of the test's own to it, and the gateways that have joined. */
export class Members {
  readonly server: StoreServer;
  readonly client: Redis;
  readonly all: Member[] = [];

  constructor(server: StoreServer) {
    this.server = server;
    this.client = new Redis(Number(new URL(server.url).port));
  }

  async join(name: string, window: Partial<FleetConfig['window']> = {}, document = STEPS): Promise<Member> {
    const member = new Member(name, document);
    this.all.push(member);
    await member.open(Number(new URL(this.server.url).port), window);
    return member;
  }

  /** Turns all of them until something is so. */
  until(what: string, isDone: () => boolean): Promise<void> {
    return until(what, () => {
      for (const member of this.all) member.turn();
      return isDone();
    });
  }

  /** Takes the window of the service for somebody else, for so long. */
  async takeWindow(forMs: number): Promise<void> {
    await this.client.set('sluice:edge:{shop}:window:lock', '5 other/abc', 'PX', forMs);
  }

  async freeWindow(): Promise<void> {
    await this.client.del('sluice:edge:{shop}:window:lock');
  }

  /** Ends the gateways and forgets everything. */
  async clear(): Promise<void> {
    for (const { rollouts } of this.all.splice(0)) await rollouts.fleet.close();
    await this.client.flushall();
  }

  async end(): Promise<void> {
    await this.clear();
    this.client.disconnect();
    await this.server.end();
  }
}

/** Starts a Redis for gateways to join. */
export async function startMembers(): Promise<Members> {
  return new Members(await startStore(REDIS));
}
