/**
 * Follows one source: asks, watches, believes or does not, and says when what is held is another.
 *
 * ```
 *           ┌──────────────────────── answered ────────────────────────┐
 *           ▼                                                          │
 * idle ─▶ listing ─ answered ─▶ watching ─ changed ─▶ debounced ─ timer ─▶ reloading
 *  ▲        ▲                    │  ▲ │                                 │
 *  │        │                    │  └─┘ same        compare, reload() ──▶│
 *  │      timer                  ▼                                       │
 *  │        └───────────── backing-off ◀──────────── failed ─────────────┘
 *  └── close() from every state
 * ```
 * A watch is only a reason to ask: what is held is always one whole answer, so no update can be lost between two, and after any failure
 * the source is asked afresh. After a word of a change a store may ask for what changed alone; every other question is for everything.
 * What is held stays while nobody answers. Every `compareMs` a source that is
 * not polled is asked unprompted: so a silent watch is found, and counted.
 */

import { rest } from '../../lib/threads/rest.ts';
import type { SourceStatus } from '../../model/status.ts';
import type { Timers } from '../file.ts';
import type { FollowSettings } from '../stores/settings.ts';
import { type Changes, changesOf, hashOfPieces, isShrunk as isShrunkOfPieces, withSame } from './guard.ts';
import type { Before, Held, Recalled, RecalledTimes } from './held.ts';
import { backoffMs, Pace, QUICK_MS, spreadMs } from './pace.ts';
import type { Item, Listing, Piece, Store, WatchWord } from './source.ts';

/** States of following, each with what belongs to it alone. */
export type FollowState =
  | { readonly name: 'idle' }
  /** Asks for the first time, or after a failure. */
  | { readonly name: 'listing'; readonly asked: AbortController }
  | { readonly name: 'watching'; readonly asked: AbortController; readonly sinceMs: number }
  /** Waits for the writer to finish; the store may look ahead meanwhile. */
  | { readonly name: 'debounced'; readonly timer: unknown }
  /** Asks what changed. */
  | { readonly name: 'reloading'; readonly asked: AbortController }
  | { readonly name: 'backing-off'; readonly timer: unknown };

/** What a follower has to say. */
export type FollowEvent =
  /** What is held is another. `atMs`: when the first word of it came. */
  | { readonly kind: 'changed'; readonly changes: Changes; readonly revision: string; readonly atMs: number }
  /** The source does not answer, or not as it should; said once, until it changes or ends. */
  | { readonly kind: 'failed'; readonly because: string; readonly retryInMs: number }
  | { readonly kind: 'recovered'; readonly failures: number }
  /** What is held is no longer what an earlier process held: the source has said what it holds. */
  | { readonly kind: 'fresh' }
  /** A sudden loss is not believed yet. */
  | { readonly kind: 'shrunk'; readonly before: number; readonly after: number }
  /** A comparison found what no watch had told. */
  | { readonly kind: 'drifted'; readonly revision: string };

export interface FollowerOptions<P extends Item = Piece> {
  readonly store: Store<P>;
  readonly settings: FollowSettings;
  readonly timers: Timers;
  readonly nowMs: () => number;
  /** Wall clock as ISO 8601. */
  readonly wallTime: () => string;
  /** Uniform in [0, 1). */
  readonly draw: () => number;
  readonly onEvent: (event: FollowEvent) => void;
  /** Whether a loss is too sudden to be believed at once; default that of documents. */
  readonly isShrunk?: (before: readonly P[], after: readonly P[]) => boolean;
}

/** A watch that ends sooner without a change was not waited for, one that fails sooner may never work: asking again at once would be a flood. */
const WATCH_LEAST_MS = 100;

