/**
 * Alerts over days of virtual time against what anybody would expect: an alert that goes on is told where it has to be, none is told
 * twice for nothing, channels keep their rate, and queues their bounds, whatever the channels answer and however often the process
 * is killed.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AlertEngine } from '#src/export/alerts/engine.ts';
import { QUEUE_MAX } from '#src/export/alerts/outbox.ts';
import { Random } from '#src/lib/random.ts';
import type { Alert, AlertsConfig, Condition, Outcome } from '#src/model/threads/load/alerts.ts';
import { asSaved, sampleAlerts, sampleChannel, sampleCondition, WALL_MS } from '../support/readings/alerts.ts';

const SEED = Number(process.env['SLUICE_TEST_SEED'] ?? 52_031);
const ROUNDS = process.env['SLUICE_TEST_DEPTH'] === 'full' ? 40 : 3;
const SECONDS = 1500;
const GROUP_MS = 5000;
/** Longer than a round, so that nothing is due to be told again. */
const REPEAT_MS = 14_400_000;
const PER_MINUTE = 20;
/** Longest pause, the wait of a group, a minute of the rate, and two looks. */
const SETTLE_S = 300 + 5 + 60 + 2;
const NAMES = ['chat', 'pager'] as const;

const CONFIG: AlertsConfig = sampleAlerts({
  channels: [
    sampleChannel({ name: 'chat', type: 'slack', perMinute: PER_MINUTE }),
    sampleChannel({ name: 'pager', type: 'pagerduty', perMinute: PER_MINUTE }),
  ],
  groupMs: GROUP_MS,
  repeatMs: REPEAT_MS,
});

/** The world around the engine: conditions that come and go, channels that fail, a process that is killed. */
class World {
  readonly #random: Random;
  engine: AlertEngine;
  nowMs = 0;
  /** Keys that are so now. */
  readonly present = new Set<string>();
  /** What each channel knows, as of what it took: the state of every alert by its fingerprint. */
  readonly known = new Map<string, Map<string, string>>(NAMES.map((name) => [name, new Map()]));
  readonly sentAtMs = new Map<string, number[]>(NAMES.map((name) => [name, []]));
  /** Words that a channel took and knew already, without a kill in between. */
  needless = 0;
  readonly #took = new Map<string, string>();
  isWell = false;

  constructor(seed: number) {
    this.#random = new Random(seed);
    this.engine = this.#fresh();
  }

  get #now() {
    return { nowMs: this.nowMs, wallMs: WALL_MS + this.nowMs };
  }

  second(): void {
    this.nowMs += 1000;
    if (!this.isWell) this.#change();
    this.engine.look([...this.present].map(conditionOf), this.#now);
    for (const name of NAMES) this.#pump(name);
    if (!this.isWell && this.#chance(0.002)) this.#kill();
  }

  #fresh(): AlertEngine {
    const engine = new AlertEngine(() => this.#random.nextFloat());
    engine.follow(CONFIG);
    return engine;
  }

  #chance(ratio: number): boolean {
    return this.#random.nextFloat() < ratio;
  }

  #change(): void {
    if (!this.#chance(0.1)) return;
    const key = `k${this.#random.nextUint32() % 30}`;
    if (!this.present.delete(key)) this.present.add(key);
  }

  /** What was saved is what the next one begins with. */
  #kill(): void {
    const [alerts, outboxes] = [
      asSaved(this.engine.save()),
      NAMES.map((name) => this.engine.outbox(name)?.save(this.nowMs)),
    ];
    this.engine = this.#fresh();
    this.engine.recall(alerts, this.#now.wallMs);
    NAMES.forEach((name, n) => {
      const saved = outboxes[n] ?? assert.fail();
      assert.ok(this.engine.recallOutbox(name, asSaved(saved), 0, this.#now));
    });
    this.#took.clear();
    // The new process knows nothing of the requests of the old one.
    for (const name of NAMES) this.sentAtMs.set(name, []);
  }

  #pump(name: string): void {
    const outbox = this.engine.outbox(name) ?? assert.fail();
    for (let message = outbox.next(this.nowMs); message !== null; message = outbox.next(this.nowMs)) {
      this.#keepsRate(name);
      const outcome = this.#answer();
      if (outcome.kind === 'sent') for (const alert of message.alerts) this.#take(name, alert);
      outbox.settle(outcome, this.#now);
    }
    assert.ok(outbox.queued <= QUEUE_MAX);
  }

  #answer(): Outcome {
    if (this.isWell || this.#chance(0.7)) return { kind: 'sent' };
    if (this.#chance(0.3)) return { kind: 'limited', because: '429', retryMs: 30_000 };
    return { kind: 'unavailable', because: 'ECONNREFUSED' };
  }

  /** One that ended and began again before the channel took a word of it is another one: it began at another time. */
  #take(name: string, { fingerprint, state, startedAtMs }: Alert): void {
    const key = `${name} ${fingerprint}`;
    const word = `${state} ${startedAtMs}`;
    if (this.#took.get(key) === word) this.needless += 1;
    this.known.get(name)?.set(fingerprint, state);
    this.#took.set(key, word);
  }

  #keepsRate(name: string): void {
    const recent = [...(this.sentAtMs.get(name) ?? []), this.nowMs].filter((atMs) => atMs > this.nowMs - 60_000);
    assert.ok(recent.length <= PER_MINUTE, `${name}: ${recent.length} requests in a minute`);
    this.sentAtMs.set(name, recent);
  }
}

/** Every third one is a page. */
function conditionOf(key: string): Condition {
  return sampleCondition({ key, severity: Number(key.slice(1)) % 3 === 0 ? 'page' : 'ticket' });
}

describe('alerts', () => {
  it('arrive in the end, as things are then, however channels and process fail', (t) => {
    t.diagnostic(`seed ${SEED}`);
    let needless = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const world = new World(SEED + round);
      for (let n = 0; n < SECONDS; n++) world.second();
      world.isWell = true;
      for (let n = 0; n < SETTLE_S; n++) world.second();
      const firing = new Set(world.engine.active().map(({ fingerprint }) => fingerprint));
      assert.equal(firing.size, world.present.size, `round ${round}: what is so is what is active`);
      for (const name of NAMES) {
        const told = [...(world.known.get(name) ?? [])].filter(([, state]) => state === 'firing');
        assert.deepEqual(new Set(told.map(([fingerprint]) => fingerprint)), firing, `round ${round}: ${name}`);
        assert.equal(world.engine.outbox(name)?.queued, 0, `round ${round}: ${name}`);
      }
      needless += world.needless;
    }
    assert.equal(needless, 0, 'told twice for nothing');
  });
});
