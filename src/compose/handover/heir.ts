/**
 * The successor's side of a hand-over: finds what was passed, says how far it is, takes the state when it is given.
 *
 * Before it has the state the successor ends when the old process is gone: then nobody asked. Once it has it, it goes on in
 * any case: then there is nobody else.
 */

import { SluiceError } from '../../model/problem.ts';
import {
  type FromSuccessor,
  type Given,
  HANDOVER_VARIABLE,
  HANDOVER_VERSION,
  type Passed,
  type PassedSockets,
  type StatePart,
  type ToSuccessor,
} from '../../model/threads/handover.ts';
import type { PassedState } from '../../model/threads/state.ts';
import { joined } from './parts.ts';

/** The process, as far as it is needed. */
export interface Channel {
  readonly ppid: number;
  readonly connected?: boolean;
  send?(message: FromSuccessor, sent: () => void): unknown;
  disconnect?(): void;
  on(event: 'message' | 'disconnect', listener: (message: unknown) => void): unknown;
  off(event: 'message' | 'disconnect', listener: (message: unknown) => void): unknown;
}

/**
 * What a gateway that hands over has passed to this process; null when none has.
 * @throws SluiceError SLU_RESTART_FAILED when it speaks another version of the hand-over
 */
export function passedTo(env: Readonly<Record<string, string | undefined>>, channel: Channel): Passed | null {
  const text = env[HANDOVER_VARIABLE];
  if (text === undefined || channel.connected !== true) return null;
  let passed: Partial<Passed> | null;
  try {
    passed = JSON.parse(text) as Partial<Passed> | null;
  } catch (error) {
    throw new SluiceError('SLU_RESTART_FAILED', `${HANDOVER_VARIABLE} is no JSON`, { cause: error });
  }
  if (passed?.v !== HANDOVER_VERSION) {
    const message = `the running gateway speaks version ${String(passed?.v)} of the hand-over, this one ${HANDOVER_VERSION}`;
    throw new SluiceError('SLU_RESTART_FAILED', message);
  }
  return passed.parent === channel.ppid ? (passed as Passed) : null;
}

/** What an heir has its process do. */
export interface HeirEvents {
  /** Ends it at once: the old process has gone before it was asked for its state, and its sockets are held in vain. */
  orphaned(): void;
  /** Drains it once it serves: the old process was told to end when it could not call this one off any more. */
  ended(): void;
}

/** A gateway that is to take over from another one. */
export class Heir {
  readonly predecessor: number;
  readonly proxy: PassedSockets;
  readonly admin: PassedSockets;
  readonly #channel: Channel;
  readonly #events: HeirEvents;
  readonly #orphaned = (): void => this.#events.orphaned();
  readonly #parts: StatePart[] = [];
  #taken: (given: Given) => void = () => undefined;
  #answered: (state: PassedState) => void = () => undefined;

  constructor(passed: Passed, channel: Channel, events: HeirEvents) {
    this.predecessor = passed.parent;
    this.proxy = passed.proxy;
    this.admin = passed.admin;
    this.#channel = channel;
    this.#events = events;
    channel.on('disconnect', this.#orphaned);
  }

  /**
   * Says that this process could serve, and waits until the state is its own.
   * @throws SluiceError SLU_RESTART_FAILED when the old process has gone before
   */
  prepared(stateDirectory: string | null): Promise<Given> {
    const { promise, resolve, reject } = Promise.withResolvers<Given>();
    this.#taken = resolve;
    const gone = (): void => {
      reject(new SluiceError('SLU_RESTART_FAILED', 'the gateway that handed over has gone before it did'));
    };
    this.#channel.on('message', this.#heard);
    this.#channel.off('disconnect', this.#orphaned);
    void this.#say({ v: HANDOVER_VERSION, kind: 'prepared', stateDirectory });
    return this.#whileThere(promise, gone);
  }

  readonly #heard = (message: unknown): void => {
    const said = message as ToSuccessor;
    if (said.kind === 'part') this.#parts.push(said.part);
    else if (said.kind === 'given') this.#answered(this.#state());
    else if (said.kind === 'end') this.#events.ended();
    else if (said.kind === 'take') {
      const state = said.isInDirectory ? null : this.#state();
      const ask = said.canGive === true ? () => this.#ask() : () => Promise.resolve(null);
      this.#taken({ state, ask, tickets: said.tickets ?? null });
    }
  };

  #state(): PassedState {
    return joined(this.#parts.splice(0));
  }

  #ask(): Promise<PassedState | null> {
    const { promise, resolve } = Promise.withResolvers<PassedState | null>();
    this.#answered = resolve;
    void this.#say({ v: HANDOVER_VERSION, kind: 'unread' });
    return this.#whileThere(promise, () => resolve(null));
  }

  /** @param gone called when the old process is gone before the promise is fulfilled */
  #whileThere<T>(promise: Promise<T>, gone: () => void): Promise<T> {
    this.#channel.on('disconnect', gone);
    if (this.#channel.connected !== true) gone();
    return promise.finally(() => this.#channel.off('disconnect', gone));
  }

  /** Says that this process serves; it is on its own from then on. */
  async serving(): Promise<void> {
    this.#channel.off('disconnect', this.#orphaned);
    await this.#say({ v: HANDOVER_VERSION, kind: 'serving' });
    this.#disconnect();
  }

  /** Says why it does not. */
  async failed(because: string): Promise<void> {
    this.#channel.off('disconnect', this.#orphaned);
    await this.#say({ v: HANDOVER_VERSION, kind: 'failed', because });
    this.#disconnect();
  }

  /** Resolves when it is said; whoever is gone need not hear it. */
  #say(message: FromSuccessor): Promise<void> {
    return new Promise((resolve) => {
      if (this.#channel.connected === true && this.#channel.send !== undefined) this.#channel.send(message, resolve);
      else resolve();
    });
  }

  #disconnect(): void {
    this.#channel.off('message', this.#heard);
    if (this.#channel.connected === true) this.#channel.disconnect?.();
  }
}
