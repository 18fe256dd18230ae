/**
 * Watches how near the process and each of its threads are to their limits, and grades them. Pure: readings in, grades out.
 *
 * What all threads share, memory and descriptors, is one scope, `process`; each thread is one of its own, with its event
 * loop, its heap and, of a worker, its connections and requests. A worker is under the worse of its own grade and the
 * process's. The main thread has a grade too, which only tells: no request waits for it.
 */

import {
  GRADE,
  GRADES,
  type Grade,
  type ThreadSaturation,
  type UsedLimit,
} from '../../model/threads/load/saturation.ts';
import { Grader } from './grader.ts';
import type { MachineReading } from './machine.ts';
import { type Call, callOf, type Signal } from './signals.ts';
import { Trend } from './trend.ts';

/** Time between two looks. */
export const LOOK_MS = 200;
/** What is to have lasted is looked at so often: 0.6 s. */
const LASTING_LOOKS = 3;
/** 10 s. */
const GROWTH_LOOKS = 50;
/** Memory that grew by less than this part of its limit did not. */
const GROWTH = 0.01;
const PROCESS = 'process';
const MIB = 1_048_576;

/** What a thread tells of itself. */
export type ThreadReading = Omit<ThreadSaturation, 'grade' | 'refusedRatio'> & {
  /** Another one, another thread in its place. */
  readonly life: number;
  /** null of the main thread. */
  readonly connectionsMax: number | null;
};

/** One look at everything. */
export interface Look {
  readonly machine: MachineReading;
  readonly threads: readonly ThreadReading[];
  /** How late an event loop may be. */
  readonly delayMs: number;
}

/** A scope has another grade. */
export interface GradeChange {
  /** `process`, or the name of a thread. */
  readonly scope: string;
  readonly before: Grade;
  readonly after: Grade;
  /** The signal behind it, with its numbers. */
  readonly because: string;
  readonly signal: Signal['name'];
  readonly refusedRatio: number;
}

/** What a worker is to do. */
export interface Pressure {
  /** Number in `GRADES`. */
  readonly grade: number;
  readonly refusedRatio: number;
}

interface Scope {
  readonly life: number;
  readonly grader: Grader;
  readonly delays: Trend;
  readonly heaps: Trend;
  because: Signal | null;
}

export class SaturationWatch {
  readonly #process = scopeOf(0);
  readonly #memory = new Trend(GROWTH_LOOKS);
  /** By name of the thread. */
  #threads: ReadonlyMap<string, Scope> = new Map();
  #changes = 0;

  /** Changes of any grade so far. */
  get changes(): number {
    return this.#changes;
  }

