/**
 * A service under load with one canary, on virtual time, drawn by counts: what the gateway would have counted, tick by tick.
 *
 * Where failures are independent of one another, nobody needs to know which request is whose: each tick draws how many
 * requests each version got and how many failed, and `population.ts` how many users that was. What moves over time is shared
 * by both versions (load, error ratio, outages) or is the canary's share; hiccups of one endpoint are `hiccups.ts`.
 * Ticks have a random phase, so that every tenth straddles two seconds. One seed is one history.
 *
 * Users have random numbers of their own and change nothing about requests: the requests of a seed are the same whether its
 * users are drawn or not, and take a fraction of the time alone (`screen.ts`).
 */

import { Random } from '#src/lib/random.ts';
import type { ArmCounts, Evidence } from '#src/model/slo.ts';
import { emptyEvidence } from '../rollout.ts';
import { type Period, START_MS, TICK_MS } from '../traffic.ts';
import { Arrivals } from './arrivals.ts';
import { binomialDraw } from './binomial-draw.ts';
import { type HiccupPlan, Hiccups } from './hiccups.ts';
import { Population } from './population.ts';

const TICKS_PER_SECOND = 1000 / TICK_MS;
const MINUTE_TICKS = 60_000 / TICK_MS;
/** Makes the seed of a history's users out of the one of its requests. */
export const USERS_SEED = 0x40000000;

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

interface Arm {
  readonly requests: ArmCounts;
  readonly users: ArmCounts;
  /** Null: users are not drawn. */
  readonly population: Population | null;
}

/** The history of one seed. */
export class CountedTraffic {
  readonly evidence: Evidence = emptyEvidence();
  /** End of the last tick that was drawn. */
  nowMs: number;
  /** Told when the canary's share moves: a step of the rollout. */
  onStep: (() => void) | null = null;
  readonly hiccups: Hiccups | null;
  readonly #scenario: CountedScenario;
  readonly #isUneven: boolean;
  readonly #random: Random;
  readonly #userRandom: Random;
  readonly #shareBefore: number;
  readonly #startMs: number;
  readonly #canary: Arm;
  readonly #stable: Arm;
  readonly #arrivals: Arrivals;
  #tick = 0;
  #perSecond: number;
  #canaryShare: number;
  /** When all is well, and at this moment. */
  #errorRatio: number;
  #ratio: number;
  #movesAtTick: number;

