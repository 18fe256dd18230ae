/**
 * One random history of a fleet on virtual time: gateways that decide, freeze, die and are cut off, a store that goes away and
 * forgets; with everything that must hold while it lasts and after.
 */

import assert from 'node:assert/strict';
import { FleetNode, type Phase } from '#src/fleet/node.ts';
import type { Word } from '#src/fleet/order.ts';
import { Random } from '#src/lib/random.ts';
import { VirtualTime } from '../virtual.ts';
import { type Listener, ModelLine, ModelServer } from './model.ts';

const LEASE_MS = 2000;
const WINDOW_MS = 4000;
const TURN_MS = 100;
const EXCHANGE_TURNS = 5;
const TURNS = 160;
const CALM_MS = 2 * WINDOW_MS + 2 * LEASE_MS;
/** Both routes send to one service, so one of them at a time has its window. */
const ROUTES = ['a', 'b'] as const;

interface Body {
  readonly kind: 'idle' | 'under-way' | 'rolled-back';
  readonly step: number;
  readonly rolledBackAtMs: number;
}

const IDLE: Body = { kind: 'idle', step: 0, rolledBackAtMs: 0 };

/** A rollback that a gateway decided on. */
interface Rollback {
  readonly route: string;
  /** null: it did not know yet of which run. */
  readonly run: number | null;
  readonly atMs: number;
}

/** What happened, for a look at what the schedules cover. */
export interface Course {
  readonly rollbacks: number;
  readonly rollbacksAlone: number;
  /** Begun again after a rollback. */
  readonly starts: number;
  readonly fenced: number;
  readonly leaders: number;
}

class Gateway {
  readonly line: ModelLine<Body>;
  readonly node: FleetNode<Body>;
  readonly bodies: Map<string, Body>;
  readonly #fleet: Fleet;
  readonly #wants = new Set<string>();
  readonly #hear: Listener<Body>;
  isGone = false;

  constructor(fleet: Fleet, id: string, bodies: Map<string, Body>) {
    this.#fleet = fleet;
    this.bodies = bodies;
    const { time, server, random } = fleet;
    this.line = new ModelLine(server, time, random);
    this.node = new FleetNode<Body>({
      id,
      locks: this.line,
      board: this.line,
      nowMs: () => time.nowMs,
      wallMs: () => time.nowMs,
      leaseMs: LEASE_MS,
      windowLeaseMs: WINDOW_MS,
      hooks: {
        adopt: (route, word) => this.#adopt(route, word),
        current: (route) => {
          const body = this.body(route);
          return { body, isRolledBack: body.kind === 'rolled-back', rolledBackAtMs: body.rolledBackAtMs };
        },
        phase: (route) => this.#phase(route),
        windowLost: () => undefined,
        failed: () => undefined,
      },
    });
    this.node.follow(ROUTES.map((route) => ({ route, service: 'shop', generation: 'g'.repeat(16), hasSteps: true })));
    this.#hear = (resource, word) => void this.#listen(() => this.node.heard(resource, word));
    server.listeners.add(this.#hear);
  }

  body(route: string): Body {
    return this.bodies.get(route) ?? IDLE;
  }

  die(): void {
    this.isGone = true;
    this.#fleet.server.listeners.delete(this.#hear);
  }

  turn(number: number, isCalm: boolean): void {
    if (this.isGone || this.line.isFrozen) return;
    for (const route of ROUTES) if (!isCalm) this.#decide(route);
    if (number % EXCHANGE_TURNS === 0) void this.node.exchange();
  }

  #decide(route: string): void {
    const { random, time } = this.#fleet;
    const role = this.node.roleOf(route);
    const body = this.body(route);
    const chance = random.nextFloat();
    if (role === 'leader' && body.kind !== 'under-way') {
      if (chance < 0.05) this.#wants.add(route);
      if (this.#wants.has(route) && this.node.mayStart(route)) this.#move(route, { ...IDLE, kind: 'under-way' });
    } else if (body.kind === 'under-way') {
      // Evidence convicts where it is judged; a person ends it anywhere.
      const isOut = chance < (role === 'follower' ? 0.001 : 0.015);
      if (isOut) {
        this.#move(route, { ...body, kind: 'rolled-back', rolledBackAtMs: Math.round(time.nowMs) });
        this.#fleet.noteRollback(route, this.node, role === 'alone');
      } else if (role === 'leader' && chance > 0.9) this.#move(route, { ...body, step: body.step + 1 });
    }
  }

  #move(route: string, body: Body): void {
    this.#wants.delete(route);
    if (this.body(route).kind === 'rolled-back') this.#fleet.noteStart(route);
    this.bodies.set(route, body);
    void this.node.moved(route);
  }

  #adopt(route: string, word: Word<Body>): boolean {
    const { kind } = this.body(route);
    if (kind === 'rolled-back' && !word.isRolledBack) this.#fleet.noteRevival(route, word);
    this.bodies.set(route, word.body);
    return true;
  }

  #phase(route: string): Phase {
    if (this.body(route).kind === 'under-way') return 'under-way';
    return this.#wants.has(route) ? 'wants' : 'resting';
  }

  async #listen(hear: () => void): Promise<void> {
    const { random, time } = this.#fleet;
    await time.wait(1 + random.nextFloat() * 20);
    while (this.line.isFrozen) await time.wait(10);
    if (!this.isGone && !this.line.isCut && random.nextFloat() > 0.1) hear();
  }
}

class Fleet {
  readonly seed: number;
  readonly random: Random;
  readonly time = new VirtualTime();
  readonly server: ModelServer<Body>;
  readonly gateways: Gateway[] = [];
  rollbacks: Rollback[] = [];
  starts = 0;
  rolledBack = 0;
  readonly leaders = new Set<string>();
  alone = 0;
  #ids = 0;

