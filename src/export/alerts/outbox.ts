/**
 * What one channel is still to be told: gathered, in order, tried again, given up at last.
 *
 * ```
 * add ─▸ a message of its group that waits: joined (the newest word of an alert counts)
 *     └▸ a new message ─ groupMs ─▸ due ─▸ its turn in the minute ─▸ under way ─┬─ sent ─▸ gone
 *                          ▲                                                    │
 *                          ├── unavailable, limited: the whole channel pauses ◀─┤
 *                          └── refused: this message alone waits             ◀──┘
 * dead ◀── refused REFUSALS_MAX times, or KEEP_MS old;   QUEUE_MAX messages: the oldest is dropped
 * ```
 * A pause doubles from PAUSE_MS to PAUSE_MAX_MS, and is drawn between half and all of that; `limited` says how long itself.
 * Waits are on the monotonic clock; what is saved is how long they still are. Clock and chance are handed in.
 */

import type { Alert, ChannelStatus, DeadLetter, Message, Outcome } from '../../model/threads/load/alerts.ts';
import { titleOf } from './text.ts';

export const QUEUE_MAX = 200;
export const DEAD_MAX = 50;
/** Alerts that one message tells; the others are counted. */
export const ALERTS_MAX = 50;
export const REFUSALS_MAX = 3;
/** Alerts of which it is remembered that this process has told them: more than go on at a time (tracker.ts). */
export const TOLD_MAX = 2000;
export const KEEP_MS = 86_400_000;
export const PAUSE_MS = 1000;
export const PAUSE_MAX_MS = 300_000;
/** Longest pause that a channel may ask for. */
export const LIMITED_MAX_MS = 3_600_000;
const MINUTE_MS = 60_000;

/** Both clocks: the monotonic one for waits, the wall clock for people. */
export interface Instant {
  readonly nowMs: number;
  readonly wallMs: number;
}

export interface OutboxOptions {
  readonly perMinute: number;
  readonly groupMs: number;
  /** Every alert is a message of its own. */
  readonly isSingle: boolean;
  /** An alert for which a message has no room goes into another one; else it is only counted. */
  readonly isComplete: boolean;
  /** Uniform in [0, 1). */
  readonly draw: () => number;
}

interface Entry {
  message: Message;
  queuedMs: number;
  dueMs: number;
  refusals: number;
}

interface Dead {
  readonly message: Message;
  readonly because: string;
  readonly diedAtMs: number;
}

/** Plain data. */
export interface SavedOutbox {
  readonly nextId: number;
  readonly entries: readonly {
    readonly message: Message;
    /** How long it has waited, and is to wait still. */
    readonly forMs: number;
    readonly inMs: number;
    readonly refusals: number;
  }[];
  readonly dead: readonly Dead[];
}

export class Outbox {
  #options: OutboxOptions;
  #entries: Entry[] = [];
  #dead: Dead[] = [];
  #nextId = 1;
  #underWay: Entry | null = null;
  /** Tries in a row that nobody took or refused, and until when nothing is tried for it. */
  #failures = 0;
  #pausedUntilMs = 0;
  /** When requests of the last minute began. */
  #begun: number[] = [];
  #lastError = '';
  #sentAtMs: number | null = null;
  readonly #counts = { sent: 0, failed: 0, dropped: 0, dead: 0, merged: 0 };
  #isChanged = false;
  /** Messages of earlier processes that came back, by number and time: as many as a state holds. */
  readonly #recalled = new Set<string>();
  /** Of alerts that a channel was told: the time of the message, the latest told last. A state that opens late may hold older word. */
  readonly #told = new Map<string, number>();

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  /** Takes other settings; what waits stays. */
  set options(options: OutboxOptions) {
    this.#options = options;
  }

  /** Messages that wait, the one that is under way included. */
  get queued(): number {
    return this.#entries.length + (this.#underWay === null ? 0 : 1);
  }

