/**
 * A service under load with one canary, on virtual time, whose failures come in clusters of one user: bursts, or clients that
 * send again what failed.
 *
 * The law is that of `traffic.ts` with equal users (`clustered.long.test.ts` compares them): a burst is of one user, has geometric
 * length and exponential gaps; what is sent again fails again. Good requests are drawn by counts. As in `counted.ts` users
 * have random numbers of their own, so that the requests of a seed are the same whether its users are drawn or not.
 * Within a tick bad requests come first, as there. One seed is one history.
 */

import { Random } from '#src/lib/random.ts';
import type { ArmCounts, Evidence } from '#src/model/slo.ts';
import { type AliasTable, exponential, geometric, somePoissonTable } from '../draws.ts';
import { emptyEvidence } from '../rollout.ts';
import { type Period, type Scenario, START_MS, TICK_MS } from '../traffic.ts';
import { Arrivals } from './arrivals.ts';
import { binomialDraw } from './binomial-draw.ts';
import { USERS_SEED } from './counted.ts';
import { Crowd } from './population.ts';

const TICKS_PER_SECOND = 1000 / TICK_MS;
/** Ticks ahead for which requests may be scheduled, a power of two: nearly seven minutes. */
const AHEAD = 4096;

/** One of the two is not null; failures of `outages` are sent again, too. */
export type ClusteredScenario = Pick<
  Scenario,
  'requestsPerSecond' | 'canaryShare' | 'canaryUsers' | 'users' | 'errorRatio' | 'bursts' | 'retries' | 'outages'
>;

interface Arm {
  readonly requests: ArmCounts;
  readonly users: ArmCounts;
  /** Null: users are not drawn. */
  readonly crowd: Crowd | null;
  /** Requests that are due, by tick modulo AHEAD; all of them fail. */
  readonly due: Int32Array;
  /** Whose they are, in their order: 2 * user, and 1 more in the second part of a tick that straddles two seconds. */
  readonly dueUsers: Map<number, number[]>;
}

/** The history of one seed. */
export class ClusteredTraffic {
  readonly evidence: Evidence = emptyEvidence();
  /** End of the last tick that was drawn. */
  nowMs: number;
  readonly hiccups = null;
  /** Nobody's share moves. */
  onStep: (() => void) | null = null;
  readonly #scenario: ClusteredScenario;
  readonly #random: Random;
  readonly #userRandom: Random;
  readonly #shareBefore: number;
  readonly #startMs: number;
  readonly #canary: Arm;
  readonly #stable: Arm;
  /** Chance of a burst to be of a canary's user. */
  readonly #canaryRatio: number;
  /** Requests but those of bursts, and what is sent again. */
  readonly #single: Arrivals;
  /** Single requests in a tick on average, and their error ratio at this moment. */
  readonly #perTick: number;
  #ratio: number;
  /** Bursts that begin in a tick in which one does, the chance of such a tick, and ticks up to it. */
  readonly #bursts: AliasTable | null;
  readonly #burstTickRatio: number;
  #ticksUntilBurst = Number.POSITIVE_INFINITY;
  #tick = 0;

  /** @param hasUsers false: users are not drawn, and counted as none */
  constructor(scenario: ClusteredScenario, seed: number, hasUsers = true) {
    this.#scenario = scenario;
    this.#random = new Random(seed);
    this.#userRandom = new Random(seed ^ USERS_SEED);
    const { users, canaryShare, bursts, errorRatio } = scenario;
    const canaryUsers = scenario.canaryUsers ?? binomialDraw(this.#random, users, canaryShare);
    this.#canaryRatio = canaryUsers / users;
    this.#shareBefore = 0.01 + 0.98 * this.#random.nextFloat();
    this.#startMs = START_MS + (1 - this.#shareBefore) * TICK_MS;
    this.nowMs = this.#startMs;
    const perTick = (scenario.requestsPerSecond * TICK_MS) / 1000;
    this.#perTick = bursts === null ? perTick : perTick * (1 - errorRatio);
    this.#ratio = bursts === null ? errorRatio : 0;
    this.#single = new Arrivals(this.#random);
    this.#setSingle();
    const mean = bursts === null ? 0 : (perTick * errorRatio) / bursts.meanLength;
    this.#burstTickRatio = -Math.expm1(-mean);
    this.#bursts = mean === 0 ? null : somePoissonTable(mean);
    if (mean > 0) this.#ticksUntilBurst = geometric(this.#random, this.#burstTickRatio);
    this.#canary = this.#arm('canary', hasUsers ? canaryUsers : null);
    this.#stable = this.#arm('stable', hasUsers ? users - canaryUsers : null);
  }

  /** Draws the next tick into `evidence`. */
  next(): void {
    this.#ticksUntilBurst -= 1;
    if (this.#ticksUntilBurst === 0 && this.#bursts !== null) this.#startBursts(this.#bursts);
    if (this.#scenario.outages.length > 0) this.#turnRatio(this.#scenario.outages);
    this.#single.draw(this.evidence.requests.canary, this.evidence.requests.stable);
    this.#draw(this.#canary);
    this.#draw(this.#stable);
    this.#tick += 1;
    this.nowMs = this.#startMs + this.#tick * TICK_MS;
  }

  /** @param users of the version; null: they are not drawn */
  #arm(name: 'canary' | 'stable', users: number | null): Arm {
    return {
      requests: this.evidence.requests[name],
      users: this.evidence.users[name],
      crowd: users === null ? null : new Crowd(users),
      due: new Int32Array(AHEAD),
      dueUsers: new Map(),
    };
  }

  #setSingle(): void {
    const canary = this.#perTick * this.#canaryRatio;
    this.#single.set(canary, this.#perTick - canary, this.#ratio);
  }

  #startBursts(arrivals: AliasTable): void {
    const { meanLength, meanGapMs } = this.#scenario.bursts as NonNullable<Scenario['bursts']>;
    const random = this.#random;
    this.#ticksUntilBurst = geometric(random, this.#burstTickRatio);
    for (let n = arrivals.draw(random); n > 0; n--) {
      const arm = random.nextFloat() < this.#canaryRatio ? this.#canary : this.#stable;
      const user = this.#pick(arm);
      let atMs = random.nextFloat() * TICK_MS;
      for (let left = geometric(random, 1 / meanLength); left > 0; left--) {
        this.#schedule(arm, user, atMs);
        atMs += exponential(random, meanGapMs);
      }
    }
  }

