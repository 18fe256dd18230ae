/**
 * A restart without a gap, on the old process's side: starts the successor and walks through the states of `machine.ts`.
 *
 * Whatever goes wrong before the successor serves, this process goes on as if nothing had been asked of it, and says why.
 * Time, processes and the gateway's own steps are handed in.
 */

import type { Log } from '../../lib/log.ts';
import {
  type FromSuccessor,
  HANDOVER_VERSION,
  type PassedTickets,
  type RestartAnswer,
  type RestartStatus,
} from '../../model/threads/handover.ts';
import type { Suspended } from '../durable.ts';
import {
  type HandoverEffect,
  type HandoverEvent,
  type HandoverLimits,
  type HandoverState,
  limitOf,
  NO_HANDOVER,
  turn,
} from './machine.ts';
import { partsOf } from './parts.ts';
import type { Sockets, Successor, SuccessorEvents } from './successor.ts';

export interface HandoverDeps {
  readonly log: Pick<Log, 'info' | 'warn' | 'error'>;
  readonly limits: HandoverLimits;
  nowMs(): number;
  /** Wall clock, ISO 8601. */
  wallTime(): string;
  /** @returns what cancels it. */
  setTimer(ms: number, due: () => void): () => void;
  startSuccessor(sockets: Sockets, events: SuccessorEvents): Successor;
  /** Stops deciding, writes everything and lets go of the state, for a successor with that directory. Never rejects. */
  save(stateDirectory: string | null): Promise<Suspended>;
  /** What sealed the sessions that clients have; null: none. */
  tickets(): PassedTickets | null;
  /** Decides again. Never rejects. */
  resume(): Promise<void>;
  /** The successor serves. */
  leave(): void;
}

/** One for the process. */
export class Handover {
  readonly #deps: HandoverDeps;
  #state: HandoverState = NO_HANDOVER;
  #successor: Successor | null = null;
  #stateDirectory: string | null = null;
  #saved: Suspended | null = null;
  #cancelTimer: () => void = () => undefined;
  #heldSinceMs: number | null = null;
  #failures = 0;
  #lastFailure: RestartStatus['lastFailure'] = null;
  #idle: (() => void)[] = [];

  constructor(deps: HandoverDeps) {
    this.#deps = deps;
  }

  /** Nothing is decided now: the state is on its way, or another process's. */
  get isHeld(): boolean {
    return this.#heldSinceMs !== null;
  }

