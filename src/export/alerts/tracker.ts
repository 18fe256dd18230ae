/**
 * Which conditions are alerts: they begin, go on and end.
 *
 * Looked at again and again (LOOK_MS). A condition is known by its key:
 * ```
 *          seen ──▸ [page: seen at the next look too] ──▸ firing ── two looks without it ──▸ resolved
 *                                                           └── info: never told to be resolved
 * ```
 * So a page needs two violations in a row, and what is away for one look only has not ended. An `info` fires once, and is
 * forgotten when it is no more. What another gateway of a fleet tells is followed in silence, so that it is not told anew when this
 * gateway takes over; only what began less than TAKEOVER_MS before is: that gateway may have gone before it told.
 *
 * At most ACTIVE_MAX are kept; what comes then is counted and looked at again.
 */

import type { Alert, Condition } from '../../model/threads/load/alerts.ts';
import { fingerprintOf } from './fingerprint.ts';

export const ACTIVE_MAX = 1000;
export const TAKEOVER_MS = 60_000;
/** What an earlier process told of does not end so soon after a start. */
export const GRACE_MS = 60_000;
/** Looks in a row that a page asks for, and looks without a condition that end it. */
const LOOKS = 2;

/** One condition over time. Plain data: it is saved as it is. */
export interface Tracked {
  condition: Condition;
  readonly startedAtMs: number;
  /** Looks in a row with it; counts no further than LOOKS. */
  seen: number;
  /** Looks in a row without it. */
  missed: number;
  /** It was told to begin, here or by another gateway. */
  isTold: boolean;
  /** Another gateway told of it at some time. */
  wasElsewhere: boolean;
  /** It does not end before: a process that has just begun does not see everything yet. 0: it was seen. */
  heldUntilMs: number;
}

/** What a look found. */
export interface Change {
  readonly alert: Alert;
  /** `taken`: another gateway has told that it began, and this one tells of it from now on. */
  readonly kind: 'began' | 'taken' | 'ended';
}

export class Tracker {
  readonly #byKey = new Map<string, Tracked>();
  #dropped = 0;

  /** Conditions for which there was no room. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Alerts that go on and were told, oldest first. */
  get active(): Alert[] {
    return [...this.#byKey.values()].filter(({ isTold }) => isTold).map((tracked) => alertOf(tracked, null));
  }

  /** Those that this gateway tells of. */
  get ours(): Alert[] {
    const tracked = [...this.#byKey.values()].filter(({ isTold, condition }) => isTold && !condition.isElsewhere);
    return tracked.map((one) => alertOf(one, null));
  }

  /** Takes in what is so now. @param wallMs wall clock */
  look(conditions: readonly Condition[], wallMs: number): Change[] {
    const changes: Change[] = [];
    const present = new Set<string>();
    for (const condition of conditions) {
      if (present.has(condition.key)) continue;
      present.add(condition.key);
      const tracked = this.#see(condition, wallMs);
      const kind = tracked === null ? null : begins(tracked, wallMs);
      if (tracked !== null && kind !== null) changes.push({ kind, alert: alertOf(tracked, null) });
    }
    for (const [key, tracked] of this.#byKey) {
      if (present.has(key) || !this.#ends(key, tracked, wallMs)) continue;
      const { severity, isElsewhere } = tracked.condition;
      const isSaid = tracked.isTold && severity !== 'info' && !isElsewhere;
      if (isSaid) changes.push({ kind: 'ended', alert: alertOf(tracked, wallMs) });
    }
    return changes;
  }

  /** For the state store. */
  save(): Tracked[] {
    return [...this.#byKey.values()];
  }

  /** Goes on where an earlier process stopped; what this one has told itself stays told. @param wallMs wall clock */
  recall(saved: readonly Tracked[], wallMs: number): void {
    for (const one of saved) {
      const { key } = one.condition;
      if (this.#byKey.size >= ACTIVE_MAX && !this.#byKey.has(key)) continue;
      const isTold = one.isTold || this.#byKey.get(key)?.isTold === true;
      this.#byKey.set(key, { ...one, isTold, heldUntilMs: wallMs + GRACE_MS });
    }
  }

  #see(condition: Condition, wallMs: number): Tracked | null {
    const known = this.#byKey.get(condition.key);
    if (known !== undefined) {
      known.condition = condition;
      known.seen = Math.min(LOOKS, known.seen + 1);
      known.missed = 0;
      known.heldUntilMs = 0;
      known.wasElsewhere ||= condition.isElsewhere;
      return known;
    }
    if (this.#byKey.size >= ACTIVE_MAX) {
      this.#dropped += 1;
      return null;
    }
    const tracked: Tracked = {
      condition,
      startedAtMs: wallMs,
      seen: 1,
      missed: 0,
      isTold: false,
      wasElsewhere: condition.isElsewhere,
      heldUntilMs: 0,
    };
    this.#byKey.set(condition.key, tracked);
    return tracked;
  }

  /** Whether it is over; then it is forgotten. */
  #ends(key: string, tracked: Tracked, wallMs: number): boolean {
    tracked.seen = 0;
    if (wallMs < tracked.heldUntilMs) return false;
    tracked.missed += 1;
    // What was never told may go at once: nobody waits for its end.
    if (tracked.isTold && tracked.missed < LOOKS) return false;
    this.#byKey.delete(key);
    return true;
  }
}

/** What is told of it now; null: nothing. */
function begins(tracked: Tracked, wallMs: number): 'began' | 'taken' | null {
  const { condition, seen, isTold, wasElsewhere, startedAtMs } = tracked;
  if (isTold || condition.isElsewhere) return null;
  if (condition.severity === 'page' && seen < LOOKS) return null;
  tracked.isTold = true;
  return wasElsewhere && wallMs - startedAtMs >= TAKEOVER_MS ? 'taken' : 'began';
}

function alertOf({ condition, startedAtMs }: Tracked, endedAtMs: number | null): Alert {
  const { isElsewhere: _, ...told } = condition;
  const state = endedAtMs === null ? 'firing' : 'resolved';
  return { ...told, fingerprint: fingerprintOf(condition.key), state, startedAtMs, endedAtMs };
}