export class Follower<P extends Item = Piece> {
  readonly #options: FollowerOptions<P>;
  readonly #pace = new Pace();
  readonly #startedAtMs: number;
  #state: FollowState = { name: 'idle' };
  #held: Held<P> | null = null;
  /** Of what an earlier process held, as long as that is what is held. */
  #recalled: RecalledTimes | null = null;
  /** The last answer, believed or not. */
  #listed: Listing<P> | null = null;
  /** What the watch goes on from; that of a loss that is not believed differs from what is held. */
  #revision = '';
  #changeAtMs: number | null = null;
  #confirmedAtMs: number | null = null;
  #confirmedAt = '';
  #changedAt = '';
  #failures = 0;
  #errors = 0;
  #lastError = '';
  /** The last watch failed at once: to be listed meanwhile ends no failure. */
  #isUnwatchable = false;
  #shrink: { readonly pieces: number; readonly sinceMs: number; readonly timer: unknown } | null = null;
  #isConfirmed = false;
  #shrinksRefused = 0;
  #drifts = 0;
  #isComparing = false;
  #compareTimer: unknown = null;
  #answered: () => void = () => undefined;
  /** Resolves with the first answer. */
  readonly first: Promise<void>;

  constructor(options: FollowerOptions<P>) {
    this.#options = options;
    this.#startedAtMs = options.nowMs();
    this.first = new Promise((resolve) => {
      this.#answered = resolve;
    });
  }

  /** Whether the source has ever said what it holds. */
  get hasAnswered(): boolean {
    return this.#held !== null && this.#recalled === null;
  }

