/**
 * The states of a hand-over on the old process's side. Pure: events in, the next state and what is to be done out.
 *
 * ```
 *            begun          prepared         saved          serving
 *   idle ──────────▶ preparing ────▶ saving ────▶ taking ────────────▶ left
 *     ▲                  │              │             │   failed, exited, too late, stopped
 *     │                  ▼              ▼             ▼
 *     └──────────────────┴──────── ending ◀───────────┘   the successor is killed and its end awaited
 *     └── resumed ── resuming ◀────────┘                  only if the state had been let go of
 * ```
 * A successor that has the state may accept already: what ends this process then does not end that one, but is passed on.
 * The state's file has one owner at any time: it is opened again only when the successor is gone. Each state but the first
 * and the last ends by itself: `dueAtMs` is when somebody has to say `due`.
 */

/** Longest times of the phases, ms. */
export interface HandoverLimits {
  /** From the start of the successor until it could serve. */
  readonly prepareMs: number;
  /** From then until it serves. */
  readonly takeMs: number;
}

/** A process that was killed is gone well before that; one that hangs in the kernel is not waited for. */
export const ENDING_MS = 5000;
/** Until the old process decides again: opening the state alone may take 10 s on a disk that hangs. */
export const RESUMING_MS = 15_000;

/** By when a restart has succeeded or failed: its phases one after the other, the last of them failing. */
export function limitOf({ prepareMs, takeMs }: HandoverLimits): number {
  return prepareMs + takeMs + ENDING_MS + RESUMING_MS;
}

export type HandoverState =
  /** `because`: why the last one failed. */
  | { readonly kind: 'idle'; readonly because: string | null }
  | { readonly kind: 'preparing'; readonly pid: number; readonly dueAtMs: number }
  | { readonly kind: 'saving'; readonly pid: number; readonly dueAtMs: number }
  /** `isEnding`: this process was told to end. */
  | { readonly kind: 'taking'; readonly pid: number; readonly dueAtMs: number; readonly isEnding: boolean }
  | Ending
  | { readonly kind: 'resuming'; readonly because: string }
  | { readonly kind: 'left'; readonly pid: number };

interface Ending {
  readonly kind: 'ending';
  readonly pid: number;
  readonly dueAtMs: number;
  readonly because: string;
  readonly isGone: boolean;
  /** Of the state's file: still ours, being let go of, or let go of. */
  readonly file: 'open' | 'saving' | 'closed';
}

export type HandoverEvent =
  | { readonly kind: 'begun'; readonly pid: number }
  | { readonly kind: 'prepared' }
  | { readonly kind: 'saved' }
  | { readonly kind: 'serving' }
  /** Said by the successor, or about it. */
  | { readonly kind: 'failed'; readonly because: string }
  | { readonly kind: 'exited'; readonly because: string }
  /** This process is to end. */
  | { readonly kind: 'stopped'; readonly because: string }
  /** A worker has died, of whose sockets the successor has duplicates that nobody accepts from. */
  | { readonly kind: 'crippled'; readonly because: string }
  | { readonly kind: 'due' }
  | { readonly kind: 'resumed' };

/** `save`: stop deciding, write the state, let go of it. `give`: tell the successor. `end`: have it drain. `tell`: say that it failed. */
export type HandoverEffect = 'save' | 'give' | 'end' | 'kill' | 'resume' | 'leave' | 'tell';

export interface HandoverTurn {
  readonly state: HandoverState;
  readonly effects: readonly HandoverEffect[];
}

/** Nothing under way. */
export const NO_HANDOVER: HandoverState = { kind: 'idle', because: null };

/** One event. What does not belong in a state changes nothing. */
export function turn(state: HandoverState, event: HandoverEvent, nowMs: number, limits: HandoverLimits): HandoverTurn {
  switch (state.kind) {
    case 'idle':
      if (event.kind !== 'begun') return same(state);
      return to({ kind: 'preparing', pid: event.pid, dueAtMs: nowMs + limits.prepareMs });
    case 'preparing':
      if (event.kind !== 'prepared') return failure(state, event, nowMs, limits);
      return to({ kind: 'saving', pid: state.pid, dueAtMs: nowMs + limits.takeMs }, 'save');
    case 'saving':
      if (event.kind !== 'saved') return failure(state, event, nowMs, limits);
      return to({ kind: 'taking', pid: state.pid, dueAtMs: state.dueAtMs, isEnding: false }, 'give');
    case 'taking':
      if (event.kind === 'serving') return to({ kind: 'left', pid: state.pid }, 'leave');
      if (event.kind === 'stopped') return state.isEnding ? same(state) : to({ ...state, isEnding: true }, 'end');
      return event.kind === 'crippled' ? same(state) : failure(state, event, nowMs, limits);
    case 'ending':
      return ended(state, event);
    case 'resuming':
      return event.kind === 'resumed' ? to({ kind: 'idle', because: state.because }, 'tell') : same(state);
    case 'left':
      return same(state);
    default:
      return state satisfies never;
  }
}

const FILE = { preparing: 'open', saving: 'saving', taking: 'closed' } as const;

type Running = Extract<HandoverState, { readonly kind: keyof typeof FILE }>;

function failure(state: Running, event: HandoverEvent, nowMs: number, limits: HandoverLimits): HandoverTurn {
  const because = failureOf(state, event, limits);
  if (because === null) return same(state);
  const isGone = event.kind === 'exited';
  const { kind, pid } = state;
  const ending: Ending = { kind: 'ending', pid, dueAtMs: nowMs + ENDING_MS, because, isGone, file: FILE[kind] };
  return isGone ? settle(ending) : to(ending, 'kill');
}

function failureOf({ kind }: Running, event: HandoverEvent, limits: HandoverLimits): string | null {
  if ('because' in event) return event.because;
  if (event.kind !== 'due') return null;
  return kind === 'preparing'
    ? `it could not serve within ${limits.prepareMs / 1000} s`
    : `it did not take over within ${limits.takeMs / 1000} s`;
}

/** The successor has been killed; when it is gone and nothing is being written, things go on as before. */
function ended(state: Ending, event: HandoverEvent): HandoverTurn {
  if (event.kind === 'exited') return settle({ ...state, isGone: true });
  if (event.kind === 'saved') return settle({ ...state, file: 'closed' });
  // The lock on the state tells whether it still lives: opening it is tried until that succeeds.
  return event.kind === 'due' && !state.isGone ? settle({ ...state, isGone: true }) : same(state);
}

function settle(state: Ending): HandoverTurn {
  if (!state.isGone || state.file === 'saving') return to(state);
  if (state.file === 'closed') return to({ kind: 'resuming', because: state.because }, 'resume');
  return to({ kind: 'idle', because: state.because }, 'tell');
}

function to(state: HandoverState, ...effects: readonly HandoverEffect[]): HandoverTurn {
  return { state, effects };
}

function same(state: HandoverState): HandoverTurn {
  return { state, effects: [] };
}