  constructor(seed: number) {
    this.seed = seed;
    this.random = new Random(seed);
    this.server = new ModelServer(this.time);
    for (let n = 0; n < 3; n++) this.gateways.push(this.#gateway(new Map()));
  }

  noteRollback(route: string, node: FleetNode<Body>, isAlone: boolean): void {
    const word = node.wordOf(route);
    // Before it has heard of the fleet, its word begins at the first run with the first number.
    const isBlind = !node.hasExchanged || (word?.run === 0 && word.seq === 1);
    this.rollbacks.push({ route, run: isBlind ? null : (word?.run ?? null), atMs: Math.round(this.time.nowMs) });
    this.rolledBack += 1;
    if (isAlone) this.alone += 1;
  }

  /** A person begins again, and has seen why it was rolled back. */
  noteStart(route: string): void {
    this.rollbacks = this.rollbacks.filter((rollback) => rollback.route !== route);
    this.starts += 1;
  }

  /** A gateway that had it rolled back hears that a person began again, on another one. */
  noteRevival(route: string, word: Word<Body>): void {
    assert.ok(word.run > 0, `seed ${this.seed}: ${route} came back without being begun again`);
    this.rollbacks = this.rollbacks.filter((known) => known.route !== route || (known.run ?? 0) >= word.run);
  }

  /** What must hold at every moment. */
  look(): void {
    let windows = 0;
    for (const route of ROUTES) {
      let leaders = 0;
      let isInWindow = false;
      for (const [n, { node }] of this.gateways.entries()) {
        if (node.roleOf(route) !== 'leader') continue;
        leaders += 1;
        this.leaders.add(`${route} ${n}`);
        if (node.mayStart(route)) isInWindow = true;
      }
      if (leaders > 1) assert.fail(`seed ${this.seed} at ${this.time.nowMs} ms: ${leaders} lead ${route}`);
      if (isInWindow) windows += 1;
    }
    if (windows > 1)
      assert.fail(`seed ${this.seed} at ${this.time.nowMs} ms: ${windows} have the window of one service`);
  }

  disturb(): void {
    const { random, server, gateways } = this;
    const n = random.nextUint32() % gateways.length;
    const { line } = gateways[n] as Gateway;
    const chance = random.nextFloat();
    if (chance < 0.02) line.isCut = !line.isCut;
    else if (chance < 0.035) line.isFrozen = !line.isFrozen;
    else if (chance < 0.04) this.#replace(n);
    else if (chance < 0.045) server.isUp = !server.isUp;
    else if (chance < 0.047) server.wipe();
  }

  calm(): void {
    this.server.isUp = true;
    for (const { line } of this.gateways) {
      line.isCut = false;
      line.isFrozen = false;
    }
  }

  /** What must hold once everything has worked for a while. */
  settle(): void {
    for (const route of ROUTES) {
      const words = this.gateways.map(({ node }) => node.wordOf(route));
      const [word] = words;
      const told = `seed ${this.seed}, ${route}: ${JSON.stringify(words)}`;
      assert.ok(word !== null && word !== undefined, told);
      for (const [n, gateway] of this.gateways.entries()) {
        assert.deepEqual([words[n]?.run, words[n]?.isRolledBack], [word.run, word.isRolledBack], told);
        assert.equal(gateway.body(route).kind === 'rolled-back', word.isRolledBack, told);
        if (!word.isRolledBack) assert.equal(gateway.body(route).step, word.body.step, told);
      }
      for (const { run, atMs, route: of } of this.rollbacks) {
        if (of !== route) continue;
        const isLater: boolean = run === null ? word.beganAtMs > atMs : word.run > run;
        assert.ok(word.isRolledBack || isLater, `${told}: forgot the rollback of run ${run} at ${atMs}`);
      }
    }
    this.#assertFenced();
  }

  /** Words are said under tokens that never fall. */
  #assertFenced(): void {
    const newest = new Map<string, number>();
    for (const { key, word } of this.server.said) {
      if (word.isRolledBack) continue;
      assert.ok(word.token >= (newest.get(key) ?? 0), `seed ${this.seed}: a late word on ${key}`);
      newest.set(key, word.token);
    }
  }

  /** Killed, and begun again with what its state directory holds. */
  #replace(n: number): void {
    const dead = this.gateways[n] as Gateway;
    dead.die();
    this.gateways[n] = this.#gateway(new Map(dead.bodies));
  }

  #gateway(bodies: Map<string, Body>): Gateway {
    this.#ids += 1;
    return new Gateway(this, `gateway-${this.#ids}`, bodies);
  }
}

/** Runs the history of a seed. @throws AssertionError that names the seed */
export async function runSchedule(seed: number): Promise<Course> {
  const fleet = new Fleet(seed);
  const look = (): void => fleet.look();
  for (let turn = 0; turn < TURNS; turn++) {
    fleet.disturb();
    for (const gateway of fleet.gateways) gateway.turn(turn, false);
    await fleet.time.pass(TURN_MS, look);
  }
  fleet.calm();
  for (let turn = 0; turn < CALM_MS / TURN_MS; turn++) {
    for (const gateway of fleet.gateways) gateway.turn(turn, true);
    await fleet.time.pass(TURN_MS, look);
  }
  fleet.settle();
  return {
    rollbacks: fleet.rolledBack,
    starts: fleet.starts,
    rollbacksAlone: fleet.alone,
    fenced: fleet.server.fenced,
    leaders: fleet.leaders.size,
  };
}
