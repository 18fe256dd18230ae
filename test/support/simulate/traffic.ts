/**
 * A service under load with one canary, on virtual time: what the gateway would have counted, tick by tick.
 *
 * Requests arrive as a Poisson process from a population of users, equal or heavy-tailed; a user sticks to its version.
 * Failures are independent per request, or come as bursts of one user (geometric length, exponential gaps), or both
 * versions fail together (an outage), or the canary alone does. Every request is drawn; what the bitmaps of user-seconds
 * would show is kept per user (`traffic.test.ts` compares it with the real readers). Ticks have a random phase, so that
 * every tenth straddles two seconds. One seed is one history.
 */

import { Random } from '#src/lib/random.ts';
import type { ArmCounts, Evidence } from '#src/model/slo.ts';
import { REST_DOUBLINGS_MAX, USER_REST_SECONDS } from '#src/slo/users.ts';
import { AliasTable, exponential, geometric, pareto, poissonTable } from './draws.ts';

export const TICK_MS = 100;
/** Virtual time starts here, at the latest one tick later: second 0 is no valid stamp of a user bitmap. */
export const START_MS = 10_000;
const TICKS_PER_SECOND = 1000 / TICK_MS;

/** Failures of one period, counted in ms from the start. */
export interface Period {
  readonly fromMs: number;
  readonly toMs: number;
  readonly errorRatio: number;
}

export interface Scenario {
  readonly requestsPerSecond: number;
  /** Chance of a user to be on the canary. */
  readonly canaryShare: number;
  /** Exactly so many users are on the canary; null: chance decides. */
  readonly canaryUsers: number | null;
  readonly users: number;
  /** Tail exponent of the users' request rates; null: all alike. */
  readonly paretoShape: number | null;
  /** Share of bad requests when all is well, in both versions. */
  readonly errorRatio: number;
  /** How failures cluster when all is well; null: not at all. */
  readonly bursts: { readonly meanLength: number; readonly meanGapMs: number } | null;
  /** A request that failed is sent again after a while by the same user, and fails again with that chance; null: it is not. */
  readonly retries: { readonly againRatio: number; readonly meanGapMs: number } | null;
  /** Both versions fail alike. */
  readonly outages: readonly Period[];
  /** The canary alone fails. */
  readonly canaryFaults: readonly Period[];
  /** Seconds for which a user that failed does not count; the product's unless a bench asks what others would do. */
  readonly restSeconds: number;
  /** How often a rest is twice as long as the one before. */
  readonly restDoublings: number;
}

/** 100 requests per second, 5 % of 2,048 equal users on the canary, 1 % errors. */
export const HEALTHY: Scenario = {
  requestsPerSecond: 100,
  canaryShare: 0.05,
  canaryUsers: null,
  users: 2048,
  paretoShape: null,
  errorRatio: 0.01,
  bursts: null,
  retries: null,
  outages: [],
  canaryFaults: [],
  restSeconds: USER_REST_SECONDS,
  restDoublings: REST_DOUBLINGS_MAX,
};

/** One request, as `listen` hears of it. */
export interface HeardRequest {
  readonly user: number;
  readonly isCanary: boolean;
  readonly isBad: boolean;
  /** Second in which it finished. */
  readonly second: number;
}

/** The history of one seed. */
export class Traffic {
  readonly #scenario: Scenario;
  readonly #random: Random;
  readonly #users: AliasTable | null;
  /** Users below this number are on the canary. */
  readonly #canaryUsers: number;
  /** Requests of a tick, and of the two parts of one that straddles seconds. */
  readonly #arrivals: readonly [whole: AliasTable, before: AliasTable, after: AliasTable];
  /** Part of a straddling tick that lies in the older second. */
  readonly #shareBefore: number;
  readonly #burstArrivals: AliasTable | null;
  /** Requests of bursts under way, by 2 * tick + part. */
  readonly #due = new Map<number, number[]>();
  /** Good requests to come before the next bad one. */
  #untilBad: number;
  #tick = 0;
  #second = 0;
  /** Second up to which a user does not count: the one it was seen in, or those it rests. */
  readonly #quietUntil: Int32Array;
  readonly #rests: Uint8Array;
  readonly #isSteady: boolean;
  readonly evidence: Evidence = {
    requests: { canary: { finished: 0, bad: 0 }, stable: { finished: 0, bad: 0 } },
    users: { canary: { finished: 0, bad: 0 }, stable: { finished: 0, bad: 0 } },
  };
  /** Set to hear of every request of a tick, for comparison with the real reader. */
  listen: ((request: HeardRequest) => void) | null = null;

