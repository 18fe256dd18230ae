/**
 * The e-processes of docs/verdicts.md, written a second time: straight from their formulas, sharing nothing with the gateway.
 *
 * ```
 * bets     E = sum s_j prod LR_j with stakes s_j, over copies                                 (bets.ts)
 * failures LR_j = (theta(d_j)/theta(1))^x_c ((1 - theta(d_j))/(1 - theta(1)))^x_s,  theta(d) = d r n_c/(d r n_c + n_s)
 * floor    LR_j = (c_j/a)^x_c ((1 - c_j)/(1 - a))^(n_c - x_c),                      c_j = min(d_j a, (1 + a)/2)
 * slowness LR_jk = (c/m)^x_c ((1-c)/(1-m))^(n_c-x_c) (q/m)^x_s ((1-q)/(1-m))^(n_s-x_s)
 * shape    LR = prod_i (c_i/m_i)^x_c,i (q_i/m_i)^x_s,i,  c_i = q_i r_i, r_i rising            (shape.ts)
 * ```
 * Everything is in natural logarithms.
 */

import { Bets, logSum } from './bets.ts';
import type { Four } from './rows.ts';
import { Shape } from './shape.ts';

const ODDS = [1.5, 2, 3, 5, 8, 15, 40, 150, 1000];
const ODDS_STAKES = [0.02, 0.04, 0.13, 0.3, 0.27, 0.1, 0.06, 0.05, 0.03];
const RISKS = [1.15, 1.3, 1.5, 2, 3, 5, 10, 30];
export const QUANTILES = [0.5, 0.75, 0.9, 0.95, 0.99, 0.999];
const QUANTILE_STAKES = [0.05, 0.05, 0.1, 0.15, 0.25, 0.4];
const PRIOR = 200;
const TICK_MS = 90;
const ERRORS_RESTART_MS = 60_000;
const LATENCY_RESTART_MS = 10_000;
/** Copies whose weights the one of a step takes together. */
const AT_STEP = 5;

/** How much stable's bad events cluster. */
class Clustering {
  factor = 1;
  /** The same where the largest of several is taken. */
  factorOfMany = 1;
  #block: [finished: number, bad: number] = [0, 0];
  #ticks = 0;
  #before: [finished: number, bad: number] | null = null;
  #weighted = 0;
  #weights = 0;
  #pairs = 0;

