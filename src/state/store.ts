/**
 * Durable state as the control plane has it: saving returns at once, a thread of its own writes.
 *
 * ```
 * append                   ─▶ pending ─▶ one batch at a time ─▶ thread ─▶ sluice.db     at once
 * saveBudgets, saveRollouts, keep ─▶ pending ─▶ …                                        every FLUSH_MS
 * ```
 * While the file cannot be written everything goes on in memory, said once and loudly; a try every RETRY_MS brings it
 * back. Without a directory nothing is written at all.
 *
 * ```
 * opening ── opened in time ─▶ durable ◀──────────────────────── written ─────────────────────┐
 *    │                           └── failed, or no answer ─▶ unavailable ── a try, the answer ──┘
 *    └── too late, or closed ─▶ unread ── opened: `late` takes over what it held, then all is written ─▶ durable
 * ```
 * What a file held is handed out before anything is written to it, however late it opens.
 */

import { Worker } from 'node:worker_threads';
import type { Log } from '../lib/log.ts';
import type { SavedRollout } from '../model/rollout.ts';
import type { LoggedDecision } from '../model/slo.ts';
import type {
  FromState,
  LoadedState,
  MovedAside,
  Recorded,
  SavedBudget,
  Segment,
  StateBatch,
  StateHealth,
  StateSetup,
  StateStatus,
  ToState,
  Unwritten,
} from '../model/threads/state.ts';
import { Pending } from './pending.ts';
import { within } from './within.ts';

/** A crash loses at most this and the time of one write: together less than a second. */
export const FLUSH_MS = 800;
export const RETRY_MS = 5000;
/** A disk that hangs must not keep the gateway from starting, or from ending. */
export const OPEN_MS = 10_000;
/** Longest time for a write; a disk that hangs is one that cannot be written. */
export const WRITE_MS = 10_000;
const CLOSE_MS = 2000;
/** Beside this file, as source or as built. */
const THREAD_FILE = new URL(import.meta.url.endsWith('.ts') ? './thread.ts' : './thread.js', import.meta.url);

const NOTHING: LoadedState = { budgets: new Map(), rollouts: [], decisions: [] };

export interface StateOptions {
  readonly log: Pick<Log, 'info' | 'warn' | 'error'>;
  /** Asked for what changed before each flush; does not throw. */
  readonly collect?: () => void;
  /**
   * Told what the file held when that is known only after `open` was over, to save all budgets and rollouts anew. `isOwn`:
   * the file is this process's from now on, and nothing was written to it yet; else it could only be read, and what it will
   * hold is told once more.
   */
  readonly late?: (loaded: LoadedState, isOwn: boolean) => void;
  /** The file is another one, or may be: to save all budgets and rollouts anew, as what was written before may be in none. Does not throw. */
  readonly renewed?: () => void;
  /** Wall clock, ISO 8601. */
  readonly wallTime: () => string;
  /** For tests; default RETRY_MS. */
  readonly retryMs?: number;
  /** For tests; default OPEN_MS. */
  readonly openMs?: number;
  /** For tests; default WRITE_MS. */
  readonly writeMs?: number;
}

/** One for the process; keeps nothing before it is opened. */
export class StateStore {
  readonly #options: StateOptions;
  readonly #pending = new Pending();
  #loaded: LoadedState = NOTHING;
  #health: StateHealth = { kind: 'memory' };
  /** `open` is over: what comes now is late. */
  #isStarted = false;
  /** What the file held was handed out, so that it may be written to. */
  #isRead = false;
  /** The thread has not answered yet whether it could open the file. */
  #isOpening = false;
  #flushedAt: string | null = null;
  #fileBytes: number | null = null;
  #thread: Worker | null = null;
  /** What the thread has and has not answered for. */
  #underWay: StateBatch | null = null;
  /** Turns since it was sent. */
  #turnsUnderWay = 0;
  #flushing: NodeJS.Timeout | null = null;
  #retry: NodeJS.Timeout | null = null;
  #isClosed = false;
  #opened: () => void = () => undefined;
  #idle: () => void = () => undefined;

  constructor(options: StateOptions) {
    this.#options = options;
  }

  get health(): StateHealth {
    return this.#health;
  }

  /** How it stands, with the numbers. */
  get status(): StateStatus {
    const health = this.#health;
    const underWay = this.#underWay;
    return {
      kind: health.kind,
      directory: health.kind === 'memory' ? null : health.directory,
      because: health.kind === 'unavailable' ? health.because : '',
      flushedAt: this.#flushedAt,
      rowsPending: this.#pending.rows + (underWay === null ? 0 : rowsOf(underWay)),
      fileBytes: this.#fileBytes,
      decisionsLost: this.#pending.lost,
    };
  }

  /** Whether everything that was to be kept is in the file. */
  get isWritten(): boolean {
    return this.#health.kind === 'durable' && this.#underWay === null && this.#pending.isEmpty;
  }

