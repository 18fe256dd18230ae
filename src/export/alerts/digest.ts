/**
 * The summary of a day: when it is due in its time zone, and what it says.
 *
 * It is due once a day, from its minute on, by the wall clock there; a time that the day does not have (daylight saving) is the
 * next one that it has. A gateway that first runs after that minute begins with the next day.
 */

import type { LoggedDecision } from '../../model/slo.ts';
import type { SloStatus } from '../../model/status.ts';
import type { DigestConfig } from '../../model/threads/load/alerts.ts';

const BUDGETS_MAX = 5;
const DECISIONS_MAX = 10;
const DAY_MS = 86_400_000;
const LOW_RATIO = 0.25;

/** Knows which day was told last. */
export class DigestClock {
  /** `2026-11-22`; empty: none yet; null: nobody has looked. */
  #day: string | null = null;

  /** The day told last; empty: none. */
  get day(): string {
    return this.#day ?? '';
  }

  /** Goes on where an earlier process stopped. */
  recall(day: string): void {
    if (day > this.day) this.#day = day;
  }

  /** Whether it is to be told now; then it counts as told. */
  isDue({ minute, zone }: Pick<DigestConfig, 'minute' | 'zone'>, wallMs: number): boolean {
    const now = localTime(zone, wallMs);
    const isLate = now.minute >= minute;
    if (this.#day === null) {
      this.#day = isLate ? now.day : '';
      return false;
    }
    if (!isLate || now.day <= this.#day) return false;
    this.#day = now.day;
    return true;
  }
}

/** Day and minute of the day in a zone. @throws RangeError for a zone that is not known */
export function localTime(zone: string, wallMs: number): { readonly day: string; readonly minute: number } {
  const parts = new Map(
    formatOf(zone)
      .formatToParts(wallMs)
      .map(({ type, value }) => [type, value]),
  );
  const day = ['year', 'month', 'day'].map((name) => parts.get(name as 'year')).join('-');
  return { day, minute: Number(parts.get('hour')) * 60 + Number(parts.get('minute')) };
}

const FORMAT = { year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit' } as const;
let kept: { readonly zone: string; readonly format: Intl.DateTimeFormat } | null = null;

/** The last one is kept: making one costs a hundred times what using it does. */
function formatOf(timeZone: string): Intl.DateTimeFormat {
  if (kept?.zone !== timeZone) {
    kept = { zone: timeZone, format: new Intl.DateTimeFormat('en-CA', { ...FORMAT, timeZone, hourCycle: 'h23' }) };
  }
  return kept.format;
}

/** What a day is made of. */
export interface Day {
  readonly slos: readonly Pick<SloStatus, 'scope' | 'name' | 'indicator' | 'targetRatio' | 'remainingRatio'>[];
  /** Oldest first. */
  readonly decisions: readonly Pick<LoggedDecision, 'at' | 'kind' | 'sentence'>[];
  /** Alerts that go on. */
  readonly active: number;
}

/** Title and lines: budgets, those with least left, what became of rollouts in the last 24 hours. */
export function digestOf({ slos, decisions, active }: Day, wallMs: number): { title: string; lines: string[] } {
  const counted = slos.flatMap((slo) => (slo.remainingRatio === null ? [] : { ...slo, left: slo.remainingRatio }));
  const worst = counted.toSorted((a, b) => a.left - b.left).slice(0, BUDGETS_MAX);
  const spent = counted.filter(({ left }) => left <= 0).length;
  const low = counted.filter(({ left }) => left > 0 && left < LOW_RATIO).length;
  const today = decisions.filter(({ at }) => Date.parse(at) > wallMs - DAY_MS && Date.parse(at) <= wallMs);
  const shown = today.filter(({ kind }) => KINDS.has(kind));
  return {
    title: 'daily digest',
    lines: [
      `${slos.length} objectives: ${spent} with the budget spent, ${low} with less than 25 % left; ${active} alerts go on`,
      ...worst.map(
        ({ scope, name, indicator, targetRatio, left }) =>
          `${scope} ${name}, ${indicator} ${percent(targetRatio)}: ${percent(left)} of the budget left`,
      ),
      `${today.length} decisions in 24 h: ${countsOf(today)}`,
      ...shown.slice(-DECISIONS_MAX).map(({ sentence }) => sentence),
    ],
  };
}

/** Decisions that a day is remembered for. */
const KINDS: ReadonlySet<string> = new Set(['rollback', 'succeed', 'pause', 'revert']);

function countsOf(decisions: Day['decisions']): string {
  const counts = new Map<string, number>();
  for (const { kind } of decisions) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return [...counts].map(([kind, count]) => `${count} ${kind}`).join(', ') || 'none';
}

/** Five digits, so that 99.95 stays what it is. */
function percent(ratio: number): string {
  return `${Number((ratio * 100).toPrecision(5))} %`;
}