  add(finished: number, bad: number): void {
    this.#block = [this.#block[0] + finished, this.#block[1] + bad];
    this.#ticks += 1;
    if (this.#ticks < 10) return;
    if (this.#before === null) this.#before = this.#block;
    else {
      this.#compare(this.#before, this.#block);
      this.#before = null;
    }
    this.#block = [0, 0];
    this.#ticks = 0;
  }

  interrupt(): void {
    this.#before = null;
    this.#block = [0, 0];
    this.#ticks = 0;
  }

  #compare([n1, x1]: readonly [number, number], [n2, x2]: readonly [number, number]): void {
    const events = x1 + x2;
    const p = events / (n1 + n2);
    if (n1 === 0 || n2 === 0 || p === 0 || p === 1) return;
    const chiSquare = (x1 / n1 - x2 / n2) ** 2 / (p * (1 - p) * (1 / n1 + 1 / n2));
    const weight = Math.min(events, 20);
    this.#weighted = 0.98 * this.#weighted + weight * Math.min(chiSquare, 20);
    this.#weights = 0.98 * this.#weights + weight;
    this.#pairs = 0.98 * this.#pairs + 1;
    const phi = this.#weights < 10 ? 0 : this.#weighted / this.#weights;
    this.factor = Math.max(1, phi - 2 * Math.sqrt(2 / this.#pairs));
    this.factorOfMany = Math.max(1, phi - 3 * Math.sqrt(2 / this.#pairs));
  }
}

/** Counts that wait until both arms finished something and 90 ms went by. */
class Waiting {
  counts: Four = [0, 0, 0, 0];
  #sinceMs: number;

  constructor(nowMs: number) {
    this.#sinceMs = nowMs;
  }

  /** Whether they are complete. */
  add([cf, cb, sf, sb]: Four, nowMs: number): boolean {
    const [a, b, c, d] = this.counts;
    this.counts = [a + cf, b + cb, c + sf, d + sb];
    return nowMs - this.#sinceMs >= TICK_MS && this.counts[0] >= 1 && this.counts[2] >= 1;
  }

  empty(nowMs: number): void {
    this.counts = [0, 0, 0, 0];
    this.#sinceMs = nowMs;
  }
}

/** Failures in one unit: requests, or user-seconds. */
class Failures {
  readonly relative = new Bets(ODDS_STAKES);
  readonly absolute = new Bets(ODDS.map(() => 1 / ODDS.length));
  readonly clustering = new Clustering();
  readonly #waiting: Waiting;
  readonly #ratio: number;
  readonly #floor: number;

  constructor(ratio: number, floor: number, nowMs: number) {
    this.#ratio = ratio;
    this.#floor = floor;
    this.#waiting = new Waiting(nowMs);
  }

  /** Whether counts with bad ones were judged. */
  add(counts: Four, nowMs: number): boolean {
    if (!this.#waiting.add(counts, nowMs)) return false;
    const [cf, cb, sf, sb] = this.#waiting.counts;
    const { factor } = this.clustering;
    if (cb + sb > 0) this.#compare(cf, sf, cb / factor, sb / factor);
    if (this.#floor > 0) this.#against(cf / factor, cb / factor);
    this.clustering.add(sf, sb);
    this.#waiting.empty(nowMs);
    return cb + sb > 0;
  }

  interrupt(nowMs: number): void {
    this.#waiting.empty(nowMs);
    this.clustering.interrupt();
  }

  #compare(cf: number, sf: number, cb: number, sb: number): void {
    const theta = (odds: number): number => (odds * this.#ratio * cf) / (odds * this.#ratio * cf + sf);
    const miss = (odds: number): number => sf / (odds * this.#ratio * cf + sf);
    ODDS.forEach((odds, j) => {
      this.relative.multiply(j, cb * Math.log(theta(odds) / theta(1)) + sb * Math.log(miss(odds) / miss(1)));
    });
  }

  #against(cf: number, cb: number): void {
    const a = this.#floor;
    ODDS.forEach((odds, j) => {
      const rate = Math.min(odds * a, (1 + a) / 2);
      this.absolute.multiply(j, cb * Math.log(rate / a) + (cf - cb) * Math.log((1 - rate) / (1 - a)));
    });
  }
}

/** What counts of failures: the smallest of requests, user-seconds and floor. */
export class Errors {
  readonly #requests: Failures;
  readonly #users: Failures;
  readonly #hasFloor: boolean;
  #restartedAtMs: number;

  constructor(ratio: number, floor: number, nowMs: number) {
    this.#requests = new Failures(ratio, floor, nowMs);
    this.#users = new Failures(ratio, 0, nowMs);
    this.#hasFloor = floor > 0;
    this.#restartedAtMs = nowMs;
  }

  get requests(): number {
    return this.#requests.relative.logE;
  }

  get users(): number {
    return this.#users.relative.logE;
  }

  /** Null without a floor. */
  get absolute(): number | null {
    return this.#hasFloor ? this.#requests.absolute.logE : null;
  }

  get logE(): number {
    return Math.min(this.requests, this.users, this.absolute ?? Number.POSITIVE_INFINITY);
  }

  get dispersion(): number {
    return this.#requests.clustering.factor;
  }

  look(requests: Four, users: Four, nowMs: number): boolean {
    if (nowMs - this.#restartedAtMs >= ERRORS_RESTART_MS) this.#restart(nowMs);
    const byRequests = this.#requests.add(requests, nowMs);
    const byUsers = this.#users.add(users, nowMs);
    return byRequests || byUsers;
  }

  interrupt(nowMs: number): void {
    this.#requests.interrupt(nowMs);
    this.#users.interrupt(nowMs);
  }

  step(nowMs: number): void {
    this.interrupt(nowMs);
    this.#restart(nowMs, AT_STEP);
  }

  #restart(nowMs: number, copies = 1): void {
    for (const bets of [this.#requests.relative, this.#requests.absolute, this.#users.relative]) bets.restart(copies);
    this.#restartedAtMs = nowMs;
  }
}

/** Slowness at six thresholds. */
export class Slowness {
  readonly #bets = new Bets(QUANTILE_STAKES.flatMap((stake) => RISKS.map(() => stake / RISKS.length)));
  readonly #shape: Shape;
  readonly #clustering = QUANTILES.map(() => new Clustering());
  readonly #waiting: readonly Waiting[];
  /** Stable's exceedances and requests so far, with the prior. */
  #learned = prior();
  /** Since the thresholds were frozen, per threshold. */
  seen: Four[] = QUANTILES.map(() => [0, 0, 0, 0]);
  #restartedAtMs: number;

  constructor(nowMs: number) {
    this.#waiting = QUANTILES.map(() => new Waiting(nowMs));
    this.#shape = new Shape(QUANTILES, nowMs);
    this.#restartedAtMs = nowMs;
  }

  get logE(): number {
    return logSum([this.#bets.logE, this.#shape.bets.logE]) - Math.LN2;
  }

  /** Most evidence at the k-th threshold. */
  strengthOf(k: number): number {
    return Math.max(...this.#bets.logs.slice(k * RISKS.length, (k + 1) * RISKS.length));
  }

  /** Whether anything was judged. */
  look(trials: readonly Four[] | null, nowMs: number): boolean {
    if (nowMs - this.#restartedAtMs >= LATENCY_RESTART_MS) this.#restart(nowMs);
    const all = QUANTILES.map((_, k): Four => trials?.[k] ?? [0, 0, 0, 0]);
    const clustering = Math.max(...this.#clustering.map(({ factorOfMany }) => factorOfMany));
    const byShape = this.#shape.look(all, clustering, nowMs);
    const judged = all.map((news, k) => this.#judge(k, news, nowMs));
    return byShape || judged.includes(true);
  }

  /** New thresholds. */
  freeze(nowMs: number): void {
    this.#learned = prior();
    this.#shape.forget();
    this.seen = QUANTILES.map(() => [0, 0, 0, 0]);
    this.interrupt(nowMs);
  }

  interrupt(nowMs: number): void {
    for (const waiting of this.#waiting) waiting.empty(nowMs);
    this.#shape.empty(nowMs);
    for (const clustering of this.#clustering) clustering.interrupt();
  }

  step(nowMs: number): void {
    this.interrupt(nowMs);
    this.#restart(nowMs, AT_STEP);
  }

  #judge(k: number, news: Four, nowMs: number): boolean {
    const [a, b, c, d] = this.seen[k] as Four;
    this.seen[k] = [a + news[0], b + news[1], c + news[2], d + news[3]];
    const waiting = this.#waiting[k] as Waiting;
    if (!waiting.add(news, nowMs)) return false;
    const [cf, cb, sf, sb] = waiting.counts;
    const clustering = this.#clustering[k] as Clustering;
    const learned = this.#learned[k] as [number, number];
    const q = learned[0] / learned[1];
    RISKS.forEach((risk, j) => {
      const c1 = Math.min(risk * q, (1 + q) / 2);
      const m = (cf * c1 + sf * q) / (cf + sf);
      const onCanary = cb * Math.log(c1 / m) + (cf - cb) * Math.log((1 - c1) / (1 - m));
      const onStable = sb * Math.log(q / m) + (sf - sb) * Math.log((1 - q) / (1 - m));
      this.#bets.multiply(k * RISKS.length + j, (onCanary + onStable) / clustering.factor);
    });
    this.#learned[k] = [learned[0] + sb, learned[1] + sf];
    clustering.add(sf, sb);
    waiting.empty(nowMs);
    return true;
  }

  #restart(nowMs: number, copies = 1): void {
    this.#bets.restart(copies);
    this.#shape.bets.restart(copies);
    this.#restartedAtMs = nowMs;
  }
}

function prior(): [exceeded: number, finished: number][] {
  return QUANTILES.map((quantile) => [(1 - quantile) * PRIOR, PRIOR]);
}
