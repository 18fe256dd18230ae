/**
 * A service under load with one canary, on virtual time, drawn by counts: what the gateway would have counted, tick by tick.
 *
 * Where failures are independent of one another, nobody needs to know which request is whose: each tick draws how many
 * requests each version got and how many failed, and `population.ts` how many users that was. An hour of 1,000 requests a
 * second takes a tenth of the time that `traffic.ts` needs, which draws every request. What moves over time is shared by
 * both versions (load, error ratio, outages) or is the canary's share; hiccups of one endpoint are `hiccups.ts`.
 * Ticks have a random phase, so that every tenth straddles two seconds. One seed is one history.
 */

import { Random } from '#src/lib/random.ts';
import type { ArmCounts, Evidence } from '#src/model/slo.ts';
import { type AliasTable, geometric, poissonTable } from '../draws.ts';
import { emptyEvidence } from '../rollout.ts';
import { type Period, START_MS, TICK_MS } from '../traffic.ts';
import { binomialDraw } from './binomial-draw.ts';
import { type HiccupPlan, Hiccups } from './hiccups.ts';
import { Population } from './population.ts';

const TICKS_PER_SECOND = 1000 / TICK_MS;
const MINUTE_TICKS = 60_000 / TICK_MS;

export interface CountedScenario {
  readonly requestsPerSecond: number;
  readonly canaryShare: number;
  readonly users: number;
  /** Share of bad requests in both versions when all is well. */
  readonly errorRatio: number;
  /** Load and error ratio swing as in a day, once in the hour: up to so many times up and down; 0 = not at all. */
  readonly swing: number;
  /** Both versions fail alike. */
  readonly outages: readonly Period[];
  /** The canary's share moves every few minutes. */
  readonly isMoving: boolean;
  readonly hiccups: HiccupPlan | null;
}

/** 100 requests per second, 5 % of them and of 2,048 equal users on the canary, 1 % errors. */
export const CALM: CountedScenario = {
  requestsPerSecond: 100,
  canaryShare: 0.05,
  users: 2048,
  errorRatio: 0.01,
  swing: 0,
  outages: [],
  isMoving: false,
  hiccups: null,
};

/** Requests of a tick, and of the two parts of one that straddles seconds. */
type Tables = readonly [whole: AliasTable, before: AliasTable, after: AliasTable];

interface Arm {
  readonly requests: ArmCounts;
  readonly users: ArmCounts;
  readonly population: Population;
  readonly name: 'canary' | 'stable';
  tables: Tables;
  /** Good requests to come before the next bad one. */
  untilBad: number;
}

/** The history of one seed. */
export class CountedTraffic {
  readonly evidence: Evidence = emptyEvidence();
  /** Told when the canary's share moves: a step of the rollout. */
  onStep: (() => void) | null = null;
  readonly hiccups: Hiccups | null;
  readonly #scenario: CountedScenario;
  readonly #random: Random;
  readonly #shareBefore: number;
  readonly #canary: Arm;
  readonly #stable: Arm;
  #tick = 0;
  #canaryShare: number;
  /** When all is well, and at this moment. */
  #errorRatio: number;
  #ratio: number;
  #movesAtTick: number;