  status(): RestartStatus {
    const { kind } = this.#state;
    return { state: STATE_NAMES[kind], failures: this.#failures, lastFailure: this.#lastFailure };
  }

  /** Starts a successor, unless one is on its way. */
  begin(sockets: Sockets, by: string): RestartAnswer {
    if (this.#state.kind !== 'idle') return { kind: 'refused', detail: 'A restart is under way' };
    const events: SuccessorEvents = {
      heard: (message) => this.#heard(message),
      exited: (because) => this.#take({ kind: 'exited', because }),
    };
    let successor: Successor;
    try {
      successor = this.#deps.startSuccessor(sockets, events);
    } catch (error) {
      const because = `it could not be started: ${error instanceof Error ? error.message : String(error)}`;
      this.#tell(because);
      return { kind: 'refused', detail: because };
    }
    this.#successor = successor;
    this.#deps.log.info('restart_begun', { by, successor: successor.pid });
    this.#take({ kind: 'begun', pid: successor.pid });
    // What went wrong is told in a moment.
    if (successor.pid === 0) return { kind: 'refused', detail: 'The program could not be started; the log says why' };
    return { kind: 'begun', pid: successor.pid, limitMs: limitOf(this.#deps.limits) };
  }

  /** A worker has died: clients would wait in the sockets that the successor has of it, until it serves. */
  crippled(because: string): void {
    this.#take({ kind: 'crippled', because });
  }

  /**
   * This process is to end: so is a restart that is under way, or where the successor may accept already, the successor, in
   * order. Resolves when this process decides again, or has left.
   */
  stop(because: string): Promise<void> {
    this.#take({ kind: 'stopped', because });
    if (this.#state.kind === 'idle' || this.#state.kind === 'left') return Promise.resolve();
    return new Promise((resolve) => {
      this.#idle.push(resolve);
    });
  }

  #heard(message: FromSuccessor): void {
    if (message.kind === 'prepared') this.#stateDirectory = message.stateDirectory;
    if (message.kind === 'unread') this.#contain(() => this.#giveAll());
    else this.#take(message);
  }

  #take(event: HandoverEvent): void {
    const { state, effects } = turn(this.#state, event, this.#deps.nowMs(), this.#deps.limits);
    if (state === this.#state) return;
    this.#state = state;
    this.#cancelTimer();
    if ('dueAtMs' in state) {
      const ms = Math.max(0, state.dueAtMs - this.#deps.nowMs());
      this.#cancelTimer = this.#deps.setTimer(ms, () => this.#take({ kind: 'due' }));
    }
    for (const effect of effects) this.#do(effect);
    if (state.kind === 'idle' || state.kind === 'left') for (const tell of this.#idle.splice(0)) tell();
  }

  #do(effect: HandoverEffect): void {
    switch (effect) {
      case 'save':
        void this.#save();
        break;
      case 'give':
        this.#contain(() => this.#give());
        break;
      case 'end':
        this.#successor?.send({ v: HANDOVER_VERSION, kind: 'end' });
        break;
      case 'kill':
        this.#successor?.kill();
        break;
      case 'resume':
        void this.#resume();
        break;
      case 'leave':
        this.#leave();
        break;
      case 'tell':
        this.#tell(this.#state.kind === 'idle' ? (this.#state.because ?? '') : '');
        break;
      default:
        effect satisfies never;
    }
  }

  async #save(): Promise<void> {
    this.#heldSinceMs = this.#deps.nowMs();
    try {
      this.#saved = await this.#deps.save(this.#stateDirectory);
    } catch (error) {
      this.#lost(error);
    }
    this.#take({ kind: 'saved' });
  }

  #contain(give: () => void): void {
    try {
      give();
    } catch (error) {
      this.#lost(error);
    }
  }

  #lost(error: unknown): void {
    this.#take({ kind: 'failed', because: `its state could not be handed over: ${String(error)}` });
  }

  #give(): void {
    const isInDirectory = this.#saved?.isInDirectory === true;
    if (!isInDirectory) this.#giveParts();
    const tickets = this.#deps.tickets();
    const take = { v: HANDOVER_VERSION, kind: 'take', isInDirectory, canGive: true } as const;
    this.#successor?.send(tickets === null ? take : { ...take, tickets });
  }

  /** To a successor that cannot read what was written for it: the file is damaged, its, or on a disk that fails. */
  #giveAll(): void {
    if (this.#state.kind !== 'taking') return;
    this.#deps.log.warn('state_given', { because: 'the successor does not find it in its directory' });
    this.#giveParts();
    this.#successor?.send({ v: HANDOVER_VERSION, kind: 'given' });
  }

  #giveParts(): void {
    if (this.#saved === null) return;
    for (const part of partsOf(this.#saved.passed())) {
      this.#successor?.send({ v: HANDOVER_VERSION, kind: 'part', part });
    }
  }

  async #resume(): Promise<void> {
    // Whatever of its state it does not get back, it decides again.
    await this.#deps.resume().catch((error: unknown) => this.#deps.log.error('resume_failed', { error }));
    this.#heldSinceMs = null;
    this.#take({ kind: 'resumed' });
  }

  #leave(): void {
    this.#deps.log.info('restarted', { successor: this.#successor?.pid, loopStoodStillMs: this.#heldMs() });
    this.#successor?.release();
    this.#deps.leave();
  }

  #tell(because: string): void {
    this.#saved = null;
    this.#successor = null;
    this.#failures += 1;
    this.#lastFailure = { at: this.#deps.wallTime(), because };
    this.#deps.log.error('restart_failed', { because, now: 'this process serves on' });
  }

  #heldMs(): number {
    return this.#heldSinceMs === null ? 0 : Math.round(this.#deps.nowMs() - this.#heldSinceMs);
  }
}

const STATE_NAMES = {
  idle: 'none',
  preparing: 'preparing',
  saving: 'taking',
  taking: 'taking',
  ending: 'failing',
  resuming: 'failing',
  left: 'left',
} as const satisfies Record<HandoverState['kind'], RestartStatus['state']>;