  /** Whether something of an alert is still to be told. */
  awaits(fingerprint: string): boolean {
    const entries = this.#underWay === null ? this.#entries : [this.#underWay, ...this.#entries];
    return entries.some(({ message }) => message.alerts.some((alert) => alert.fingerprint === fingerprint));
  }

  /** Tells an alert: with others of its group, after a while. */
  add(alert: Alert, now: Instant): void {
    this.#isChanged = true;
    const group = this.#options.isSingle ? alert.fingerprint : `${alert.kind} ${alert.severity}`;
    const waiting = this.#waitingFor(group, alert.fingerprint);
    if (waiting === undefined) {
      this.#push({ group, alerts: [alert], more: 0, note: null }, now, this.#options.groupMs);
      return;
    }
    this.#counts.merged += 1;
    waiting.message = joined(waiting.message, alert);
  }

  /** The message that an alert joins: the last that has a word of it, else one with room; undefined: none. */
  #waitingFor(group: string, fingerprint: string): Entry | undefined {
    const entries = this.#entries.filter(({ message }) => message.group === group && message.note === null);
    const known = entries.findLast(({ message }) => message.alerts.some((one) => one.fingerprint === fingerprint));
    const roomy = known ?? entries.find(({ message }) => message.alerts.length < ALERTS_MAX);
    return roomy ?? (this.#options.isComplete ? undefined : entries[0]);
  }

  /** Tells text, by itself and at once. */
  note(note: NonNullable<Message['note']>, now: Instant): void {
    this.#isChanged = true;
    this.#push({ group: 'note', alerts: [], more: 0, note }, now, 0);
  }

