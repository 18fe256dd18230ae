/**
 * One objective: counts its events, slides its windows, tells when an alert begins or ends.
 *
 * It has no memory but its names until its first event; then a ring (ring.ts) and, for a calendar, two counts. While
 * nothing was counted and no slot of 10 s has gone by, its windows are what they were, and it is not evaluated.
 *
 * A bad event of availability is a bad exchange; of latency, a bad one or a good one above the threshold; of a composite
 * objective, a second whose score is too low (composite/score.ts).
 */

import type { AlertChange, SloAsked, SloIndicator, SloScope, SloSource, SloTerms } from '../../model/slo.ts';
import type { ScoreStatus, SloStatus } from '../../model/status.ts';
import type { ObjectiveTrouble } from '../../model/threads/load/alerts.ts';
import { exhaustedInMs, remainingEvents, remainingRatio } from './budget.ts';
import { ALERT_RULES, type AlertState, type BurnWindow, burnRate, nextAlert, RESOLVED } from './burn.ts';
import type { SliCounts } from './counts.ts';
import { isBeyondChance } from './guard.ts';
import { type Instant, Ledger, type SavedLedger } from './ledger/ledger.ts';
import { releaseVerdict } from './policy.ts';
import type { Ring, WindowCounts } from './ring.ts';
import { alertSentence, spentSentence } from './sentence.ts';

export interface ObjectiveSpec {
  readonly scope: SloScope;
  readonly name: string;
  readonly indicator: SloIndicator;
  readonly targetRatio: number;
  /** null but of latency. */
  readonly thresholdMs: number | null;
  readonly slo: SloTerms;
}

/** What a source asks for: availability first, one of seconds last. */
export function specsOf({ scope, name, slo }: SloSource): ObjectiveSpec[] {
  return asksOf(slo).map((ask) => ({ scope, name, slo, thresholdMs: null, ...ask }));
}

function asksOf({ availabilityRatio, latency, composite, business }: SloAsked) {
  const asks: (Pick<ObjectiveSpec, 'indicator' | 'targetRatio'> & { readonly thresholdMs?: number })[] = [];
  if (availabilityRatio !== undefined) asks.push({ indicator: 'availability', targetRatio: availabilityRatio });
  if (latency !== undefined && latency !== null) asks.push({ indicator: 'latency', ...latency });
  if (composite !== undefined) asks.push({ indicator: 'composite', targetRatio: composite.targetRatio });
  if (business !== undefined) asks.push({ indicator: 'business', targetRatio: business.targetRatio });
  return asks;
}

/** What an objective says to a rollout. */
export interface ObjectiveBudget {
  /** Part of the budget that is left; null when nothing was counted. */
  readonly remainingRatio: number | null;
  /** Bad events that may still happen; null likewise. */
  readonly remainingEvents: number | null;
  /** The most urgent alert that fires, in words; null when none does. */
  readonly alert: string | null;
}

/** An objective whose budget is used so fast that somebody must look at once. */
export interface FastBurn {
  readonly indicator: SloIndicator;
  /** Share of the events that may miss the objective. */
  readonly budgetRatio: number;
}

/** What outlives a restart. */
export interface SavedObjective extends SavedLedger {
  readonly id: string;
  /** Good events still to be taken off, because they turned out to be bad. */
  readonly owed: number;
  /** How long each alert of `ALERT_RULES` has been firing, in ms; null when it is not. */
  readonly firingForMs: readonly (number | null)[];
}

/** The same objective has the same id, whatever its target is: what was counted stays true. */
export function objectiveId({ scope, name, indicator, thresholdMs }: ObjectiveSpec): string {
  const id = `${scope}/${name}/${indicator}`;
  return thresholdMs === null ? id : `${id}/${thresholdMs}ms`;
}

/** Whether an alert fires. */
export type AlertFiring = Pick<SloStatus['alerts'][number], 'isFiring' | 'long' | 'severity'>;

const SILENT: readonly AlertFiring[] = ALERT_RULES.map(({ severity, long }) => ({ severity, long, isFiring: false }));
const NO_CHANGES: readonly AlertChange[] = [];
const NO_EVENTS = { good: 0, bad: 0 };
const NO_BURNS: SloStatus['burnRates'] = { '5m': null, '30m': null, '1h': null, '6h': null, '3d': null };

