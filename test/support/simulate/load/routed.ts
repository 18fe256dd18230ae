/**
 * A service that several routes lead to, with one canary on all of them, on virtual time: counts of each and of all together.
 *
 * Requests are those of `traffic.ts`; each goes to one of the routes by their parts of the traffic. Users are one population:
 * whoever comes to two routes within a second is one user of the sum, and one on either route (`slo/evidence.ts`). Within a
 * tick failures come first, as there.
 */

import { Random } from '#src/lib/random.ts';
import type { ArmCounts, Evidence } from '#src/model/slo.ts';
import { REST_DOUBLINGS_MAX, USER_REST_SECONDS } from '#src/slo/users.ts';
import { emptyEvidence } from '../rollout.ts';
import { type HeardRequest, type Scenario, Traffic } from '../traffic.ts';

export interface RoutedScenario {
  readonly traffic: Scenario;
  /** Part of the traffic of each route; they add up to 1. */
  readonly parts: readonly number[];
  /** Share of requests that fail besides on a route by itself, in both versions; the same order. */
  readonly ownErrorRatios: readonly number[];
  /** The canary alone fails so on one route. */
  readonly fault: { readonly route: number; readonly errorRatio: number } | null;
}

/** User-seconds of one place: who was seen in this second, and who rests. */
class Users {
  readonly #quietUntil: Int32Array;
  readonly #rests: Uint8Array;

  constructor(count: number) {
    this.#quietUntil = new Int32Array(count);
    this.#rests = new Uint8Array(count);
  }

  take({ user, second }: HeardRequest, isBad: boolean, out: ArmCounts): void {
    if ((this.#quietUntil[user] as number) >= second) return;
    this.#quietUntil[user] = second;
    out.finished += 1;
    if (!isBad) return;
    out.bad += 1;
    const rests = this.#rests[user] as number;
    if (rests < REST_DOUBLINGS_MAX) this.#rests[user] = rests + 1;
    this.#quietUntil[user] = second + USER_REST_SECONDS * 2 ** rests;
  }
}

/** The history of one seed. */
export class RoutedTraffic {
  readonly evidence: Evidence = emptyEvidence();
  readonly routes: readonly Evidence[];
  readonly #scenario: RoutedScenario;
  readonly #traffic: Traffic;
  readonly #random: Random;
  readonly #users: Users;
  readonly #routeUsers: readonly Users[];
  readonly #heard: HeardRequest[] = [];

  constructor(scenario: RoutedScenario, seed: number) {
    const { traffic, parts } = scenario;
    this.#scenario = scenario;
    this.#traffic = new Traffic(traffic, seed);
    this.#random = new Random(seed ^ 0x5bd1e995);
    this.#users = new Users(traffic.users);
    this.#routeUsers = parts.map(() => new Users(traffic.users));
    this.routes = parts.map(emptyEvidence);
    this.#traffic.listen = (request) => void this.#heard.push(request);
  }

  /** End of the last tick that was drawn. */
  get nowMs(): number {
    return this.#traffic.nowMs;
  }

  next(): void {
    for (const { requests, users } of [this.evidence, ...this.routes]) {
      for (const arm of [requests.canary, requests.stable, users.canary, users.stable]) {
        arm.finished = 0;
        arm.bad = 0;
      }
    }
    this.#heard.length = 0;
    this.#traffic.next();
    const good: (readonly [HeardRequest, number])[] = [];
    let second = 0;
    const settle = (): void => {
      for (const [request, route] of good) this.#take(request, route, false);
      good.length = 0;
    };
    for (const request of this.#heard) {
      if (request.second !== second) settle();
      second = request.second;
      const route = this.#routeOf();
      if (this.#fails(request, route)) this.#take(request, route, true);
      else good.push([request, route]);
    }
    settle();
  }

  #routeOf(): number {
    const { parts } = this.#scenario;
    let left = this.#random.nextFloat();
    for (let route = 0; route < parts.length - 1; route++) {
      left -= parts[route] as number;
      if (left < 0) return route;
    }
    return parts.length - 1;
  }

  #fails({ isBad, isCanary }: HeardRequest, route: number): boolean {
    const { fault, ownErrorRatios } = this.#scenario;
    const own = ownErrorRatios[route] as number;
    const more = fault !== null && isCanary && fault.route === route ? fault.errorRatio : 0;
    return isBad || (own > 0 && this.#random.nextFloat() < own) || (more > 0 && this.#random.nextFloat() < more);
  }

  #take(request: HeardRequest, route: number, isBad: boolean): void {
    const arm = request.isCanary ? 'canary' : 'stable';
    const there = this.routes[route] as Evidence;
    for (const { requests } of [this.evidence, there]) {
      requests[arm].finished += 1;
      if (isBad) requests[arm].bad += 1;
    }
    this.#users.take(request, isBad, this.evidence.users[arm]);
    (this.#routeUsers[route] as Users).take(request, isBad, there.users[arm]);
  }
}