  /** What is to be sent now; null: nothing yet. It is under way until `settle`. */
  next(nowMs: number): Message | null {
    if (this.#underWay !== null || nowMs < this.#pausedUntilMs) return null;
    this.#begun = this.#begun.filter((atMs) => atMs > nowMs - MINUTE_MS);
    if (this.#begun.length >= this.#options.perMinute) return null;
    const index = this.#entries.findIndex(({ dueMs }) => dueMs <= nowMs);
    if (index === -1) return null;
    [this.#underWay = null] = this.#entries.splice(index, 1);
    this.#begun.push(nowMs);
    return this.#underWay?.message ?? null;
  }

  /** What came of it. */
  settle(outcome: Outcome, now: Instant): void {
    const entry = this.#underWay;
    if (entry === null) return;
    this.#underWay = null;
    this.#isChanged = true;
    if (outcome.kind === 'sent') {
      this.#counts.sent += 1;
      this.#dead = withoutNewsOf(this.#dead, [entry]);
      this.#remember(entry.message);
      this.#sentAtMs = now.wallMs;
      this.#lastError = '';
      this.#failures = 0;
      return;
    }
    this.#counts.failed += 1;
    this.#lastError = outcome.because;
    if (outcome.kind === 'refused') {
      // It answers: only this message is in question.
      entry.refusals += 1;
      this.#failures = 0;
    } else this.#failures += 1;
    if (entry.refusals >= REFUSALS_MAX || now.nowMs - entry.queuedMs >= KEEP_MS)
      this.#bury(entry, outcome.because, now);
    else this.#again(entry, outcome, now.nowMs);
  }

  /** Puts back what is under way, as if it had not been tried: there is nothing to try it with. */
  postpone(because: string, nowMs: number): void {
    const entry = this.#underWay;
    if (entry === null) return;
    this.#underWay = null;
    this.#lastError = because;
    this.#pausedUntilMs = nowMs + PAUSE_MS;
    this.#putBack(entry);
  }

  /** Tries dead letters again. @returns how many */
  retry(now: Instant): number {
    const letters = this.#dead;
    this.#dead = [];
    for (const { message } of letters) {
      const news = this.#newsOf(message);
      if (news !== null) this.#entries.push({ message: news, queuedMs: now.nowMs, dueMs: now.nowMs, refusals: 0 });
    }
    this.#bound();
    this.#pausedUntilMs = now.nowMs;
    this.#isChanged ||= letters.length > 0;
    return letters.length;
  }

  /** @param isUsable there is a URL, and a key where it needs one */
  status(isUsable: boolean, now: Instant): Omit<ChannelStatus, 'name' | 'type'> {
    const entries = this.#underWay === null ? this.#entries : [this.#underWay, ...this.#entries];
    const oldestMs = Math.min(...entries.map(({ message }) => message.atMs));
    const dueMs = Math.max(this.#pausedUntilMs, Math.min(...this.#entries.map((entry) => entry.dueMs)));
    const isRetrying = this.#failures > 0 || entries.some(({ refusals }) => refusals > 0);
    const waiting = isRetrying ? 'retrying' : 'waiting';
    return {
      state: isUsable ? (entries.length === 0 ? 'idle' : waiting) : 'unusable',
      queued: entries.length,
      oldestAt: entries.length === 0 ? '' : new Date(oldestMs).toISOString(),
      nextTryMs: this.#entries.length === 0 ? 0 : Math.max(0, Math.round(dueMs - now.nowMs)),
      counts: { ...this.#counts },
      sentAt: this.#sentAtMs === null ? '' : new Date(this.#sentAtMs).toISOString(),
      lastError: this.#lastError,
      deadLetters: this.#dead.map(letterOf),
    };
  }

  /** Whether something is to be saved since the last time that it was asked. */
  takeChanged(): boolean {
    const isChanged = this.#isChanged;
    this.#isChanged = false;
    return isChanged;
  }

  /** For the state store: what is under way is among it, because nobody knows yet whether it arrived. */
  save(nowMs: number): SavedOutbox {
    const entries = this.#underWay === null ? this.#entries : [this.#underWay, ...this.#entries];
    return {
      nextId: this.#nextId,
      entries: entries.map(({ message, queuedMs, dueMs, refusals }) => {
        return { message, forMs: nowMs - queuedMs, inMs: Math.max(0, dueMs - nowMs), refusals };
      }),
      dead: this.#dead,
    };
  }

  /** Goes on where an earlier process stopped, `awayMs` ago: its messages come first, unless they are too old by now. */
  recall({ nextId, entries, dead }: SavedOutbox, awayMs: number, { nowMs, wallMs }: Instant): void {
    const letters = dead.flatMap((letter) => {
      const message = this.#isNew(letter.message) ? this.#untold(letter.message) : null;
      return message === null ? [] : { ...letter, message };
    });
    this.#dead = [...withoutNewsOf(letters, this.#dead), ...this.#dead].slice(-DEAD_MAX);
    const fresh: Entry[] = [];
    for (const { message: saved, forMs, inMs, refusals } of entries) {
      const message = this.#isNew(saved) ? this.#untold(saved) : null;
      if (message === null) continue;
      const entry = { message, queuedMs: nowMs - forMs - awayMs, dueMs: nowMs + inMs - awayMs, refusals };
      if (forMs + awayMs < KEEP_MS) fresh.push(entry);
      else this.#bury(entry, 'it was too old when this process began', { nowMs, wallMs });
    }
    this.#entries = [...fresh, ...this.#entries];
    this.#nextId = Math.max(this.#nextId, nextId);
    this.#bound();
  }

  /** A state that opens late is read more than once, and holds the same then. */
  #isNew({ id, atMs }: Message): boolean {
    const key = `${id} ${atMs}`;
    const isNew = !this.#recalled.has(key);
    this.#recalled.add(key);
    return isNew;
  }

  #remember({ alerts, atMs }: Message): void {
    for (const { fingerprint } of alerts) {
      this.#told.delete(fingerprint);
      this.#told.set(fingerprint, atMs);
    }
    for (const fingerprint of this.#told.keys()) {
      if (this.#told.size <= TOLD_MAX) break;
      this.#told.delete(fingerprint);
    }
  }

  /** A message without alerts of which newer word was told: it would begin again what has ended; null: nothing is left. */
  #untold(message: Message): Message | null {
    return this.#reduced(
      message,
      (fingerprint) => (this.#told.get(fingerprint) ?? Number.NEGATIVE_INFINITY) >= message.atMs,
    );
  }

  #push(message: Omit<Message, 'id' | 'atMs'>, { nowMs, wallMs }: Instant, waitMs: number): void {
    const id = this.#nextId++;
    const entry = { message: { id, ...message, atMs: wallMs }, queuedMs: nowMs, dueMs: nowMs + waitMs, refusals: 0 };
    this.#entries.push(entry);
    this.#bound();
  }

  #bound(): void {
    const surplus = Math.max(0, this.#entries.length - QUEUE_MAX);
    this.#entries.splice(0, surplus);
    this.#counts.dropped += surplus;
  }

  #again(entry: Entry, outcome: Outcome & { readonly because: string }, nowMs: number): void {
    const tries = outcome.kind === 'refused' ? entry.refusals : this.#failures;
    const fullMs = Math.min(PAUSE_MAX_MS, PAUSE_MS * 2 ** Math.min(30, tries - 1));
    const pauseMs = fullMs * (0.5 + this.#options.draw() / 2);
    const askedMs = outcome.kind === 'limited' ? Math.min(LIMITED_MAX_MS, outcome.retryMs) : 0;
    const untilMs = nowMs + Math.max(pauseMs, askedMs);
    if (outcome.kind === 'refused') entry.dueMs = untilMs;
    else this.#pausedUntilMs = untilMs;
    this.#putBack(entry);
    this.#bound();
  }

  #putBack(entry: Entry): void {
    const news = this.#newsOf(entry.message);
    if (news !== null) this.#entries.unshift({ ...entry, message: news });
  }

  /** A message without alerts of which newer word waits, which would come before it else; null: nothing is left. */
  #newsOf(message: Message): Message | null {
    return this.#reduced(message, (fingerprint) => this.awaits(fingerprint));
  }