  constructor(scenario: Scenario, seed: number) {
    this.#scenario = scenario;
    const random = new Random(seed);
    this.#random = random;
    const { users, paretoShape, bursts, requestsPerSecond, errorRatio } = scenario;
    this.#users =
      paretoShape === null ? null : new AliasTable(Array.from({ length: users }, () => pareto(random, 1, paretoShape)));
    let canaryUsers = 0;
    for (let user = 0; user < users; user++) if (random.nextFloat() < scenario.canaryShare) canaryUsers += 1;
    this.#canaryUsers = scenario.canaryUsers ?? canaryUsers;
    const perTick = (requestsPerSecond * TICK_MS) / 1000;
    const good = bursts === null ? perTick : perTick * (1 - errorRatio);
    const share = 0.01 + 0.98 * random.nextFloat();
    this.#shareBefore = share;
    this.#arrivals = [poissonTable(good), poissonTable(good * share), poissonTable(good * (1 - share))];
    this.#burstArrivals = bursts === null ? null : poissonTable((perTick * errorRatio) / bursts.meanLength);
    this.#untilBad = bursts === null ? geometric(random, errorRatio) : Number.POSITIVE_INFINITY;
    this.#quietUntil = new Int32Array(users);
    this.#rests = new Uint8Array(users);
    this.#isSteady = scenario.outages.length + scenario.canaryFaults.length === 0;
  }

  /** End of the last tick that was drawn. */
  get nowMs(): number {
    return START_MS + (1 - this.#shareBefore) * TICK_MS + this.#tick * TICK_MS;
  }

  /**
   * Draws the next tick into `evidence`. Bad requests come first: within a tick order does not matter, and a user that
   * fails in the tick of its first appearance is then simply bad at that appearance.
   */
  next(): void {
    this.#clear();
    if (this.#burstArrivals !== null) this.#startBursts(this.#burstArrivals);
    this.#second = START_MS / 1000 + Math.trunc(this.#tick / TICKS_PER_SECOND);
    if (isStraddling(this.#tick)) {
      this.#drawPart(this.#arrivals[1], 0);
      this.#second += 1;
      this.#drawPart(this.#arrivals[2], 1);
    } else {
      this.#drawPart(this.#arrivals[0], 0);
    }
    this.#tick += 1;
  }

  #drawPart(arrivals: AliasTable, part: 0 | 1): void {
    if (this.#due.size > 0) this.#drawDue(part);
    const count = arrivals.draw(this.#random);
    const fromMs = this.#tick * TICK_MS;
    const outage = this.#isSteady ? null : periodAt(this.#scenario.outages, fromMs);
    const fault = this.#isSteady ? null : periodAt(this.#scenario.canaryFaults, fromMs);
    if (outage === null && fault === null) this.#drawHealthy(count);
    else this.#drawFaulty(count, outage, fault);
  }

  #clear(): void {
    const { requests, users } = this.evidence;
    clearArm(requests.canary);
    clearArm(requests.stable);
    clearArm(users.canary);
    clearArm(users.stable);
  }

  #drawHealthy(count: number): void {
    let bad = 0;
    let left = count;
    while (left >= this.#untilBad) {
      left -= this.#untilBad;
      bad += 1;
      this.#finishBad(this.#pick());
      this.#untilBad = geometric(this.#random, this.#scenario.errorRatio);
    }
    this.#untilBad -= left;
    this.#finishMany(count - bad);
  }

  #drawFaulty(count: number, outage: Period | null, fault: Period | null): void {
    const { errorRatio, bursts } = this.#scenario;
    const ownRatio = outage?.errorRatio ?? (bursts === null ? errorRatio : 0);
    const good: number[] = [];
    for (let n = 0; n < count; n++) {
      const user = this.#pick();
      const ratio = fault !== null && user < this.#canaryUsers ? fault.errorRatio : ownRatio;
      if (this.#random.nextFloat() < ratio) this.#finishBad(user);
      else good.push(user);
    }
    for (const user of good) this.#finishGood(user);
  }

  #startBursts(arrivals: AliasTable): void {
    const { meanLength, meanGapMs } = this.#scenario.bursts as NonNullable<Scenario['bursts']>;
    const random = this.#random;
    for (let n = arrivals.draw(random); n > 0; n--) {
      const user = this.#pick();
      let atMs = random.nextFloat() * TICK_MS;
      for (let left = geometric(random, 1 / meanLength); left > 0; left--) {
        this.#schedule(atMs, user);
        atMs += exponential(random, meanGapMs);
      }
    }
  }

  /** `atMs`: from the beginning of this tick. */
  #schedule(atMs: number, user: number): void {
    const tick = this.#tick + Math.floor(atMs / TICK_MS);
    const isAfter = isStraddling(tick) && atMs % TICK_MS >= this.#shareBefore * TICK_MS;
    const key = 2 * tick + (isAfter ? 1 : 0);
    const due = this.#due.get(key);
    if (due === undefined) this.#due.set(key, [user]);
    else due.push(user);
  }