  /** @param hasUsers false: users are not drawn, and counted as none */
  constructor(scenario: CountedScenario, seed: number, hasUsers = true) {
    this.#scenario = scenario;
    this.#isUneven = scenario.outages.length > 0 || scenario.swing > 0;
    this.#random = new Random(seed);
    this.#userRandom = new Random(seed ^ USERS_SEED);
    this.#perSecond = scenario.requestsPerSecond;
    this.#canaryShare = scenario.canaryShare;
    this.#errorRatio = scenario.errorRatio;
    this.#ratio = scenario.errorRatio;
    this.#shareBefore = 0.01 + 0.98 * this.#random.nextFloat();
    this.#startMs = START_MS + (1 - this.#shareBefore) * TICK_MS;
    this.nowMs = this.#startMs;
    this.#movesAtTick = scenario.isMoving ? this.#nextMove() : Number.POSITIVE_INFINITY;
    this.hiccups = scenario.hiccups === null ? null : new Hiccups(scenario.hiccups, this.#random);
    this.#arrivals = new Arrivals(this.#random);
    const canaryUsers = binomialDraw(this.#userRandom, scenario.users, scenario.canaryShare);
    this.#canary = this.#arm('canary', hasUsers ? canaryUsers : null);
    this.#stable = this.#arm('stable', hasUsers ? scenario.users - canaryUsers : null);
    this.#set();
  }

  /** Draws the next tick into `evidence`. */
  next(): void {
    if (this.#tick >= this.#movesAtTick) this.#move();
    if (this.#scenario.swing > 0 && this.#tick % MINUTE_TICKS === 0) this.#swing();
    if (this.#isUneven) this.#turnRatio();
    const { canary, stable } = this.evidence.requests;
    this.#arrivals.draw(canary, stable);
    this.hiccups?.draw(this.#tick, this.#ratio, this.hiccups.arm === 'canary' ? canary : stable);
    if (this.#canary.population !== null) this.#drawUsers(this.#canary, this.#canary.population);
    if (this.#stable.population !== null) this.#drawUsers(this.#stable, this.#stable.population);
    this.#tick += 1;
    this.nowMs = this.#startMs + this.#tick * TICK_MS;
  }

  /** @param users of the version; null: they are not drawn */
  #arm(name: 'canary' | 'stable', users: number | null): Arm {
    const population = users === null ? null : new Population(this.#userRandom, users, this.#scenario.users);
    return { requests: this.evidence.requests[name], users: this.evidence.users[name], population };
  }

  /** The last tick of every ten begins in one second and ends in the next: each request is in the first by chance. */
  #drawUsers({ requests, users }: Arm, population: Population): void {
    users.finished = 0;
    users.bad = 0;
    const { finished, bad } = requests;
    if (finished === 0) return;
    const second = START_MS / 1000 + Math.trunc(this.#tick / TICKS_PER_SECOND);
    if (this.#tick % TICKS_PER_SECOND !== TICKS_PER_SECOND - 1) {
      population.add(second, finished, bad, users);
      return;
    }
    const badBefore = binomialDraw(this.#userRandom, bad, this.#shareBefore);
    const before = badBefore + binomialDraw(this.#userRandom, finished - bad, this.#shareBefore);
    population.add(second, before, badBefore, users);
    population.add(second + 1, finished - before, bad - badBefore, users);
  }

  #turnRatio(): void {
    const atMs = this.#tick * TICK_MS;
    let ratio = this.#errorRatio;
    for (const { fromMs, toMs, errorRatio } of this.#scenario.outages) {
      if (atMs >= fromMs && atMs < toMs) ratio = errorRatio;
    }
    if (ratio === this.#ratio) return;
    this.#ratio = ratio;
    this.#set();
  }

  /** Load, share or error ratio are others from now on. What endpoints with hiccups serve they draw themselves. */
  #set(): void {
    const mean = (this.#perSecond * TICK_MS) / 1000;
    const [canary, stable] = [mean * this.#canaryShare, mean * (1 - this.#canaryShare)];
    const arm = this.hiccups?.arm;
    this.hiccups?.set(arm === 'canary' ? canary : stable);
    this.#arrivals.set(arm === 'canary' ? 0 : canary, arm === 'stable' ? 0 : stable, this.#ratio);
  }

  /** Load follows a sine of its logarithm, and the error ratio half of it. */
  #swing(): void {
    const { swing, requestsPerSecond, errorRatio } = this.#scenario;
    const height = Math.sin((2 * Math.PI * this.#tick) / (60 * MINUTE_TICKS));
    this.#errorRatio = errorRatio * (1 + swing) ** (height / 2);
    this.#perSecond = requestsPerSecond * (1 + swing) ** height;
    this.#set();
  }

  #nextMove(): number {
    return this.#tick + Math.ceil((1 + 9 * this.#random.nextFloat()) * MINUTE_TICKS);
  }

  #move(): void {
    const factors = [0.2, 0.5, 1, 1.6];
    const factor = factors[this.#random.nextUint32() % factors.length] as number;
    this.#canaryShare = this.#scenario.canaryShare * factor;
    const canaryUsers = binomialDraw(this.#userRandom, this.#scenario.users, this.#canaryShare);
    this.#canary.population?.resize(canaryUsers);
    this.#stable.population?.resize(this.#scenario.users - canaryUsers);
    this.#set();
    this.#movesAtTick = this.#nextMove();
    this.onStep?.();
  }
}
