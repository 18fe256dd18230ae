/**
 * Nouns of saturation: how near the process is to its limits, what it does about that, and how a worker is told.
 *
 * ```
 * pressure of one worker: Int32Array of PRESSURE_WORDS  [ grade | refused per mille | looks ]
 * ```
 * The main thread alone writes a pressure; its worker reads it every 50 ms and never per request. A look every 200 ms renews it, and
 * what is not renewed for `PRESSURE_MS` asks for nothing: whoever hangs does not have others refuse requests.
 * Source: docs/overload.md "When the gateway itself is short".
 */

import type { Priority } from '../../overload.ts';

/** What is done, each with everything before it: idle connections go, unimportant requests, new connections. */
export const GRADES = ['normal', 'lean', 'shedding', 'refusing'] as const;
export type Grade = (typeof GRADES)[number];
/** Numbers of `GRADES` by name. */
export const GRADE = { normal: 0, lean: 1, shedding: 2, refusing: 3 } as const;

/** What can run short. The first one is a time, the others are shares of a limit. */
export const SIGNALS = ['eventLoop', 'heap', 'memory', 'descriptors', 'connections', 'requests'] as const;
export type SignalName = (typeof SIGNALS)[number];

/** Words of a pressure. */
export const PRESSURE = { grade: 0, refusedPerMille: 1, looks: 2 } as const;
export const PRESSURE_WORDS = 3;
/** Fifty looks: a main thread that is only slow is not taken for one that hangs. */
export const PRESSURE_MS = 10_000;

/** A pressure that asks for nothing. */
export function reservePressure(): SharedArrayBuffer {
  return new SharedArrayBuffer(PRESSURE_WORDS * Int32Array.BYTES_PER_ELEMENT);
}

/** Profiles of a thread that runs short, and the disk that they may take. */
export interface ProfilesConfig {
  /** Where they are written; null = a folder of the state directory, and without one they are not. */
  readonly directory: string | null;
  /** Files that are kept, the newest; 0 = none is written. */
  readonly keep: number;
  /** Bytes that they may take together. */
  readonly bytesMax: number;
  /** How long one records. */
  readonly lengthMs: number;
  /** Time after one in which there is no other. */
  readonly cooldownMs: number;
}

export interface SaturationConfig {
  /** False: it is only watched, told and profiled. */
  readonly acts: boolean;
  /** How late an event loop may be before its worker sheds; eight times that and it refuses connections. */
  readonly delayMs: number;
  /** Memory that the process may take; null = what its cgroup allows, else what the machine has. */
  readonly memoryBytes: number | null;
  readonly profiles: ProfilesConfig;
}

/** `cpu`: where time goes; `heap`: who allocates what stays, sampled. Neither holds values of the program. */
export type ProfileKind = 'cpu' | 'heap';

/** A profile that a thread is to make of itself. */
export interface ProfileWish {
  readonly kind: ProfileKind;
  readonly lengthMs: number;
  /** A longer one is given up. */
  readonly bytesMax: number;
}

/** One thread, as it was seen last. */
export interface ThreadSaturation {
  /** `main`, `worker-0` … */
  readonly name: string;
  readonly grade: Grade;
  /** How late its event loop was at the worst moment of the last 200 ms. */
  readonly delayMs: number;
  readonly heapBytes: number;
  readonly heapLimitBytes: number;
  /** Client connections, and requests under way; 0 of the main thread. */
  readonly connections: number;
  readonly requests: number;
  /** Share of the requests that it is told to refuse, 0..1. */
  readonly refusedRatio: number;
}

/** A limit and how much of it is used. */
export interface UsedLimit {
  readonly used: number;
  readonly max: number;
}

/** Where profiles go and what became of them. */
export interface ProfilesStatus {
  /** Empty: they are not written, and `because` says why. */
  readonly directory: string;
  readonly because: string;
  readonly written: number;
  readonly failed: number;
  /** Episodes without one: too soon after the last, or nowhere to write it. */
  readonly skipped: number;
  /** Path of the newest; empty before the first. */
  readonly last: string;
}

/** How near the process is to its limits. */
export interface SaturationStatus {
  /** The worst of all. */
  readonly grade: Grade;
  /** Why, in one sentence with numbers; empty when it is normal. */
  readonly because: string;
  /** False: nothing is done about it. */
  readonly acts: boolean;
  /** Of what all threads share. */
  readonly process: Grade;
  /** In bytes; `from` says whose limit it is. */
  readonly memory: UsedLimit & { readonly from: string };
  /** null where the system does not tell. */
  readonly descriptors: UsedLimit | null;
  /** What the cgroup allows in processors; null = all. */
  readonly cpus: number | null;
  readonly threads: readonly ThreadSaturation[];
  /** Changes of any grade since the start. */
  readonly changes: number;
  /** Requests that were refused for it, by priority. */
  readonly shed: Readonly<Record<Priority, number>>;
  readonly profiles: ProfilesStatus;
}