  constructor(scenario: CountedScenario, seed: number) {
    this.#scenario = scenario;
    this.#random = new Random(seed);
    this.#canaryShare = scenario.canaryShare;
    this.#errorRatio = scenario.errorRatio;
    this.#ratio = scenario.errorRatio;
    this.#shareBefore = 0.01 + 0.98 * this.#random.nextFloat();
    this.#movesAtTick = scenario.isMoving ? this.#nextMove() : Number.POSITIVE_INFINITY;
    const { hiccups, requestsPerSecond } = scenario;
    this.hiccups = hiccups === null ? null : new Hiccups(hiccups, this.#random);
    const canaryUsers = binomialDraw(this.#random, scenario.users, scenario.canaryShare);
    const { requests, users } = this.evidence;
    this.#canary = {
      requests: requests.canary,
      users: users.canary,
      population: new Population(this.#random, canaryUsers, scenario.users),
      name: 'canary',
      untilBad: geometric(this.#random, scenario.errorRatio),
      tables: this.#tables(requestsPerSecond * scenario.canaryShare),
    };
    this.#stable = {
      requests: requests.stable,
      users: users.stable,
      population: new Population(this.#random, scenario.users - canaryUsers, scenario.users),
      name: 'stable',
      untilBad: geometric(this.#random, scenario.errorRatio),
      tables: this.#tables(requestsPerSecond * (1 - scenario.canaryShare)),
    };
  }

  /** End of the last tick that was drawn. */
  get nowMs(): number {
    return START_MS + (1 - this.#shareBefore) * TICK_MS + this.#tick * TICK_MS;
  }

  /** Draws the next tick into `evidence`. */
  next(): void {
    if (this.#tick >= this.#movesAtTick) this.#move();
    if (this.#scenario.swing > 0 && this.#tick % MINUTE_TICKS === 0) this.#swing();
    clear(this.#canary);
    clear(this.#stable);
    this.#turnRatio();
    this.hiccups?.turn(this.#tick);
    this.#draw(this.#canary);
    this.#draw(this.#stable);
    this.#tick += 1;
  }

  #draw(arm: Arm): void {
    const second = START_MS / 1000 + Math.trunc(this.#tick / TICKS_PER_SECOND);
    if (this.#tick % TICKS_PER_SECOND !== TICKS_PER_SECOND - 1) {
      this.#drawPart(arm, arm.tables[0], second);
      return;
    }
    this.#drawPart(arm, arm.tables[1], second);
    this.#drawPart(arm, arm.tables[2], second + 1);
  }

  #drawPart(arm: Arm, table: AliasTable, second: number): void {
    const count = table.draw(this.#random);
    if (count === 0) return;
    const { hiccups } = this;
    const bad = hiccups?.arm === arm.name ? hiccups.serve(count, this.#ratio) : this.#badOf(arm, count);
    arm.requests.finished += count;
    arm.requests.bad += bad;
    arm.population.add(second, count, bad, arm.users);
  }

  #badOf(arm: Arm, count: number): number {
    let bad = 0;
    let left = count;
    while (left >= arm.untilBad) {
      left -= arm.untilBad;
      bad += 1;
      arm.untilBad = geometric(this.#random, this.#ratio);
    }
    arm.untilBad -= left;
    return bad;
  }

  /** Gaps between failures have no memory, so that they may be drawn anew when the ratio changes. */
  #turnRatio(): void {
    const atMs = this.#tick * TICK_MS;
    let ratio = this.#errorRatio;
    for (const { fromMs, toMs, errorRatio } of this.#scenario.outages) {
      if (atMs >= fromMs && atMs < toMs) ratio = errorRatio;
    }
    if (ratio === this.#ratio) return;
    this.#ratio = ratio;
    for (const arm of [this.#canary, this.#stable]) arm.untilBad = geometric(this.#random, ratio);
  }

  #tables(perSecond: number): Tables {
    const mean = (perSecond * TICK_MS) / 1000;
    const share = this.#shareBefore;
    return [poissonTable(mean), poissonTable(mean * share), poissonTable(mean * (1 - share))];
  }

  /** Load follows a sine of its logarithm, and the error ratio half of it. */
  #swing(): void {
    const { swing, requestsPerSecond, errorRatio, canaryShare } = this.#scenario;
    const height = Math.sin((2 * Math.PI * this.#tick) / (60 * MINUTE_TICKS));
    const load = requestsPerSecond * (1 + swing) ** height;
    this.#errorRatio = errorRatio * (1 + swing) ** (height / 2);
    this.#canary.tables = this.#tables(load * canaryShare);
    this.#stable.tables = this.#tables(load * (1 - canaryShare));
  }

  #nextMove(): number {
    return this.#tick + Math.ceil((1 + 9 * this.#random.nextFloat()) * MINUTE_TICKS);
  }

  #move(): void {
    const { canaryShare, requestsPerSecond, users } = this.#scenario;
    const factors = [0.2, 0.5, 1, 1.6];
    this.#canaryShare = canaryShare * (factors[this.#random.nextUint32() % factors.length] as number);
    const canaryUsers = binomialDraw(this.#random, users, this.#canaryShare);
    this.#canary.population.resize(canaryUsers);
    this.#stable.population.resize(users - canaryUsers);
    this.#canary.tables = this.#tables(requestsPerSecond * this.#canaryShare);
    this.#stable.tables = this.#tables(requestsPerSecond * (1 - this.#canaryShare));
    this.#movesAtTick = this.#nextMove();
    this.onStep?.();
  }
}

function clear({ requests, users }: Arm): void {
  requests.finished = 0;
  requests.bad = 0;
  users.finished = 0;
  users.bad = 0;
}
