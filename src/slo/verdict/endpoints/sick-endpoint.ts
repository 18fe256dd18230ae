/**
 * Finds the one endpoint of a canary that is sick while its version is sound: then the endpoint goes, not the version.
 *
 * Excess of an endpoint: its bad attempts beyond stable's error ratio. One endpoint of ENDPOINTS_MIN or more is sick when
 * more than SHARE of the positive excess is its own, and the others that were there beside it answered at least as many attempts
 * as it failed, so that they had the chance to fail as well: one that went before it came may be of another build. Attempts of the
 * last one or two WINDOW_MS count: what failed hours ago hides nothing. Endpoints are counted over all routes that use them.
 *
 * Endpoints may come and go, and are known by their names:
 * ```
 *            follow: it is not among them         a whole window without an attempt, or two windows
 *   present ─────────────────────────────────▶ gone ─────────────────────────────────────────▶ forgotten
 *      ▲                                        │ follow: it is back, with what it did
 *      └────────────────────────────────────────┘
 * ```
 * Two windows, as its slot is its address's: another version or service may use it, and attempts there look like its own.
 * What one that has gone did counts on. It may be the one to blame, and cannot be ejected any more: a version whose instances
 * fail one after the other, each until it is replaced, is no version with one sick endpoint.
 * Source: docs/verdicts.md "One sick endpoint". Cost: a few words per endpoint, when the canary failed and every WINDOW_MS.
 */

import { ENDPOINTS_TOLD_APART_MAX, type RolloutArm } from '../../../model/rollout.ts';
import type { ArmCounts, EndpointName } from '../../../model/slo.ts';

const ENDPOINTS_MIN = 3;
const SHARE = 0.8;
const WINDOW_MS = 30_000;

/** An endpoint that is told apart. */
export interface Followed {
  readonly name: EndpointName;
  /** Where its attempts are counted here; null: other gateways alone know it, or its slot is another one's by now. */
  readonly slot: number | null;
}

/** The endpoint that is to blame. */
export interface Suspect {
  readonly name: EndpointName;
  /** It is one of several that the version has now. */
  readonly isEjectable: boolean;
}

interface Track {
  readonly endpoint: Followed;
  /** When it came first, as long as it is not forgotten. */
  readonly sinceMs: number;
  /** When it went; null: it is there. */
  readonly goneAtMs: number | null;
  before: ArmCounts;
  now: ArmCounts;
}

const NOBODY: readonly Followed[] = [];

/** Keeps the attempts of the last minute or so, per endpoint. */
export class SickEndpoint {
  #own: readonly Followed[] = NOBODY;
  #elsewhere: readonly EndpointName[] = [];
  /** Those that are there, then those that have gone, the last one first. Empty while there is none to be told apart. */
  #tracks: Track[] = [];
  #followed = NOBODY;
  #turnedAtMs: number;

  /** Starts now. */
  constructor(endpoints: readonly Followed[], nowMs: number) {
    this.#turnedAtMs = nowMs;
    this.follow(endpoints, nowMs);
  }

  /** In the order of their attempts; another list whenever they are others. */
  get followed(): readonly Followed[] {
    return this.#followed;
  }

  /** Whether it can tell an endpoint from its version at all. */
  get isAble(): boolean {
    return this.#tracks.length > 0;
  }

  /** The version has these endpoints from now on. */
  follow(endpoints: readonly Followed[], nowMs: number): void {
    this.#own = endpoints;
    this.#renew(nowMs);
  }

  /** Only other gateways know these, from now on. */
  meet(names: readonly EndpointName[], nowMs: number): void {
    this.#elsewhere = names;
    this.#renew(nowMs);
  }

  /** Whether attempts are to be taken now, so that what is too old can go. */
  isDue(nowMs: number): boolean {
    return this.isAble && nowMs - this.#turnedAtMs >= WINDOW_MS;
  }

