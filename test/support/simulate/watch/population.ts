/**
 * The users of one version as user-seconds see them, who of them is quiet: one by one, or by counts without drawing everybody.
 *
 * By counts: all users are alike, so those that were seen in this second without failing are any `seen` of them: a request is of one of
 * those with chance seen / others. Only users that failed are remembered by number, because they rest for a time of their
 * own (`slo/users.ts`). Edges: the chance to be quiet is taken at the middle of a tick's requests.
 */

import type { Random } from '#src/lib/random.ts';
import type { ArmCounts } from '#src/model/slo.ts';
import { REST_DOUBLINGS_MAX, USER_REST_SECONDS } from '#src/slo/users.ts';
import { binomialDraw } from './binomial-draw.ts';

/** Seconds for which ends of rests are kept, a power of two: longer than the longest rest. */
const HORIZON = 16_384;

export class Population {
  readonly #random: Random;
  /** Last second of each user's rest, and how many it had. */
  readonly #restsUntil: Int32Array;
  readonly #rests: Uint8Array;
  /** Rests by their last second, modulo HORIZON. */
  readonly #ends = new Int32Array(HORIZON);
  #users: number;
  #second = 0;
  #seen = 0;
  #resting = 0;

  /** @param usersMax the most that `resize` will ask for */
  constructor(random: Random, users: number, usersMax: number) {
    this.#random = random;
    this.#users = users;
    this.#restsUntil = new Int32Array(usersMax + 1);
    this.#rests = new Uint8Array(usersMax + 1);
  }

  /** The canary's weight moved: this version has other users, and a step forgives. */
  resize(users: number): void {
    this.#users = users;
    this.#rests.fill(0);
  }

  /** Takes in requests of one second, of which `bad` failed, and adds its users to `out`. */
  add(second: number, requests: number, bad: number, out: ArmCounts): void {
    if (second !== this.#second) this.#turn(second);
    for (let left = bad; left > 0; left--) this.#fail(out);
    const good = requests - bad;
    if (good === 0 || this.#users === 0) return;
    const quiet = Math.min(1, (this.#seen + this.#resting + good / 2) / this.#users);
    const fresh = good - this.#countQuiet(good, quiet);
    this.#seen += fresh;
    out.finished += fresh;
  }

  #countQuiet(good: number, quiet: number): number {
    if (good > 4) return binomialDraw(this.#random, good, quiet);
    let count = 0;
    for (let n = 0; n < good; n++) if (this.#random.nextFloat() < quiet) count += 1;
    return count;
  }

  #turn(second: number): void {
    for (let past = Math.max(this.#second, second - HORIZON); past < second; past++) {
      const at = past & (HORIZON - 1);
      this.#resting -= this.#ends[at] as number;
      this.#ends[at] = 0;
    }
    this.#second = second;
    this.#seen = 0;
  }

  #fail(out: ArmCounts): void {
    const user = Math.floor(this.#random.nextFloat() * this.#users);
    if ((this.#restsUntil[user] as number) >= this.#second) return;
    const others = Math.max(1, this.#users - this.#resting);
    if (this.#random.nextFloat() * others < this.#seen) return;
    out.finished += 1;
    out.bad += 1;
    const rests = this.#rests[user] as number;
    const until = this.#second + USER_REST_SECONDS * 2 ** rests;
    this.#restsUntil[user] = until;
    this.#rests[user] = Math.min(rests + 1, REST_DOUBLINGS_MAX);
    const end = until & (HORIZON - 1);
    this.#ends[end] = (this.#ends[end] as number) + 1;
    this.#resting += 1;
  }
}

/** The same one by one. */
export class Crowd {
  /** Second up to which a user does not count: the one it was seen in, or those it rests. */
  readonly #quietUntil: Int32Array;
  readonly #rests: Uint8Array;

  constructor(users: number) {
    this.#quietUntil = new Int32Array(users);
    this.#rests = new Uint8Array(users);
  }

  get users(): number {
    return this.#rests.length;
  }

  /** A request of a user ends in this second; what that counts is added to `out`. */
  finish(user: number, isBad: boolean, second: number, out: ArmCounts): void {
    if ((this.#quietUntil[user] as number) >= second) return;
    out.finished += 1;
    this.#quietUntil[user] = isBad ? second + this.#restOf(user) : second;
    if (isBad) out.bad += 1;
  }

  /** Seconds of the rest that begins now. */
  #restOf(user: number): number {
    const rests = this.#rests[user] as number;
    if (rests < REST_DOUBLINGS_MAX) this.#rests[user] = rests + 1;
    return USER_REST_SECONDS * 2 ** rests;
  }
}
