/**
 * The word of the fleet on one rollout, and which of two words counts.
 *
 * ```
 * greater run  ▸  rolled back before not  ▸  greater fencing token  ▸  greater sequence number
 * ```
 * Words are totally ordered, so every gateway comes to the same one, in whatever order it hears them. A rollback beats all
 * progress of its run; a later run is begun by a person alone, who has seen the rollback. Any gateway may say that a rollout
 * is rolled back; anything else is said under a token of the leader's lock. Two rollbacks of one run are worth the same: whoever
 * decided one keeps its own reason.
 */

/** @typeParam Body what is said; the order does not look at it */
export interface Word<Body> {
  /** How often the rollout was begun anew after a rollback. */
  readonly run: number;
  readonly isRolledBack: boolean;
  /** Of the lock that it was said under; 0: none. */
  readonly token: number;
  readonly seq: number;
  /** When a person began the run after a rollback, by the wall clock, in ms since 1970; 0: nobody did. */
  readonly beganAtMs: number;
  readonly body: Body;
}

/** Negative when `a` counts less than `b`, 0 when neither has anything to say to the other; null counts least. */
export function compareWords(a: Word<unknown> | null, b: Word<unknown> | null): number {
  if (a === null || b === null) return Number(a !== null) - Number(b !== null);
  if (a.run === b.run && a.isRolledBack && b.isRolledBack) return 0;
  return (
    a.run - b.run || Number(a.isRolledBack) - Number(b.isRolledBack) || a.token - b.token || Math.sign(a.seq - b.seq)
  );
}

/** The one of both that counts. */
export function greaterOf<Body>(a: Word<Body> | null, b: Word<Body> | null): Word<Body> | null {
  return compareWords(a, b) >= 0 ? a : b;
}

/** `run rolled token seq began json`: the run comes first, so that a script in Redis can read it. */
export function formatWord({ run, isRolledBack, token, seq, beganAtMs, body }: Word<unknown>): string {
  return `${run} ${isRolledBack ? 1 : 0} ${token} ${seq} ${beganAtMs} ${JSON.stringify(body)}`;
}

/** null when it is none: whoever can write to Redis can write anything. */
export function parseWord<Body>(text: string | null, isBody: (value: unknown) => value is Body): Word<Body> | null {
  const match = /^(\d{1,15}) ([01]) (\d{1,16}) (\d{1,15}) (\d{1,15}) (.*)$/s.exec(text ?? '');
  if (match === null) return null;
  const [, run, rolled, token, seq, beganAtMs, json] = match;
  const body = parsed(json as string);
  if (!isBody(body)) return null;
  const numbers = { run: Number(run), token: Number(token), seq: Number(seq), beganAtMs: Number(beganAtMs) };
  return { ...numbers, isRolledBack: rolled === '1', body };
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    // Not JSON is not a word; the caller counts it.
    return undefined;
  }
}