export class Objective {
  readonly id: string;
  #spec: ObjectiveSpec;
  readonly #ledger = new Ledger();
  #alerts: AlertState[] | null = null;
  /** Events that were seen finished before their worker had said that they were bad: counted good, to be taken off. */
  #owed = 0;
  /** How many of them an earlier process left. */
  #owedBefore = 0;
  #isApart = false;
  #hasNews = false;
  #isUnsaved = false;
  #slot = -1;

  constructor(spec: ObjectiveSpec) {
    this.#spec = spec;
    this.id = objectiveId(spec);
  }

  /** Its events are seconds, not requests. */
  get isOfSeconds(): boolean {
    return this.#spec.indicator === 'composite' || this.#spec.indicator === 'business';
  }

  /** Takes another target, calendar or policy. */
  set spec(spec: ObjectiveSpec) {
    if (spec.slo.calendar !== this.#spec.slo.calendar) this.#ledger.forgetCalendar();
    this.#hasNews = true;
    this.#spec = spec;
  }

  get spec(): ObjectiveSpec {
    return this.#spec;
  }

  /** Counts what happened since the last time. */
  count({ finished, bad, late }: Omit<SliCounts, 'errors'>, now: Instant): void {
    if (finished + bad + late === 0) return;
    const missed = this.#spec.indicator === 'latency' ? bad + late : bad;
    const good = finished - missed - this.#owed;
    this.#owed = Math.max(0, -good);
    this.#ledger.add({ good: Math.max(0, good), bad: missed }, this.#spec.slo.calendar, now);
    this.#hasNews = true;
    this.#isUnsaved = true;
  }

  /** Slides the windows and moves the alerts. Cost: about 2 us, nothing while idle. */
  evaluate(nowMs: number): readonly AlertChange[] {
    const ring = this.#ring;
    if (ring === null) return NO_CHANGES;
    ring.advance(nowMs);
    if (!this.#hasNews && ring.slot === this.#slot) return NO_CHANGES;
    this.#hasNews = false;
    this.#slot = ring.slot;
    if (this.#alerts === null && ring.counts('3d').bad === 0) return NO_CHANGES;
    return this.#move(ring, nowMs);
  }

  /** When it is to be evaluated if nothing happens until then: its windows slide. Infinity while it counted nothing. */
  get slidesAtMs(): number {
    return this.#ring?.slotEndsAtMs ?? Number.POSITIVE_INFINITY;
  }

  /**
   * Adds alerts that fire, and a budget that is spent beyond chance, up to `max` in `found`. Cost: about 0.5 us, and some for each
   * that is found.
   * @returns how many there was no room for
   */
  troubles(found: ObjectiveTrouble[], max: number): number {
    const [ring, alerts] = [this.#ring, this.#alerts];
    if (ring === null || alerts === null) return 0;
    let unsaid = 0;
    for (const [index, rule] of ALERT_RULES.entries()) {
      if (alerts[index]?.kind !== 'firing') continue;
      if (found.length < max) found.push(this.#burnTrouble(rule));
      else unsaid += 1;
    }
    if (!this.isSpent) return unsaid;
    if (found.length >= max) return unsaid + 1;
    const counts = ring.counts('28d');
    const remaining = remainingRatio(counts, this.#budgetRatio) ?? 0;
    const { targetRatio } = this.#spec;
    const sentence = spentSentence({ ...this.#about, targetRatio, remainingRatio: remaining }, counts);
    found.push({ kind: 'budget', ...this.#about, severity: 'ticket', key: this.id, sentence });
    return unsaid;
  }

  /** Whether nothing of its budget is left, beyond chance, as of the last evaluation. */
  get isSpent(): boolean {
    const ring = this.#ring;
    if (ring === null || this.#alerts === null) return false;
    const counts = ring.counts('28d');
    const remaining = remainingRatio(counts, this.#budgetRatio);
    const { good, bad } = counts;
    return remaining !== null && remaining <= 0 && isBeyondChance(bad, good + bad, this.#budgetRatio);
  }

  /** Ends every alert that is firing: nobody asks for this objective any more. */
  retire(): readonly AlertChange[] {
    const firing = ALERT_RULES.filter((_, index) => this.#alerts?.[index]?.kind === 'firing');
    this.#alerts = null;
    return firing.map((rule) => this.#change(rule, 'resolved'));
  }

  /** Events of the last five minutes. */
  recentEvents(nowMs: number): number {
    this.#ring?.advance(nowMs);
    const { good, bad } = this.#ring?.counts('5m') ?? NO_EVENTS;
    return good + bad;
  }

  /** Events of the last 28 days. */
  periodEvents(nowMs: number): WindowCounts {
    this.#ring?.advance(nowMs);
    return this.#ring?.counts('28d') ?? NO_EVENTS;
  }

  /** What is left, and whether an alert fires. Cost: below 1 us. */
  budget(nowMs: number): ObjectiveBudget {
    const counts = this.periodEvents(nowMs);
    const isCounted = counts.good + counts.bad > 0;
    const firing = ALERT_RULES.find((_, index) => this.#alerts?.[index]?.kind === 'firing');
    const of = `${this.#spec.indicator} of ${this.#spec.scope} ${this.#spec.name}`;
    return {
      remainingRatio: remainingRatio(counts, this.#budgetRatio),
      remainingEvents: isCounted ? remainingEvents(counts, this.#budgetRatio) : null,
      alert:
        firing === undefined ? null : `${of} burns above ${firing.factor}x over ${firing.long} and ${firing.short}`,
    };
  }

  /** What is left of its budget; null while nothing was counted. */
  remainingRatio(nowMs: number): number | null {
    const ring = this.#ring;
    if (ring === null) return null;
    ring.advance(nowMs);
    return remainingRatio(ring.counts('28d'), this.#budgetRatio);
  }

  /** What it leaves to fail, when its first alert fires (14.4 times over 1h and 5m); else null, and of one about seconds. */
  get fastBurn(): FastBurn | null {
    if (this.#alerts?.[0]?.kind !== 'firing' || this.isOfSeconds) return null;
    return { indicator: this.#spec.indicator, budgetRatio: this.#budgetRatio };
  }

  /** The objective as the status shows it. @param errors by class, and weighted @param score of one about seconds */
  status({ nowMs, wallMs }: Instant, errors: SloStatus['errors'], score: ScoreStatus | null = null): SloStatus {
    const { scope, name, indicator, targetRatio, thresholdMs } = this.#spec;
    const events = this.periodEvents(nowMs);
    const remaining = remainingRatio(events, this.#budgetRatio);
    return {
      scope,
      name,
      indicator,
      targetRatio,
      thresholdMs,
      events,
      eventsTotal: this.eventsTotal,
      remainingRatio: remaining,
      exhaustedInMs: exhaustedInMs(remaining, this.#burn('1h')),
      burnRates: this.burnRates,
      alerts: ALERT_RULES.map((rule, index) => ({ ...rule, ...firingOf(this.#alerts?.[index], nowMs) })),
      calendar: this.#calendarStatus(wallMs),
      errors,
      policy: this.#policy(remaining),
      score,
    };
  }

  /** Events since it began to count. */
  get eventsTotal(): WindowCounts {
    return this.#ring?.totals ?? NO_EVENTS;
  }

  /** What is left of its budget, as of its last evaluation; null while nothing was counted. */
  get leftRatio(): number | null {
    const ring = this.#ring;
    return ring === null ? null : remainingRatio(ring.counts('28d'), this.#budgetRatio);
  }

  /** As of its last evaluation. */
  get burnRates(): SloStatus['burnRates'] {
    if (this.#ring === null) return NO_BURNS;
    return {
      '5m': this.#burn('5m'),
      '30m': this.#burn('30m'),
      '1h': this.#burn('1h'),
      '6h': this.#burn('6h'),
      '3d': this.#burn('3d'),
    } satisfies Record<BurnWindow, number | null>;
  }

  /** Which alerts fire, by `ALERT_RULES`. */
  get firing(): readonly AlertFiring[] {
    const alerts = this.#alerts;
    if (alerts === null) return SILENT;
    return ALERT_RULES.map(({ severity, long }, n) => ({ severity, long, isFiring: alerts[n]?.kind === 'firing' }));
  }

  /** Whether something was counted since it was last saved. */
  get isUnsaved(): boolean {
    return this.#isUnsaved;
  }

  /** Null while nothing was counted. While counts are kept apart: only these. */
  save(nowMs: number): SavedObjective | null {
    const saved = this.#ledger.save(nowMs);
    if (saved === null) return null;
    this.#isUnsaved = false;
    const firingForMs = ALERT_RULES.map((_, index) => firingOf(this.#alerts?.[index], nowMs).firingForMs);
    const owed = this.#isApart ? Math.max(0, this.#owed - this.#owedBefore) : this.#owed;
    return { id: this.id, ...saved, owed, firingForMs };
  }

  /** What an earlier process saved is not known for certain: until `settle`, `restore` may be called again. */
  keepApart(nowMs: number): void {
    this.#ledger.keepApart(nowMs);
    this.#owedBefore = 0;
    this.#isApart = true;
  }

  /** What is known of earlier processes is all there will be. */
  settle(): void {
    this.#ledger.settle();
    this.#isApart = false;
  }

  /** Goes on where `saved` stopped, `awayMs` ago, with what was kept apart since. @throws SluiceError SLU_STATE_INVALID */
  restore(saved: SavedObjective, nowMs: number, awayMs: number): void {
    const isLate = this.#ring !== null;
    this.#ledger.adopt(saved, this.#spec.slo.calendar, { nowMs, awayMs });
    this.#owed = Math.max(0, this.#owed - this.#owedBefore + saved.owed);
    this.#owedBefore = saved.owed;
    const before = this.#alerts;
    this.#alerts = ALERT_RULES.map((_, index): AlertState => {
      const forMs = saved.firingForMs[index] ?? null;
      if (forMs !== null) return { kind: 'firing', sinceMs: nowMs - forMs - Math.max(0, awayMs) };
      return before?.[index] ?? RESOLVED;
    });
    this.#hasNews = true;
    this.#isUnsaved ||= isLate;
  }

  get #ring(): Ring | null {
    return this.#ledger.ring;
  }

  get #budgetRatio(): number {
    return 1 - this.#spec.targetRatio;
  }

  #burn(window: BurnWindow): number | null {
    return this.#ring === null ? null : burnRate(this.#ring.counts(window), this.#budgetRatio);
  }

  #move(ring: Ring, nowMs: number): readonly AlertChange[] {
    const alerts = (this.#alerts ??= ALERT_RULES.map(() => RESOLVED));
    const reading = { counts: (window: BurnWindow) => ring.counts(window), budgetRatio: this.#budgetRatio };
    const changes: AlertChange[] = [];
    for (const [index, rule] of ALERT_RULES.entries()) {
      const before = alerts[index] as AlertState;
      const after = nextAlert(before, rule, reading, nowMs);
      if (after === before) continue;
      alerts[index] = after;
      changes.push(this.#change(rule, after.kind));
    }
    return changes;
  }

  get #about(): Pick<ObjectiveSpec, 'scope' | 'name' | 'indicator'> {
    const { scope, name, indicator } = this.#spec;
    return { scope, name, indicator };
  }

  #burnTrouble(rule: (typeof ALERT_RULES)[number]): ObjectiveTrouble {
    const { severity, sentence } = this.#change(rule, 'firing');
    return { kind: 'burn', ...this.#about, severity, key: `${this.id} ${rule.long}`, sentence };
  }

  #change(rule: (typeof ALERT_RULES)[number], state: AlertChange['state']): AlertChange {
    const { scope, name, indicator, targetRatio } = this.#spec;
    const facts = {
      scope,
      name,
      indicator,
      state,
      ...rule,
      longBurn: this.#burn(rule.long),
      shortBurn: this.#burn(rule.short),
      remainingRatio: remainingRatio(this.#ring?.counts('28d') ?? NO_EVENTS, this.#budgetRatio),
    };
    return { ...facts, sentence: alertSentence(facts, targetRatio, this.#ring?.counts(rule.short) ?? NO_EVENTS) };
  }

  #calendarStatus(wallMs: number): SloStatus['calendar'] {
    const unit = this.#spec.slo.calendar;
    if (unit === null) return null;
    const counts = this.#ledger.calendar(unit, wallMs);
    const { startMs, good, bad } = counts;
    return { unit, sinceMs: startMs, good, bad, remainingRatio: remainingRatio(counts, this.#budgetRatio) };
  }

  #policy(remaining: number | null): SloStatus['policy'] {
    const release = { remainingRatio: remaining, isFix: false, fixReason: '' };
    const { kind, sentence } = releaseVerdict(release, this.#spec.slo.budgetPolicy);
    return { kind: kind === 'fix' ? 'slow' : kind, sentence };
  }
}

function firingOf(state: AlertState | undefined, nowMs: number): { isFiring: boolean; firingForMs: number | null } {
  if (state?.kind !== 'firing') return { isFiring: false, firingForMs: null };
  return { isFiring: true, firingForMs: Math.max(0, nowMs - state.sinceMs) };
}