  #turnRatio(outages: readonly Period[]): void {
    const atMs = this.#tick * TICK_MS;
    let ratio = this.#scenario.bursts === null ? this.#scenario.errorRatio : 0;
    for (const { fromMs, toMs, errorRatio } of outages) if (atMs >= fromMs && atMs < toMs) ratio = errorRatio;
    if (ratio === this.#ratio) return;
    this.#ratio = ratio;
    this.#setSingle();
  }

  /** A number of the crowd; 0 when users are not drawn. */
  #pick({ crowd }: Arm): number {
    return crowd === null ? 0 : Math.floor(this.#userRandom.nextFloat() * crowd.users);
  }

  /** `atMs`: from the beginning of this tick. */
  #schedule(arm: Arm, user: number, atMs: number): void {
    const ahead = Math.floor(atMs / TICK_MS);
    if (ahead >= AHEAD) throw new Error(`a request ${atMs} ms ahead: more than the ${AHEAD} ticks that are kept`);
    const tick = this.#tick + ahead;
    const at = tick & (AHEAD - 1);
    arm.due[at] = (arm.due[at] as number) + 1;
    if (arm.crowd === null) return;
    const isAfter = isStraddling(tick) && atMs % TICK_MS >= this.#shareBefore * TICK_MS;
    const entry = 2 * user + (isAfter ? 1 : 0);
    const due = arm.dueUsers.get(tick);
    if (due === undefined) arm.dueUsers.set(tick, [entry]);
    else due.push(entry);
  }

  #draw(arm: Arm): void {
    const { requests, due } = arm;
    const at = this.#tick & (AHEAD - 1);
    const again = due[at] as number;
    due[at] = 0;
    const good = requests.finished - requests.bad;
    requests.finished += again;
    requests.bad += again;
    if (arm.crowd !== null) this.#drawUsers(arm, arm.crowd, good);
    else for (let n = requests.bad; n > 0; n--) this.#retry(arm, 0);
  }

  /** In a tick to come: those that are due in this one are drawn already. */
  #retry(arm: Arm, user: number): void {
    const { retries } = this.#scenario;
    if (retries === null || this.#random.nextFloat() >= retries.againRatio) return;
    this.#schedule(arm, user, TICK_MS + exponential(this.#random, retries.meanGapMs));
  }

  #drawUsers(arm: Arm, crowd: Crowd, good: number): void {
    const { users, requests, dueUsers } = arm;
    users.finished = 0;
    users.bad = 0;
    const isSplit = isStraddling(this.#tick);
    const failing = dueUsers.get(this.#tick) ?? [];
    dueUsers.delete(this.#tick);
    while (failing.length < requests.bad) {
      const isAfter = isSplit && this.#userRandom.nextFloat() >= this.#shareBefore;
      failing.push(2 * this.#pick(arm) + (isAfter ? 1 : 0));
    }
    const second = START_MS / 1000 + Math.trunc(this.#tick / TICKS_PER_SECOND);
    const goodBefore = isSplit ? binomialDraw(this.#userRandom, good, this.#shareBefore) : good;
    for (const part of isSplit ? [0, 1] : [0]) {
      for (const entry of failing) if ((entry & 1) === part) crowd.finish(entry >> 1, true, second + part, users);
      for (let n = part === 0 ? goodBefore : good - goodBefore; n > 0; n--) {
        crowd.finish(this.#pick(arm), false, second + part, users);
      }
    }
    for (const entry of failing) this.#retry(arm, entry >> 1);
  }
}

/** The last tick of every ten begins in one second and ends in the next. */
function isStraddling(tick: number): boolean {
  return tick % TICKS_PER_SECOND === TICKS_PER_SECOND - 1;
}