  /** Takes in the attempts since the last call, in the order of `followed`; lets go of what is too old. */
  take(attempts: readonly ArmCounts[], nowMs: number): void {
    for (let n = 0; n < this.#tracks.length; n++) {
      const [{ now }, news] = [this.#tracks[n] as Track, attempts[n] as ArmCounts];
      now.finished += news.finished;
      now.bad += news.bad;
    }
    if (!this.isDue(nowMs)) return;
    for (const track of this.#tracks) {
      track.before = track.now;
      track.now = nothing();
    }
    this.#turnedAtMs = nowMs;
    const isOver = ({ goneAtMs, before }: Track): boolean =>
      goneAtMs !== null && (before.finished === 0 || nowMs - goneAtMs >= 2 * WINDOW_MS);
    if (this.#tracks.some(isOver)) this.#keep(this.#tracks.filter((track) => !isOver(track)));
  }

  /** The endpoint that is to blame, or null. @param stableRatio error ratio that is to be expected */
  find(stableRatio: number): Suspect | null {
    let total = 0;
    let worst = -1;
    let most = 0;
    for (let n = 0; n < this.#tracks.length; n++) {
      const { finished, bad } = attemptsOf(this.#tracks[n] as Track);
      const excess = Math.max(0, bad - stableRatio * finished);
      total += excess;
      if (excess <= most) continue;
      most = excess;
      worst = n;
    }
    const track = this.#tracks[worst];
    if (track === undefined || most <= SHARE * total) return null;
    if (this.#answeredBeside(track) < attemptsOf(track).bad) return null;
    const present = this.#tracks.filter(({ goneAtMs }) => goneAtMs === null).length;
    return { name: track.endpoint.name, isEjectable: track.goneAtMs === null && present >= ENDPOINTS_MIN };
  }

  /** Attempts of the others that were there when it was. */
  #answeredBeside(suspect: Track): number {
    let answered = 0;
    for (const track of this.#tracks) {
      const isBeside = track.goneAtMs === null || track.goneAtMs > suspect.sinceMs;
      if (isBeside && track !== suspect) answered += attemptsOf(track).finished;
    }
    return answered;
  }

  #renew(nowMs: number): void {
    const known = new Map(this.#tracks.map((track) => [track.endpoint.name, track]));
    const present = new Map<EndpointName, Followed>(this.#elsewhere.map((name) => [name, { name, slot: null }]));
    for (const endpoint of this.#own) present.set(endpoint.name, endpoint);
    const slots = new Set([...present.values()].map(({ slot }) => slot));
    const tracks = [...present.values()].map((endpoint): Track => {
      const { sinceMs, before, now } = known.get(endpoint.name) ?? {
        sinceMs: nowMs,
        before: nothing(),
        now: nothing(),
      };
      return { endpoint, sinceMs, goneAtMs: null, before, now };
    });
    for (const [name, track] of known) {
      if (present.has(name)) continue;
      const endpoint = slots.has(track.endpoint.slot) ? { name, slot: null } : track.endpoint;
      tracks.push({ ...track, endpoint, goneAtMs: track.goneAtMs ?? nowMs });
    }
    if (this.#tracks.length === 0) this.#turnedAtMs = nowMs;
    this.#keep(present.size > ENDPOINTS_TOLD_APART_MAX ? [] : tracks.slice(0, ENDPOINTS_TOLD_APART_MAX));
  }

  /** Of fewer than ENDPOINTS_MIN nothing is kept: they begin with nothing once there are as many. */
  #keep(tracks: Track[]): void {
    this.#tracks = tracks.length < ENDPOINTS_MIN ? [] : tracks;
    this.#followed = this.#tracks.map(({ endpoint }) => endpoint);
  }
}

/** The endpoints of an arm by their names; of one on a tape of an earlier release by their slots. */
export function followedOf({ endpoints, addresses }: Pick<RolloutArm, 'endpoints' | 'addresses'>): Followed[] {
  return endpoints.map((slot, n) => ({ name: addresses?.[n] ?? slot, slot }));
}

function attemptsOf({ before, now }: Track): ArmCounts {
  return { finished: before.finished + now.finished, bad: before.bad + now.bad };
}

function nothing(): ArmCounts {
  return { finished: 0, bad: 0 };
}