  /** What is held, and when the source last said so, ISO 8601, also to an earlier process; null: nothing is. */
  get held(): Pick<Recalled<P>, 'pieces' | 'confirmedAt'> | null {
    if (this.#held === null) return null;
    return { pieces: this.#held.pieces, confirmedAt: this.#recalled?.confirmedAt ?? this.#confirmedAt };
  }

  /**
   * Goes on with what an earlier process held until the source says what it holds, which is measured against that as ever.
   * @returns whether it does; not once the source has answered
   */
  recall({ pieces, confirmedAt, confirmedMs }: Recalled<P>): boolean {
    if (this.#held !== null) return false;
    this.#held = { pieces, revision: '' };
    this.#recalled = { confirmedAt, confirmedAtMs: this.#options.nowMs() - confirmedMs };
    return true;
  }

  /** What is held: the last answer that was believed. */
  get pieces(): readonly P[] {
    return this.#held?.pieces ?? [];
  }

  start(): void {
    if (this.#state.name !== 'idle') return;
    if (this.#options.store.isPolled !== true) this.#scheduleCompare();
    this.#ask('listing');
  }

  /** Asks now. A loss that was not believed is believed now: an operator looked at it. */
  reload(): void {
    if (this.#state.name === 'idle') return;
    if (this.#shrink !== null) this.#isConfirmed = true;
    if (this.#state.name === 'listing' || this.#state.name === 'reloading') return;
    this.#leave();
    this.#ask('reloading');
  }

  /** Ends it; nothing is said afterwards. Idempotent. */
  close(): void {
    this.#leave();
    this.#state = { name: 'idle' };
    this.#endShrink();
    if (this.#compareTimer !== null) this.#options.timers.clear(this.#compareTimer);
    this.#compareTimer = null;
    this.#options.store.close();
  }

  status(): SourceStatus {
    const { store } = this.#options;
    const nowMs = this.#options.nowMs();
    const [shrink, recalled] = [this.#shrink, this.#recalled];
    const confirmedAtMs = this.#confirmedAtMs ?? recalled?.confirmedAtMs ?? this.#startedAtMs;
    return {
      name: store.name,
      kind: store.kind,
      state: this.#state.name,
      revision: this.#held?.revision ?? '',
      // Of those who ask alone: to hash a long listing takes longer than to compare it.
      hash: this.#held === null ? '' : hashOfPieces(this.#held.pieces),
      pieces: this.pieces.filter(({ mount }) => mount?.kind !== 'signature').length,
      staleMs: nowMs - confirmedAtMs,
      staleStart: recalled && { confirmedAt: recalled.confirmedAt, confirmedMs: nowMs - recalled.confirmedAtMs },
      changedAt: this.#changedAt,
      confirmedAt: this.#confirmedAt,
      failures: this.#failures,
      errors: this.#errors,
      lastError: this.#lastError,
      shrink: shrink === null ? null : { pieces: shrink.pieces, forMs: nowMs - shrink.sinceMs },
      shrinksRefused: this.#shrinksRefused,
      drifts: this.#drifts,
    };
  }

  // ── the states ──────────────────────────────────────────────────────────────────────────────────────────────────

  /** @param since after a word of a change; without it the source is asked for everything */
  #ask(name: 'listing' | 'reloading', since: Listing<P> | null = null): void {
    const state = { name, asked: new AbortController() };
    this.#state = state;
    const listed = Promise.try(() => this.#options.store.list(state.asked.signal, since));
    this.#settle(state, listed, (listing) => this.#take(listing));
  }

  /** Takes an answer that is awaited still. One that cannot be taken is a failure as well: the source is asked again. */
  #settle<T>(state: FollowState, answered: Promise<T>, take: (answer: T) => void): void {
    answered.then(
      (answer) => {
        if (this.#state !== state) return;
        try {
          take(answer);
        } catch (error) {
          if (this.#state !== state) throw error;
          this.#fail(error);
        }
      },
      (error: unknown) => {
        if (this.#state === state) this.#fail(error);
      },
    );
  }

  #watch(): void {
    const state = { name: 'watching', asked: new AbortController(), sinceMs: this.#options.nowMs() } as const;
    this.#state = state;
    const confirm = (): void => {
      if (this.#state === state) this.#confirm();
    };
    const watched = Promise.try(() => this.#options.store.watch(this.#revision, state.asked.signal, confirm));
    this.#settle(state, watched, (word) => this.#hear(word, state.sinceMs));
    const lasts = (): void => {
      if (this.#state === state) this.#recover();
    };
    if (this.#isUnwatchable) this.#options.timers.set(lasts, WATCH_LEAST_MS);
  }

  #hear(word: WatchWord<P>, sinceMs: number): void {
    const nowMs = this.#options.nowMs();
    if (word.kind !== 'same') this.#recover();
    if (word.kind === 'listing') {
      this.#changeAtMs ??= nowMs;
      this.#take(word.listing);
      return;
    }
    if (word.kind === 'same') this.#confirm();
    else this.#changeAtMs ??= nowMs;
    if (word.kind === 'same' && nowMs - sinceMs >= WATCH_LEAST_MS) {
      this.#watch();
      return;
    }
    const waitMs = this.#pace.next(nowMs);
    // In a storm, what is found now would be void before it is asked for.
    if (this.#listed !== null && waitMs === QUICK_MS) this.#options.store.lookAhead?.(this.#listed);
    const timer = this.#options.timers.set(() => this.#ask('reloading', this.#listed), waitMs);
    this.#state = { name: 'debounced', timer };
  }

  #take(listing: Listing<P>): void {
    const before = { held: this.#held, recalled: this.#recalled };
    rest();
    const event = this.#judge(listing);
    const isSilent = this.#isComparing;
    this.#isComparing = false;
    this.#revision = listing.revision;
    this.#listed = listing;
    this.#isConfirmed = false;
    this.#changeAtMs = null;
    this.#watch();
    if (event?.kind === 'changed' && isSilent) {
      this.#drifts += 1;
      this.#options.onEvent({ kind: 'drifted', revision: listing.revision });
    }
    // An answer that cannot be taken ends no failure.
    if (event !== null && !this.#tell(event, before)) return;
    if (before.recalled !== null && this.#recalled === null) this.#options.onEvent({ kind: 'fresh' });
    if (!this.#isUnwatchable) this.#recover();
    this.#answered();
  }

  #recover(): void {
    this.#isUnwatchable = false;
    if (this.#failures > 0) this.#options.onEvent({ kind: 'recovered', failures: this.#failures });
    this.#failures = 0;
    this.#lastError = '';
  }

  /** Whether it was taken. A change that nobody could take is not held: the source is asked for it again. */
  #tell(event: FollowEvent, before: Before<P>): boolean {
    try {
      this.#options.onEvent(event);
      return true;
    } catch (error) {
      if (this.#state.name === 'idle') throw error;
      [this.#held, this.#recalled] = [before.held, before.recalled];
      this.#leave();
      this.#fail(error);
      return false;
    }
  }

  #fail(error: unknown): void {
    const because = error instanceof Error ? error.message : String(error);
    const state = this.#state;
    if (state.name === 'watching') this.#isUnwatchable = this.#options.nowMs() - state.sinceMs < WATCH_LEAST_MS;
    this.#failures += 1;
    this.#errors += 1;
    this.#isComparing = false;
    // Whoever confirmed a loss had seen it; what comes after a failure he has not.
    this.#isConfirmed = false;
    const retryInMs = backoffMs(this.#failures, this.#options.draw());
    const timer = this.#options.timers.set(() => this.#ask('listing'), retryInMs);
    this.#state = { name: 'backing-off', timer };
    if (because !== this.#lastError) this.#options.onEvent({ kind: 'failed', because, retryInMs });
    this.#lastError = because;
  }

  /** Gives up what the state waits for. */
  #leave(): void {
    const state = this.#state;
    if ('timer' in state) this.#options.timers.clear(state.timer);
    this.#state = { name: 'idle' };
    if ('asked' in state) state.asked.abort();
  }

  // ── what is believed ────────────────────────────────────────────────────────────────────────────────────────────

  #judge({ pieces: listed, revision }: Listing<P>): FollowEvent | null {
    const before = this.#held;
    const pieces = withSame(before?.pieces ?? [], listed);
    if (before !== null && before.pieces === pieces) {
      this.#held = { ...before, revision };
      this.#endShrink();
      this.#confirm();
      return null;
    }
    const { isShrunk = isShrunkOfPieces } = this.#options;
    const changes = changesOf(before?.pieces ?? [], pieces);
    const mayBeLoss = before !== null && changes.removed.length > 0 && !this.#isConfirmed;
    if (mayBeLoss && isShrunk(before.pieces, pieces) && !this.#hasLasted()) {
      return this.#refuse(before.pieces.length, pieces.length);
    }
    this.#endShrink();
    this.#held = { pieces, revision };
    this.#changedAt = this.#options.wallTime();
    this.#confirm();
    return { kind: 'changed', changes, revision, atMs: this.#changeAtMs ?? this.#options.nowMs() };
  }

  #hasLasted(): boolean {
    const { shrinkConfirmMs } = this.#options.settings;
    if (shrinkConfirmMs <= 0) return true;
    return this.#shrink !== null && this.#options.nowMs() - this.#shrink.sinceMs >= shrinkConfirmMs;
  }

  #refuse(before: number, after: number): FollowEvent | null {
    if (this.#shrink !== null) {
      this.#shrink = { ...this.#shrink, pieces: after };
      return null;
    }
    const sinceMs = this.#options.nowMs();
    const timer = this.#options.timers.set(() => this.#askAgain(false), this.#options.settings.shrinkConfirmMs);
    this.#shrink = { pieces: after, sinceMs, timer };
    this.#shrinksRefused += 1;
    return { kind: 'shrunk', before, after };
  }

  #endShrink(): void {
    if (this.#shrink !== null) this.#options.timers.clear(this.#shrink.timer);
    this.#shrink = null;
  }

  #confirm(): void {
    // A source that says something else than what is held confirms nothing.
    if (this.#shrink !== null) return;
    this.#recalled = null;
    this.#confirmedAtMs = this.#options.nowMs();
    this.#confirmedAt = this.#options.wallTime();
  }

  // ── comparing ───────────────────────────────────────────────────────────────────────────────────────────────────

  #scheduleCompare(): void {
    const { timers, settings, draw } = this.#options;
    const compare = (): void => {
      this.#scheduleCompare();
      this.#askAgain(this.#shrink === null);
    };
    this.#compareTimer = timers.set(compare, spreadMs(settings.compareMs, draw()));
  }

  /** In any other state the source is about to be asked anyway. */
  #askAgain(isComparing: boolean): void {
    if (this.#state.name !== 'watching') return;
    this.#leave();
    this.#isComparing = isComparing;
    this.#ask('reloading');
  }
}