  /** Takes a look. @returns the scopes whose grade is another one */
  look({ machine, threads, delayMs }: Look): GradeChange[] {
    const known = this.#threads;
    this.#threads = new Map(threads.map(({ name, life }) => [name, sameLife(known.get(name), life) ?? scopeOf(life)]));
    const changes = [
      ...graded(PROCESS, this.#process, this.#shared(machine), delayMs),
      ...threads.flatMap((thread) => {
        const scope = this.#threads.get(thread.name) as Scope;
        return graded(thread.name, scope, signalsOf(thread, scope), delayMs);
      }),
    ];
    this.#changes += changes.length;
    return changes;
  }

  /** What a worker is to do, by its name. */
  pressureOf(name: string): Pressure {
    const scopes = [this.#process, this.#threads.get(name)].filter((scope) => scope !== undefined);
    return {
      grade: Math.max(...scopes.map(({ grader }) => grader.grade)),
      refusedRatio: Math.max(...scopes.map(({ grader }) => grader.refusedRatio)),
    };
  }

  /** The grade of what all threads share. */
  get process(): Grade {
    return gradeOf(this.#process);
  }

  /** The grade of a thread by itself. */
  gradeOf(name: string): Grade {
    const scope = this.#threads.get(name);
    return scope === undefined ? 'normal' : gradeOf(scope);
  }

  /** The worst grade of all, and why in one sentence; empty when it is normal. */
  get worst(): { readonly grade: Grade; readonly because: string } {
    const scopes = [[PROCESS, this.#process] as const, ...this.#threads];
    const byGrade = scopes.toSorted(([, a], [, b]) => b.grader.grade - a.grader.grade);
    const [name, scope] = byGrade[0] as (typeof scopes)[number];
    const grade = gradeOf(scope);
    return { grade, because: grade === 'normal' ? '' : `${name}: ${scope.because?.text ?? ''}` };
  }

  #shared({ memory, descriptors }: MachineReading): Signal[] {
    const value = memory.used / memory.max;
    this.#memory.add(value);
    const text = `memory ${mib(memory.used)} of ${mib(memory.max)} MiB, ${percent(value)} (${memory.from})`;
    const signals: Signal[] = [{ name: 'memory', value, isGrowing: value > this.#memory.least + GROWTH, text }];
    if (descriptors !== null) signals.push(shareOf('descriptors', descriptors, 'descriptors'));
    return signals;
  }
}

function scopeOf(life: number): Scope {
  const [delays, heaps] = [new Trend(LASTING_LOOKS), new Trend(LASTING_LOOKS)];
  return { life, grader: new Grader(), delays, heaps, because: null };
}

function sameLife(scope: Scope | undefined, life: number): Scope | null {
  return scope?.life === life ? scope : null;
}

function gradeOf({ grader }: Scope): Grade {
  return GRADES[grader.grade] as Grade;
}

function signalsOf(thread: ThreadReading, scope: Scope): Signal[] {
  const { delayMs, heapBytes, heapLimitBytes, connections, connectionsMax, requests } = thread;
  const heap = heapLimitBytes === 0 ? 0 : heapBytes / heapLimitBytes;
  scope.delays.add(delayMs);
  scope.heaps.add(heap);
  const [late, held] = [scope.delays.lasting, scope.heaps.lasting];
  const signals: Signal[] = [
    { name: 'eventLoop', value: late, isGrowing: false, text: `its event loop is ${Math.round(late)} ms late` },
    {
      name: 'heap',
      value: held,
      isGrowing: false,
      text: `heap ${mib(heapBytes)} of ${mib(heapLimitBytes)} MiB, ${percent(held)}`,
    },
  ];
  if (connectionsMax === null) return signals;
  signals.push(shareOf('connections', { used: connections, max: connectionsMax }, 'client connections'));
  signals.push(shareOf('requests', { used: requests, max: connectionsMax }, 'requests under way'));
  return signals;
}

function shareOf(name: Signal['name'], { used, max }: UsedLimit, what: string): Signal {
  const value = used / max;
  return { name, value, isGrowing: false, text: `${used} of ${max} ${what}, ${percent(value)}` };
}

function graded(name: string, scope: Scope, signals: readonly Signal[], delayMs: number): GradeChange[] {
  const calls = signals.map((signal) => callOf(signal, delayMs));
  const index = indexOfStrongest(calls);
  const strongest = signals[index] as Signal;
  const before = gradeOf(scope);
  const isOther = scope.grader.look(calls);
  // What is let go of keeps the reason that it had.
  if (scope.because === null || (calls[index] as Call).hold > GRADE.normal) scope.because = strongest;
  if (!isOther) return [];
  const { text: because, name: signal } = strongest;
  return [{ scope: name, before, after: gradeOf(scope), because, signal, refusedRatio: scope.grader.refusedRatio }];
}

/** The signal that calls for most, of several the one that holds most. */
function indexOfStrongest(calls: readonly Call[]): number {
  const strength = ({ level, hold }: Call): number => level * GRADES.length + hold;
  const strengths = calls.map(strength);
  return strengths.indexOf(Math.max(...strengths));
}

function mib(bytes: number): number {
  return Math.round(bytes / MIB);
}

function percent(ratio: number): string {
  return `${Math.round(ratio * 100)} %`;
}
