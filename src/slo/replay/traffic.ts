/**
 * Recorded traffic, shown to the gateway's own objectives on virtual time: what they would have said.
 *
 * Requests are counted at the end of the second in which they ended, objectives evaluated then and, while nothing comes, every 10 s:
 * what the engine does in real time (budget/engine.ts). Nothing was counted before the first request.
 *
 * ```
 * requests ─▶ seconds that are not over (REORDER_S) ─▶ Objective ─▶ alerts, spent budgets, course
 *             the newest may be this much ahead
 * ```
 * A course has at most COURSE_MAX points: when there are more, every n-th stays (COURSE_STEPS_S). After a gap that is longer than all
 * windows time goes on at the next request. Memory: REORDER_S seconds, a ring per objective, USERS_MAX names of users.
 */

import type { AlertChange, SloTerms } from '../../model/slo.ts';
import type {
  ObjectiveReport,
  RecordedRequest,
  TrafficAlert,
  TrafficObjective,
  TrafficReport,
} from '../../model/threads/load/traffic.ts';
import { burnRate } from '../budget/burn.ts';
import { Objective } from '../budget/objective.ts';
import { WINDOW_MS } from '../budget/ring.ts';
import { type Claim, type Claimant, Claims, type RouteShape } from './claims.ts';
import { fitOf } from './fit.ts';

/** How far behind the newest request another may have ended, s. */
export const REORDER_S = 600;
export const ALERTS_MAX = 1000;
/** Names of users that are kept to tell them apart, over all objectives. */
export const USERS_MAX = 1_000_000;
export const COURSE_MAX = 48;
const COURSE_STEPS_S = [60, 300, 900, 3600, 21_600, 86_400, 604_800, 2_419_200];
/** Objectives slide their windows in steps of this, s. */
const SLOT_S = 10;
const HOUR_S = 3600;
/** After so long without a request every window is empty, s. */
const GAP_S = WINDOW_MS['28d'] / 1000 + HOUR_S;
const NO_ERRORS = { client: 0, transient: 0, server: 0, weighted: 0 };

interface Counts {
  finished: number;
  bad: number;
  late: number;
  /** Good, for all that is known: how long they took is not. */
  untimed: number;
}

/** A route or service with objectives. Requests may stand for several, not always a whole number: what was told to objectives is whole. */
interface Source extends Claimant {
  readonly tracks: Track[];
  readonly exact: Counts;
  readonly told: Counts;
}

/** One objective and what came of it. */
interface Track {
  readonly spec: TrafficObjective;
  readonly objective: Objective;
  readonly alerts: (TrafficAlert & { resolvedAtMs: number | null })[];
  alertsMore: number;
  readonly spent: { readonly fromMs: number; toMs: number | null }[];
  course: { readonly atMs: number; readonly remainingRatio: number; readonly burn1h: number | null }[];
  readonly users: Set<string>;
  readonly failedUsers: Set<string>;
  /** Of the worst 28 days that were full; null before. */
  worstRatio: number | null;
  /** Requests, not always a whole number. */
  untimed: number;
}

export class TrafficReplay {
  readonly reorderS = REORDER_S;
  readonly #sources: readonly Source[];
  readonly #claims: Claims<Source>;
  /** Counts by second of their end, and by source. */
  readonly #seconds = new Map<number, Map<Source, Counts>>();
  /** The next second to count; -1 before the first request. */
  #nextS = -1;
  #newestS = -1;
  #lastNewsS = -1;
  #firstS = -1;
  #courseStep = 0;
  #requests = 0;
  #unclaimed = 0;
  #fromMs: number | null = null;
  #toMs: number | null = null;
  #usersLeft = USERS_MAX;

  /** @param terms the same for all: they decide nothing here @param routes empty: requests are claimed by the names they have */
  constructor(
    objectives: readonly TrafficObjective[],
    terms: SloTerms,
    routes: ReadonlyMap<string, RouteShape> = new Map(),
  ) {
    this.#sources = sourcesOf(objectives, terms);
    this.#claims = new Claims(this.#sources, routes);
  }

