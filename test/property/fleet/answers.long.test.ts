/** Duplicates in any order, over brokers that share a store: a key is executed by one at a time, and never again once it is answered. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Broker, type BrokerClient, LOCK_MS } from '#src/fleet/answers/broker.ts';
import { Random } from '#src/lib/random.ts';
import type { FromBroker } from '#src/model/threads/answers/idempotency.ts';
import { fuzzSeed } from '../../support/http/fuzz/mutate.ts';
import { SlowStore } from '../../support/stores/fleet/answers.ts';

const SEED = fuzzSeed();
const RUNS = 30;
const STEPS = 400;
const TTL_MS = 60_000;
const WAIT_MS = 3000;
const STEP_MS = LOCK_MS / 4;
const CONFIG = { store: 'redis', entriesMax: 1000, bytesMax: 1e7, onStoreFailure: 'local' } as const;

interface Asked {
  readonly key: string;
  readonly print: string;
  readonly worker: number;
  readonly id: number;
}

/** Brokers with workers, and everything that must hold. */
class World {
  nowMs = 0;
  readonly store = new SlowStore(() => this.nowMs);
  readonly gateways: { readonly broker: Broker; readonly deliver: () => boolean }[] = [];
  readonly workers: { client: BrokerClient; readonly gateway: number }[] = [];
  /** By worker and number. */
  readonly open = new Map<string, Asked>();
  readonly executing = new Map<string, Asked>();
  /** The answer that was kept last, by key. */
  readonly kept = new Map<string, { readonly print: string; readonly text: string; readonly atMs: number }>();
  readonly #isShared: boolean;
  replayed = 0;
  waited = 0;
  executed = 0;
  #ids = 0;

