/**
 * What answers when the route's own answer would be a failure: the steps of its chain, in their order.
 *
 * ```
 * given up ─▸ step ─▸ step ─▸ …
 *              ├─ stale    an answer that is kept of the same request      answered
 *              ├─ service  another version: admitted, attempted, retried   goes on; given up again: the next step
 *              └─ static   a fixed answer                                  answered
 * ```
 * Nothing may have reached the client. A step acts on the failures that it names, whatever those of earlier steps were. A
 * version is asked only for what may be sent again: all of the request is kept, and it was not sent before or is idempotent;
 * within what is left of the request's time and of the route's retries, and by its own admission and breaker.
 *
 * The version that failed is billed as if there were no fallback, before anything else is asked. The route counts what its
 * users saw: a kept or fixed answer is good unless the step says otherwise or its status is a 5xx, an asked version's is
 * what any answer of it would be. A route without a chain pays a null check when it fails, and nothing else.
 */

import { REASONS, type Reason, reasonRow } from '../../../../model/reason.ts';
import type { RouteSpec, SplitSpec } from '../../../../model/snapshot.ts';
import { CELL } from '../../../../model/tallies.ts';
import { FALLBACK_KINDS, type FallbackKind } from '../../../../model/threads/answers/fallback.ts';
import { NONE } from '../../../decide/admission/permit.ts';
import type { LinkedRoute, LinkedSplit } from '../../../decide/table.ts';
import type { Exchange } from '../../../exchange.ts';
import { tracedOf } from '../../../record/trace/trace.ts';
import { keyedOf } from '../idempotency/keyed.ts';
import { wasUnsent } from '../rescue.ts';
import { isWhole, retryingOf } from '../retry.ts';
import { type FixedAnswer, linkFixed } from './answer.ts';
import { keptFor, type LinkedStale, linkStale } from './keep.ts';
import type { KeptAnswer } from './stale.ts';

/** A step of a chain. `reasons`: the numbers of those that it answers for. */
type LinkedStep =
  | {
      readonly kind: 'stale';
      readonly reasons: ReadonlySet<number>;
      readonly stale: LinkedStale;
      readonly isGood: boolean;
    }
  | { readonly kind: 'service'; readonly reasons: ReadonlySet<number>; readonly split: LinkedSplit }
  | {
      readonly kind: 'static';
      readonly reasons: ReadonlySet<number>;
      readonly answer: FixedAnswer;
      readonly isGood: boolean;
    };

/** The chain of a route. */
export interface LinkedFallback {
  readonly steps: readonly LinkedStep[];
  /** What of the route's answers is kept; null without such a step. */
  readonly stale: LinkedStale | null;
}

/** An exchange that a step of its route's chain took. */
export interface Fallen {
  readonly kind: FallbackKind;
  /** Index of the step to look at when this one fails as well. */
  readonly next: number;
  /** Why the route's own answer failed, and whose failure it was. */
  readonly reason: Reason;
  readonly from: LinkedSplit;
  /** What is to be sent; null while a version is asked. */
  readonly answer: FixedAnswer | KeptAnswer | null;
  /** The answer is no failure for the route. */
  readonly isGood: boolean;
  /** Of the answer's body. */
  sentBytes: number;
}

/** Links the chain of a route; null without one. @param linkSplit links a version that is asked */
export function linkFallback(spec: RouteSpec, linkSplit: (spec: SplitSpec) => LinkedSplit): LinkedFallback | null {
  if (spec.fallback === undefined) return null;
  const steps = spec.fallback.map((step): LinkedStep => {
    const reasons = numbersOf(step.on);
    if (step.kind === 'service') return { kind: 'service', reasons, split: linkSplit(step.split) };
    if (step.kind === 'static') return { kind: 'static', reasons, answer: linkFixed(step), isGood: step.isGood };
    return { kind: 'stale', reasons, stale: linkStale(spec, step), isGood: step.isGood };
  });
  return { steps, stale: steps.find((step) => step.kind === 'stale')?.stale ?? null };
}

function numbersOf(names: readonly string[]): ReadonlySet<number> {
  return new Set(REASONS.flatMap(({ name }, reason) => (names.includes(name) ? [reason] : [])));
}

/**
 * Looks for a step that takes an exchange that is given up; `x.reason` is why, and its route has a chain.
 * @returns true: another version is asked from now on, `x.split`; it is neither admitted nor attempted yet. False: the
 *   exchange is to be answered, by a step (`x.retrying.fallen`) or, when none acts, by its failure.
 */
export function fallBack(x: Exchange, nowMs: number): boolean {
  const { steps } = (x.route as LinkedRoute).fallback as LinkedFallback;
  const before = x.retrying === null ? null : x.retrying.fallen;
  // What its client did wrong is wrong whoever is asked.
  if (before !== null && reasonRow(x.reason).fault === 'client') return false;
  const reason = before === null ? x.reason : before.reason;
  const from = before === null ? (x.split as LinkedSplit) : before.from;
  for (let n = before === null ? 0 : before.next; n < steps.length; n++) {
    const step = steps[n] as LinkedStep;
    if (!step.reasons.has(reason)) continue;
    const base = { kind: step.kind, next: n + 1, reason, from, sentBytes: 0 };
    if (step.kind === 'service') {
      if (!mayAsk(x, nowMs)) continue;
      leave(x, { ...base, answer: null, isGood: false }, step.split, nowMs);
      return true;
    }
    const answer = step.kind === 'static' ? step.answer : keptFor(x, { stale: step.stale, from }, nowMs);
    if (answer === null) continue;
    leave(x, { ...base, answer, isGood: step.isGood }, null, nowMs);
    return false;
  }
  return false;
}

/** With a key only what may be executed with it: its body is there, and nobody else executes it. */
function mayAsk(x: Exchange, nowMs: number): boolean {
  const keyed = keyedOf(x);
  if (keyed !== null && keyed.state !== 'running') return false;
  return isWhole(x) && nowMs < x.deadlineAtMs && (x.isIdempotent || wasUnsent(x.reason));
}

/** Bills the failure to the version that failed; from now on the exchange is another one's, or nobody's. */
function leave(x: Exchange, fallen: Fallen, to: LinkedSplit | null, nowMs: number): void {
  const { recorder } = x.client.lane;
  const { reason } = x;
  tracedOf(x);
  recorder.handedOver(x, { reason, status: reasonRow(reason).status, atMs: nowMs }, to);
  if (x.permit !== NONE) recorder.leaveAdmission(x, reason, nowMs);
  const retrying = retryingOf(x);
  // What was attempted was paid for by nobody's retry.
  if (to !== null && x.attempts > retrying.count) retrying.count++;
  retrying.rescuedFrom = null;
  // That was another version's, and is billed.
  retrying.hasFailed = false;
  retrying.fallen = fallen;
  x.split = to;
  recorder.counted(x.route as LinkedRoute, CELL.fallbacks + FALLBACK_KINDS.indexOf(fallen.kind));
}