  /** Takes a request in; false: it ended more than REORDER_S before another one, whose second is over. */
  take(request: RecordedRequest): boolean {
    const { endedAtMs } = request;
    const second = Math.floor(endedAtMs / 1000);
    if (this.#nextS === -1) this.#nextS = second - REORDER_S;
    if (second < this.#nextS) return false;
    this.#requests += 1;
    this.#fromMs = Math.min(this.#fromMs ?? endedAtMs, endedAtMs);
    this.#toMs = Math.max(this.#toMs ?? endedAtMs, endedAtMs);
    const claims = this.#claims.of(request);
    if (claims.length === 0) this.#unclaimed += 1;
    for (const claim of claims) this.#count(claim, request, second);
    if (second > this.#newestS) {
      this.#newestS = second;
      this.#run(second - REORDER_S);
    }
    return true;
  }

  /** What came of all of it; nothing is taken any more. */
  end(): TrafficReport {
    if (this.#newestS !== -1) this.#run(this.#newestS + 1);
    this.#noteWorst(this.#nextS);
    return {
      requests: this.#requests,
      unclaimed: this.#unclaimed,
      fromMs: this.#fromMs,
      toMs: this.#toMs,
      objectives: this.#sources.flatMap(({ tracks }) => tracks.map((track) => this.#report(track))),
    };
  }

  #count({ of, outcome }: Claim<Source>, { durationMs, user, count }: RecordedRequest, second: number): void {
    if (outcome === null) return;
    const bySource = this.#seconds.get(second) ?? new Map<Source, Counts>();
    this.#seconds.set(second, bySource);
    const counts = bySource.get(of) ?? noCounts();
    bySource.set(of, counts);
    counts.finished += count;
    if (outcome !== 'good') counts[outcome] += count;
    else if (durationMs === null) counts.untimed += count;
    for (const track of of.tracks) {
      const isTimed = track.spec.indicator === 'latency';
      if (isTimed && durationMs === null && outcome === 'good') {
        track.untimed += count;
        continue;
      }
      if (user === null) continue;
      this.#meet(track.users, user);
      if (outcome === 'bad' || (isTimed && outcome === 'late')) this.#meet(track.failedUsers, user);
    }
  }

  #meet(users: Set<string>, user: string): void {
    if (this.#usersLeft === 0 || users.has(user)) return;
    users.add(user);
    this.#usersLeft -= 1;
  }

  /** Lets time go by up to the begin of a second. */
  #run(untilS: number): void {
    while (this.#nextS < untilS) {
      const second = this.#nextS;
      const counts = this.#seconds.get(second);
      if (counts !== undefined) {
        this.#seconds.delete(second);
        this.#lastNewsS = second;
        if (this.#firstS === -1) this.#firstS = second;
        for (const [source, news] of counts) tell(source, news, second);
      }
      this.#nextS += 1;
      if (this.#firstS === -1) continue;
      if (counts !== undefined || this.#nextS % SLOT_S === 0) this.#evaluate(this.#nextS);
      if (second - this.#lastNewsS > GAP_S) this.#nextS = Math.min(untilS, ...this.#seconds.keys());
    }
  }

  /** As of the begin of a second. */
  #evaluate(second: number): void {
    const nowMs = second * 1000;
    const isPoint = second % (COURSE_STEPS_S[this.#courseStep] as number) === 0;
    for (const { tracks } of this.#sources) {
      for (const track of tracks) {
        for (const change of track.objective.evaluate(nowMs)) note(track, change, nowMs);
        noteSpent(track, nowMs);
        if (isPoint) mark(track, nowMs);
      }
    }
    this.#noteWorst(second);
    if (isPoint) this.#thin();
  }

  /** Of the 28 days up to the begin of a second, if they are full. */
  #noteWorst(second: number): void {
    if (this.#firstS === -1 || second - this.#firstS < WINDOW_MS['28d'] / 1000) return;
    for (const { tracks } of this.#sources) {
      for (const track of tracks) noteWorst(track, second * 1000);
    }
  }

  /** Leaves every n-th point of the courses, once there are too many. */
  #thin(): void {
    const tracks = this.#sources.flatMap((source) => source.tracks);
    while (tracks.some(({ course }) => course.length > COURSE_MAX) && this.#courseStep < COURSE_STEPS_S.length - 1) {
      this.#courseStep += 1;
      const stepMs = (COURSE_STEPS_S[this.#courseStep] as number) * 1000;
      for (const track of tracks) track.course = track.course.filter(({ atMs }) => atMs % stepMs === 0);
    }
  }

  #report(track: Track): ObjectiveReport {
    const { spec, objective, alerts, alertsMore, spent, course, worstRatio, untimed } = track;
    const nowMs = this.#nextS * 1000;
    const { eventsTotal, remainingRatio } = objective.status({ nowMs, wallMs: nowMs }, NO_ERRORS);
    const budgetRatio = 1 - spec.targetRatio;
    const burn = burnRate(eventsTotal, budgetRatio);
    const total = eventsTotal.good + eventsTotal.bad;
    return {
      ...spec,
      ...eventsTotal,
      fit: fitOf(eventsTotal, budgetRatio),
      bestTargetRatio: worstRatio ?? (total === 0 ? null : eventsTotal.good / total),
      burn,
      budgetLastsMs: burn === null || burn === 0 ? null : WINDOW_MS['28d'] / burn,
      remainingRatio,
      course,
      alerts,
      alertsMore,
      spent,
      users:
        track.users.size === 0 || this.#usersLeft === 0
          ? null
          : { all: track.users.size, failed: track.failedUsers.size },
      untimed: Math.round(untimed),
    };
  }
}

function sourcesOf(objectives: readonly TrafficObjective[], terms: SloTerms): Source[] {
  const byKey = Map.groupBy(objectives, ({ scope, name }) => `${scope}/${name}`);
  return [...byKey].map(([key, specs]) => ({
    key,
    slowMs: specs.find(({ thresholdMs }) => thresholdMs !== null)?.thresholdMs ?? Number.POSITIVE_INFINITY,
    tracks: specs.map((spec) => ({
      spec,
      objective: new Objective({ ...spec, slo: terms }),
      alerts: [],
      alertsMore: 0,
      spent: [],
      course: [],
      users: new Set<string>(),
      failedUsers: new Set<string>(),
      worstRatio: null,
      untimed: 0,
    })),
    exact: noCounts(),
    told: noCounts(),
  }));
}

function noCounts(): Counts {
  return { finished: 0, bad: 0, late: 0, untimed: 0 };
}

/** Tells the objectives of a source what a second brought, in whole events; parts of them are kept until they are one. */
function tell({ tracks, exact, told }: Source, news: Counts, second: number): void {
  const whole = noCounts();
  for (const name of ['finished', 'bad', 'late', 'untimed'] as const) {
    exact[name] += news[name];
    whole[name] = Math.round(exact[name]) - told[name];
    told[name] += whole[name];
  }
  const nowMs = (second + 1) * 1000;
  for (const { spec, objective } of tracks) {
    const finished = spec.indicator === 'latency' ? whole.finished - whole.untimed : whole.finished;
    objective.count({ ...whole, finished }, { nowMs, wallMs: nowMs });
  }
}

function note(track: Track, { severity, long, short, factor, state, sentence }: AlertChange, nowMs: number): void {
  if (state === 'resolved') {
    const open = track.alerts.findLast((one) => one.long === long && one.resolvedAtMs === null);
    if (open !== undefined) open.resolvedAtMs = nowMs;
  } else if (track.alerts.length < ALERTS_MAX) {
    track.alerts.push({ severity, long, short, factor, firedAtMs: nowMs, resolvedAtMs: null, sentence });
  } else track.alertsMore += 1;
}

/** As the gateway's own trouble with a budget has it: nothing is left, beyond chance. */
function noteSpent({ objective, spent }: Track, nowMs: number): void {
  const { isSpent } = objective;
  const last = spent.at(-1);
  const isOpen = last !== undefined && last.toMs === null;
  if (isSpent && !isOpen && spent.length < ALERTS_MAX) spent.push({ fromMs: nowMs, toMs: null });
  if (!isSpent && isOpen) last.toMs = nowMs;
}

function mark({ objective, course }: Track, nowMs: number): void {
  const { remainingRatio, burnRates } = objective.status({ nowMs, wallMs: nowMs }, NO_ERRORS);
  if (remainingRatio !== null) course.push({ atMs: nowMs, remainingRatio, burn1h: burnRates['1h'] ?? null });
}

function noteWorst(track: Track, nowMs: number): void {
  const { good, bad } = track.objective.periodEvents(nowMs);
  if (good + bad > 0) track.worstRatio = Math.min(track.worstRatio ?? 1, good / (good + bad));
}