  #drawDue(part: 0 | 1): void {
    const key = 2 * this.#tick + part;
    const due = this.#due.get(key);
    if (due === undefined) return;
    for (const user of due) this.#finishBad(user);
    this.#due.delete(key);
  }

  #pick(): number {
    if (this.#users !== null) return this.#users.draw(this.#random);
    return ((this.#random.nextUint32() & 0xffff) * this.#scenario.users) >>> 16;
  }

  /** The bulk of all requests, kept tight: a virtual hour has 360,000 of them. Two equal users per random word. */
  #finishMany(count: number): void {
    if (this.#users !== null || this.listen !== null) {
      for (let n = 0; n < count; n++) this.#finishGood(this.#pick());
      return;
    }
    const random = this.#random;
    const quietUntil = this.#quietUntil;
    const second = this.#second;
    const canaryUsers = this.#canaryUsers;
    let canary = 0;
    let fresh = 0;
    let freshCanary = 0;
    let word = 0;
    for (let n = 0; n < count; n++) {
      word = (n & 1) === 0 ? random.nextUint32() | 0 : word >>> 16;
      const user = Math.imul(word & 0xffff, quietUntil.length) >>> 16;
      const isCanary = user < canaryUsers ? 1 : 0;
      canary += isCanary;
      if ((quietUntil[user] as number) >= second) continue;
      quietUntil[user] = second;
      fresh += 1;
      freshCanary += isCanary;
    }
    const { requests, users } = this.evidence;
    requests.canary.finished += canary;
    requests.stable.finished += count - canary;
    users.canary.finished += freshCanary;
    users.stable.finished += fresh - freshCanary;
  }

  #finishGood(user: number): void {
    const { requests, users } = this.evidence;
    const isCanary = user < this.#canaryUsers;
    if (isCanary) requests.canary.finished += 1;
    else requests.stable.finished += 1;
    if ((this.#quietUntil[user] as number) < this.#second) {
      this.#quietUntil[user] = this.#second;
      if (isCanary) users.canary.finished += 1;
      else users.stable.finished += 1;
    }
    if (this.listen !== null) this.listen({ user, isCanary, isBad: false, second: this.#second });
  }

  #restOf(user: number): number {
    const rests = this.#rests[user] as number;
    if (rests < this.#scenario.restDoublings) this.#rests[user] = rests + 1;
    return this.#scenario.restSeconds * 2 ** rests;
  }

  /** In a tick to come: those that are due in this one are drawn already. */
  #retry(user: number, { againRatio, meanGapMs }: NonNullable<Scenario['retries']>): void {
    if (this.#random.nextFloat() >= againRatio) return;
    this.#schedule(TICK_MS + exponential(this.#random, meanGapMs), user);
  }

  #finishBad(user: number): void {
    const { retries } = this.#scenario;
    if (retries !== null) this.#retry(user, retries);
    const isCanary = user < this.#canaryUsers;
    const requests = isCanary ? this.evidence.requests.canary : this.evidence.requests.stable;
    requests.finished += 1;
    requests.bad += 1;
    if ((this.#quietUntil[user] as number) < this.#second) {
      this.#quietUntil[user] = this.#second + this.#restOf(user);
      const users = isCanary ? this.evidence.users.canary : this.evidence.users.stable;
      users.finished += 1;
      users.bad += 1;
    }
    if (this.listen !== null) this.listen({ user, isCanary, isBad: true, second: this.#second });
  }
}

/** The last tick of every ten begins in one second and ends in the next. */
function isStraddling(tick: number): boolean {
  return tick % TICKS_PER_SECOND === TICKS_PER_SECOND - 1;
}

function clearArm(arm: ArmCounts): void {
  arm.finished = 0;
  arm.bad = 0;
}

function periodAt(periods: readonly Period[], atMs: number): Period | null {
  for (const period of periods) if (atMs >= period.fromMs && atMs < period.toMs) return period;
  return null;
}