  constructor(gateways: number, workers: number) {
    this.#isShared = gateways > 1;
    for (let g = 0; g < gateways; g++) {
      const { shared, deliver } = this.store.of(`g${g}`);
      const broker = new Broker(CONFIG, { nowMs: () => this.nowMs, changed: () => undefined });
      broker.configure(CONFIG, this.#isShared ? shared : null);
      this.gateways.push({ broker, deliver });
      for (let w = 0; w < workers; w++) this.workers.push({ client: null as unknown as BrokerClient, gateway: g });
    }
    for (const n of this.workers.keys()) this.born(n);
  }

  born(worker: number): void {
    const one = this.workers[worker] as World['workers'][number];
    const { broker } = this.gateways[one.gateway] as World['gateways'][number];
    one.client = broker.open((message) => this.#told(worker, message));
  }

  take(worker: number, key: string, print: string, waitMs: number): void {
    const id = ++this.#ids;
    this.open.set(`${worker}/${id}`, { key, print, worker, id });
    this.workers[worker]?.client.handle({ kind: 'take', take: { id, key, print, waitMs } });
  }

  keep(one: Asked): void {
    this.executing.delete(`${one.worker}/${one.id}`);
    const text = `${one.print} ${one.id}`;
    // Answered before by an execution that the store knew nothing of: which of the two counts is not said.
    this.kept.set(one.key, { print: one.print, text, atMs: this.nowMs });
    const answer = { status: 200, lines: text, body: new Uint8Array() };
    this.workers[one.worker]?.client.handle({ kind: 'keep', id: one.id, answer, ttlMs: TTL_MS });
  }

  release(one: Asked): void {
    this.executing.delete(`${one.worker}/${one.id}`);
    this.workers[one.worker]?.client.handle({ kind: 'release', id: one.id });
  }

  leave(one: Asked): void {
    this.open.delete(`${one.worker}/${one.id}`);
    this.workers[one.worker]?.client.handle({ kind: 'release', id: one.id });
  }

  die(worker: number): void {
    for (const map of [this.open, this.executing])
      for (const [at, one] of map) if (one.worker === worker) map.delete(at);
    this.workers[worker]?.client.close();
    this.born(worker);
  }

  async deliver(gateway: number): Promise<boolean> {
    const isDelivered = (this.gateways[gateway] as World['gateways'][number]).deliver();
    // Behind every promise that goes on by it.
    await new Promise((resolve) => setImmediate(resolve));
    return isDelivered;
  }

  async pass(ms: number): Promise<void> {
    // A gateway that stands still for longer than its locks last is another story.
    for (let left = ms; left > 0; left -= STEP_MS) {
      this.nowMs += Math.min(left, STEP_MS);
      for (const [n, { broker }] of this.gateways.entries()) {
        broker.tick();
        while (await this.deliver(n));
      }
    }
  }

  #told(worker: number, { id, taken }: FromBroker): void {
    const at = `${worker}/${id}`;
    const one = this.open.get(at);
    // Who left, or died, hears nothing that matters.
    if (one === undefined) return;
    this.open.delete(at);
    const kept = this.kept.get(one.key);
    const isKept = kept !== undefined && this.nowMs < kept.atMs + TTL_MS;
    if (taken.kind === 'taken') {
      this.executed++;
      for (const other of this.executing.values()) assert.notEqual(other.key, one.key, 'two execute one key');
      assert.equal(isKept, false, `${one.key} is executed although it was answered`);
      this.executing.set(at, one);
    } else if (taken.kind === 'answer') {
      this.replayed++;
      assert.ok(kept !== undefined && taken.answer.lines === kept.text, 'an answer that nobody gave');
      assert.ok(taken.answer.lines.startsWith(one.print), 'an answer to something else');
    } else if (taken.kind === 'mismatch' && !this.#isShared) {
      const prints = [...this.executing.values(), ...this.open.values()].filter(({ key }) => key === one.key);
      assert.ok(kept?.print !== one.print || prints.some(({ print }) => print !== one.print), 'nothing else was asked');
    }
  }
}

function pickOf<T>(random: Random, all: readonly T[]): T | undefined {
  return all[random.nextUint32() % Math.max(1, all.length)];
}

/** Something that clients and workers do. False: the time is for something else. */
function ask(world: World, random: Random, dice: number): boolean {
  const running = pickOf(random, [...world.executing.values()]);
  const waiting = pickOf(random, [...world.open.values()]);
  if (dice < 0.35) {
    const worker = random.nextUint32() % world.workers.length;
    const waitMs = random.nextFloat() < 0.5 ? 0 : WAIT_MS;
    world.take(worker, `k${random.nextUint32() % 3}`, random.nextFloat() < 0.9 ? 'a' : 'b', waitMs);
  } else if (dice < 0.45 && running !== undefined) world.keep(running);
  else if (dice < 0.55 && running !== undefined) world.release(running);
  else if (dice < 0.58 && waiting !== undefined) world.leave(waiting);
  else if (dice < 0.6) world.die(random.nextUint32() % world.workers.length);
  return dice < 0.6;
}

async function act(world: World, random: Random): Promise<void> {
  const dice = random.nextFloat();
  if (ask(world, random, dice)) return;
  if (dice < 0.8) await world.deliver(random.nextUint32() % world.gateways.length);
  else if (dice < 0.82) await world.pass(TTL_MS);
  else await world.pass(random.nextUint32() % STEP_MS);
}

async function story(seed: number, gateways: number): Promise<World> {
  const random = new Random(seed);
  const world = new World(gateways, 3);
  for (let step = 0; step < STEPS; step++) await act(world, random);
  for (let n = 0; n < 100 && world.open.size + world.executing.size > 0; n++) {
    for (const one of [...world.executing.values()]) world.release(one);
    await world.pass(WAIT_MS / 10);
  }
  assert.equal(world.open.size, 0, 'somebody was never told');
  await world.pass(LOCK_MS);
  for (const { broker } of world.gateways) {
    assert.deepEqual([broker.status.running, broker.status.waiting], [0, 0], 'nothing is left behind');
  }
  return world;
}

for (const [gateways, what] of [
  [1, 'the workers of a gateway'],
  [2, 'two gateways and their store'],
] as const) {
  it(`${what} execute a key one at a time, and not again once it is answered (FUZZ_SEED=${SEED})`, async () => {
    let [replayed, executed] = [0, 0];
    for (let run = 0; run < RUNS; run++) {
      const world = await story(SEED + run, gateways);
      replayed += world.replayed;
      executed += world.executed;
    }
    assert.ok(replayed > RUNS && executed > RUNS, `${executed} executed, ${replayed} answered again`);
  });
}
