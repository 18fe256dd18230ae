/**
 * What a gateway and its successor say to one another while the listening sockets change hands.
 *
 * The sockets themselves go as inherited descriptors; which is which stands in the successor's environment, everything
 * else is said over an IPC channel as JSON. Each message carries the version of this protocol: what speaks another one is
 * not understood, and then the old process stays.
 */

import type { SavedRollout } from '../rollout.ts';
import type { LoggedDecision } from '../slo.ts';
import type { PassedState, Segment } from './state.ts';

export const HANDOVER_VERSION = 1;
/** Name of the environment variable with a `Passed`. */
export const HANDOVER_VARIABLE = 'SLUICE_HANDOVER';

/** Listening sockets that a process is given when it starts. */
export interface PassedSockets {
  /** The address that was configured when they were opened; port 0 stays 0. */
  readonly host: string;
  readonly port: number;
  /**
   * A supervisor opened them and holds them too: they are used by all workers together, of the listener whose they are
   * (`compose/handover/owners.ts`). Others belong to one worker each, as long as their address is still the configured one.
   */
  readonly isActivated: boolean;
  /** By which the supervisor calls them, by descriptor; absent where there is none, and in what earlier releases pass. */
  readonly names?: readonly string[];
  /** Descriptors in the process that is given them. */
  readonly fds: readonly number[];
}

/** What stands in the successor's environment. */
export interface Passed {
  readonly v: number;
  /** Process id of who started it: anybody else's variable is not meant. */
  readonly parent: number;
  readonly proxy: PassedSockets;
  readonly admin: PassedSockets;
  /** Of the data plane's further listeners; absent in what earlier releases pass. */
  readonly others?: readonly PassedSockets[];
}

/** A saved budget as JSON. */
export interface PassedBudget {
  readonly key: string;
  readonly format: number;
  readonly base64: string;
  readonly at: string;
}

/** A segment of a tape as JSON. */
export interface PassedSegment extends Omit<Segment, 'bytes'> {
  readonly base64: string;
}

/** So many segments of a tape were given up. */
export interface PassedLoss {
  readonly watch: string;
  readonly route: string;
  readonly segments: number;
}

/** A piece of what the old process knows and no file tells. */
export interface StatePart {
  readonly budgets: readonly PassedBudget[];
  readonly rollouts: readonly SavedRollout[];
  readonly decisions: readonly LoggedDecision[];
  /** What no file has yet: decisions of those above, segments of tapes and what is missing of them. Not of every release. */
  readonly unwritten?: {
    readonly decisions?: readonly LoggedDecision[];
    readonly segments?: readonly PassedSegment[];
    readonly losses?: readonly PassedLoss[];
  };
  /** What the state's file holds is still to be added to all of it. */
  readonly isPartial?: boolean;
}

/** What tickets of TLS sessions are sealed with; said over the channel only, and neither written nor logged. */
export interface PassedTickets {
  /** Of 32 bytes. */
  readonly base64: string;
  /** Until another one takes its place. */
  readonly leftMs: number;
}

export type FromSuccessor =
  /** It could serve; it has opened nothing that the old process holds. */
  | { readonly v: number; readonly kind: 'prepared'; readonly stateDirectory: string | null }
  /** It serves: the old process may leave. */
  | { readonly v: number; readonly kind: 'serving' }
  /** It cannot, and ends. */
  | { readonly v: number; readonly kind: 'failed'; readonly because: string }
  /** It does not find the state in its directory; said only to a process that can give it. */
  | { readonly v: number; readonly kind: 'unread' };

export type ToSuccessor =
  | { readonly v: number; readonly kind: 'part'; readonly part: StatePart }
  /**
   * The state is yours: in its directory, or in the parts before this. `tickets` is absent where TLS is not spoken, and in what
   * earlier releases say; `canGive` says that `unread` is understood, and answered with all parts.
   */
  | {
      readonly v: number;
      readonly kind: 'take';
      readonly isInDirectory: boolean;
      readonly canGive?: boolean;
      readonly tickets?: PassedTickets;
    }
  /** The parts before this are all that `unread` asked for. */
  | { readonly v: number; readonly kind: 'given' }
  /** The old process was told to end, and meant is whoever serves: drain once you do. */
  | { readonly v: number; readonly kind: 'end' };

/** What a successor was given. */
export interface Given {
  /** What is not in the state's directory; null: everything is. */
  readonly state: PassedState | null;
  /** For the state where the directory does not have it after all; null: nobody can say. Never rejects. */
  ask(): Promise<PassedState | null>;
  /** null: it begins with its own. */
  readonly tickets: PassedTickets | null;
}

/** What came of asking for a restart. */
export type RestartAnswer =
  /** `limitMs`: it has succeeded or failed by then. */
  | { readonly kind: 'begun'; readonly pid: number; readonly limitMs: number }
  | { readonly kind: 'refused'; readonly detail: string };

/** How a restart stands, for the status. */
export interface RestartStatus {
  readonly state: 'none' | 'preparing' | 'taking' | 'failing' | 'left';
  /** Restarts that failed since this process started. */
  readonly failures: number;
  /** The newest one that failed; null before the first. */
  readonly lastFailure: { readonly at: string; readonly because: string } | null;
}