  #reduced(message: Message, isOutdated: (fingerprint: string) => boolean): Message | null {
    if (message.note !== null) return message;
    const alerts = message.alerts.filter(({ fingerprint }) => !isOutdated(fingerprint));
    this.#counts.merged += message.alerts.length - alerts.length;
    return alerts.length === 0 ? null : { ...message, alerts };
  }

  #bury({ message }: Entry, because: string, { wallMs }: Instant): void {
    this.#counts.dead += 1;
    const letter = { message, because, diedAtMs: wallMs };
    this.#dead = [...withoutNewsOf(this.#dead, [letter]), letter];
    this.#counts.dropped += Math.max(0, this.#dead.length - DEAD_MAX);
    this.#dead = this.#dead.slice(-DEAD_MAX);
  }
}

/** The newest word of each alert, in the order in which they came. */
function joined(message: Message, alert: Alert): Message {
  const others = message.alerts.filter(({ fingerprint }) => fingerprint !== alert.fingerprint);
  if (others.length >= ALERTS_MAX) return { ...message, more: message.more + 1 };
  return { ...message, alerts: [...others, alert] };
}

/** Dead letters without alerts of which there is newer word: tried again they would begin what has ended, and nobody would end it. */
function withoutNewsOf(letters: readonly Dead[], newer: readonly { readonly message: Message }[]): Dead[] {
  const told = new Set(newer.flatMap(({ message }) => message.alerts.map(({ fingerprint }) => fingerprint)));
  return letters.flatMap((letter) => {
    const { message } = letter;
    const alerts = message.alerts.filter(({ fingerprint }) => !told.has(fingerprint));
    if (alerts.length === message.alerts.length) return letter;
    return alerts.length === 0 ? [] : { ...letter, message: { ...message, alerts } };
  });
}

function letterOf({ message, because, diedAtMs }: Dead): DeadLetter {
  const at = new Date(message.atMs).toISOString();
  return { id: message.id, title: titleOf(message), because, at, diedAt: new Date(diedAtMs).toISOString() };
}