  /**
   * Opens the state and reads what is there. Never rejects: what cannot be opened is told and tried again.
   * @param directory null: everything is in memory
   */
  async open(directory: string | null): Promise<void> {
    if (directory === null) {
      this.#options.log.info('state_in_memory', { because: 'no state.directory is configured; a restart forgets' });
      return;
    }
    this.#health = { kind: 'durable', directory };
    const opened = new Promise<void>((resolve) => {
      this.#opened = resolve;
    });
    this.#start(directory);
    const { openMs = OPEN_MS } = this.#options;
    if (!(await within(openMs, opened))) this.#fail(`it did not open within ${openMs} ms`);
    this.#isStarted = true;
    this.#flushing = setInterval(() => this.#turn(), FLUSH_MS).unref();
  }

  /** What the start found: budgets by their keys, rollouts, and the newest 1,000 decisions, oldest first. */
  get loaded(): LoadedState {
    return this.#loaded;
  }

  /** Replaces the budgets of these keys at the next flush. The bytes are handed over: do not use them afterwards. */
  saveBudgets(budgets: ReadonlyMap<string, SavedBudget>): void {
    if (!this.#keeps) return;
    for (const [key, budget] of budgets) this.#pending.addBudget(key, budget);
  }

  /** Replaces what is known of these routes' rollouts at the next flush. */
  saveRollouts(rollouts: readonly SavedRollout[]): void {
    if (!this.#keeps) return;
    for (const rollout of rollouts) this.#pending.addRollout(rollout);
  }

  /** Segments of tapes that had to be given up since the start. */
  get segmentsLost(): number {
    return this.#pending.segmentsLost;
  }

  /** Keeps a segment of a tape; written at the next flush, or with the decision that comes after it. */
  keep(segment: Segment): void {
    if (this.#keeps) this.#pending.addSegment(segment);
  }

  /** Adds a decision to the log at once, and in the same transaction where it left the route's rollout. */
  append(decision: LoggedDecision, rollout: SavedRollout | null): void {
    if (!this.#keeps) return;
    this.#pending.addDecision(decision);
    if (rollout !== null) this.#pending.addRollout(rollout);
    this.#flush();
  }

  /** Writes what another store or process could not, before anything that came since. */
  takeUp({ decisions, segments, segmentsLost }: Unwritten): void {
    if (!this.#keeps) return;
    this.#pending.putBack({ budgets: new Map(), rollouts: new Map(), decisions, segments, segmentsLost });
    this.#flush();
  }

  /** What `close` left unwritten, or for all that is known did: it is another's to write from now on. */
  leave(): Unwritten {
    this.#giveBack(new Map());
    const { decisions, segments, segmentsLost } = this.#pending.take();
    return { decisions, segments, segmentsLost };
  }

  /** Writes what waits, within two seconds, and lets go. Idempotent. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#flushing !== null) clearInterval(this.#flushing);
    if (this.#retry !== null) clearTimeout(this.#retry);
    this.#options.collect?.();
    if (this.#health.kind === 'durable') await within(CLOSE_MS, this.#drained());
    if (!this.#pending.isEmpty || this.#underWay !== null)
      this.#options.log.error('state_unsaved', { because: 'it could not be written in time' });
    this.#thread?.postMessage({ kind: 'close' } satisfies ToState);
    const ended = new Promise<void>((resolve) => this.#thread?.once('exit', () => resolve()) ?? resolve());
    if (this.#thread === null || (await within(CLOSE_MS, ended))) return;
    // It ends no sooner than the call of the system that it is in.
    const ending = this.#thread.terminate().then(() => undefined);
    if (!(await within(CLOSE_MS, ending))) this.#options.log.error('state_hangs', { directory: this.status.directory });
  }

  get #keeps(): boolean {
    return this.#health.kind !== 'memory';
  }

  #turn(): void {
    this.#options.collect?.();
    this.#look();
    this.#flush();
  }

  /** Counts turns: after a stand-still this one may come before an answer that is here already (`within.ts`). */
  #look(): void {
    const { writeMs = WRITE_MS } = this.#options;
    if (this.#underWay === null) return;
    this.#turnsUnderWay += 1;
    if (this.#turnsUnderWay * FLUSH_MS <= writeMs) return;
    this.#fail(`it has not answered for a write within ${writeMs} ms`);
  }

  /** Hands everything that waits to the thread, unless it has not answered for the last batch. */
  #flush(): void {
    if (this.#health.kind === 'durable') this.#send();
  }

  #send(): void {
    if (this.#underWay !== null || this.#thread === null || !this.#isRead || this.#pending.isEmpty) return;
    const batch = this.#pending.take();
    this.#underWay = batch;
    this.#turnsUnderWay = 0;
    const buffers = new Set([...batch.budgets.values()].map(({ bytes }) => bytes.buffer as ArrayBuffer));
    this.#thread.postMessage({ kind: 'write', batch } satisfies ToState, [...buffers]);
  }

  async #drained(): Promise<void> {
    while (this.#health.kind === 'durable' && (this.#underWay !== null || !this.#pending.isEmpty)) {
      const idle = new Promise<void>((resolve) => {
        this.#idle = resolve;
      });
      this.#send();
      await idle;
    }
  }

  // ── the thread ──────────────────────────────────────────────────────────────────────────────────────────────────

  #start(directory: string): void {
    let thread: Worker;
    try {
      thread = new Worker(THREAD_FILE, { workerData: { directory } satisfies StateSetup, name: 'sluice-state' });
    } catch (error) {
      // The system may have no thread to give now.
      this.#fail(String(error));
      this.#opened();
      return;
    }
    thread.unref();
    this.#isOpening = true;
    this.#thread = thread;
    thread.on('message', (message: FromState) => this.#take(message));
    thread.on('error', (error) => this.#die(thread, String(error)));
    thread.on('exit', (code) => this.#die(thread, `its thread ended with code ${code}`));
  }

  #die(thread: Worker, because: string): void {
    if (this.#thread !== thread || this.#isClosed) return;
    this.#thread = null;
    if (this.#underWay !== null) this.#giveBack(new Map());
    this.#fail(because);
  }

  #take(message: FromState): void {
    switch (message.kind) {
      case 'opened':
        this.#isOpening = false;
        this.#fileBytes = message.fileBytes;
        this.#tellAside(message.aside);
        this.#handOut(message.loaded);
        this.#recover();
        break;
      case 'closed':
        this.#isOpening = false;
        if (message.loaded !== null) this.#tell(message.loaded, false);
        this.#fail(message.because);
        break;
      case 'written':
        this.#underWay = null;
        this.#fileBytes = message.fileBytes;
        if (this.#pending.isEmpty) this.#flushedAt = this.#options.wallTime();
        this.#tellAside(message.aside);
        this.#tellRecorded(message.recorded);
        this.#recover(message.aside !== null);
        break;
      case 'failed':
        this.#giveBack(message.budgets);
        this.#fail(message.because);
        break;
      default:
        message satisfies never;
    }
    this.#opened();
    this.#idle();
  }

  /** Once: a thread that had to be started again finds what this process wrote. */
  #handOut(loaded: LoadedState): void {
    if (this.#isRead) return;
    this.#isRead = true;
    this.#tell(loaded, true);
  }

  #tell(loaded: LoadedState, isOwn: boolean): void {
    if (!this.#isStarted) {
      this.#loaded = loaded;
      return;
    }
    this.#pending.keepDecisions();
    this.#options.late?.(loaded, isOwn);
  }

  #giveBack(budgets: StateBatch['budgets']): void {
    if (this.#underWay !== null) this.#pending.putBack({ ...this.#underWay, budgets });
    this.#underWay = null;
  }

  #recover(isAnother = false): void {
    const wasAway = this.#health.kind === 'unavailable';
    if (this.#health.kind === 'unavailable') {
      const { directory } = this.#health;
      this.#health = { kind: 'durable', directory };
      const { lost, segmentsLost } = this.#pending;
      this.#options.log.warn('state_recovered', { directory, lost, segmentsLost });
    }
    if (wasAway || isAnother) this.#options.renewed?.();
    this.#flushAgain();
  }

  /** Decisions do not wait for the next turn; budgets and rollouts alone do. */
  #flushAgain(): void {
    if (this.#pending.isUrgent) this.#flush();
  }

  #fail(because: string): void {
    const { log, retryMs } = this.#options;
    if (this.#health.kind === 'memory' || this.#isClosed) return;
    const { directory } = this.#health;
    if (this.#health.kind !== 'unavailable') {
      log.error('state_unavailable', { directory, because, meanwhile: 'everything is kept in memory only' });
    }
    this.#health = { kind: 'unavailable', directory, because };
    this.#retry ??= setTimeout(() => this.#tryAgain(directory), retryMs ?? RETRY_MS).unref();
  }

  #tryAgain(directory: string): void {
    this.#retry = null;
    if (this.#thread === null) {
      this.#start(directory);
      return;
    }
    if (this.#isOpening) return;
    if (!this.#isRead) {
      this.#isOpening = true;
      this.#thread.postMessage({ kind: 'open' } satisfies ToState);
      return;
    }
    // An empty batch tells as well whether the file can be written.
    if (this.#underWay !== null) return;
    this.#underWay = this.#pending.take();
    this.#turnsUnderWay = 0;
    this.#thread.postMessage({ kind: 'write', batch: this.#underWay } satisfies ToState);
  }

  #tellAside(aside: MovedAside | null): void {
    if (aside === null) return;
    this.#options.log.error('state_damaged', { ...aside, now: 'a new state has begun; budgets and log start empty' });
  }

  #tellRecorded(recorded: readonly Recorded[]): void {
    for (const { seq, id, hash } of recorded) this.#options.log.info('decision_recorded', { seq, id, hash });
  }
}

function rowsOf({ budgets, rollouts, decisions }: StateBatch): number {
  return budgets.size + rollouts.size + decisions.length;
}
