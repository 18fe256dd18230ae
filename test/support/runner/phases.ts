/**
 * What `npm test` runs, in which order and how many files at a time; and the sum of what came out.
 *
 * Tests of logic share the cores; in a quick run, which has nothing beside them, all of their processes do, as most of them
 * mostly wait. Tests that start real processes mostly wait, too, and take longest together: two files of them run at a time, from
 * the beginning on and beside all others, which are told of first. Those that start processes hundreds of times begin, as
 * whatever takes minutes and begins last is waited for alone. All have the same priority: one that gives way may not be let run
 * for longer than its peers' patience (a test of 0.7 s took 21 s).
 */

import { globSync } from 'node:fs';

export type Depth = 'quick' | 'full';

/** A set of test files that run together. */
export interface Phase {
  readonly name: string;
  /** Relative to the repository's root. */
  readonly files: readonly string[];
  /** Processes at a time; infinite: all at once. */
  readonly concurrency: number;
  /** Several files may be in one process. */
  readonly isShared: boolean;
  /** Begins at once, beside those before it. */
  readonly isBeside: boolean;
}

interface Plan {
  readonly name: string;
  readonly globs: readonly string[];
  readonly without: readonly string[];
  /** Files at a time, each in a process of its own; default: what shares processes, as many as there are cores for. */
  readonly atOnce?: number;
  readonly isBeside?: boolean;
  readonly depths: readonly Depth[];
}

const LONG = 'test/**/*.long.test.ts';
const isLong = (file: string): boolean => file.endsWith('.long.test.ts');
const CHECK = 'test/check.test.ts';
const BOTH: readonly Depth[] = ['quick', 'full'];

const PLANS: readonly Plan[] = [
  {
    name: 'logic',
    globs: [
      'test/*.test.ts',
      ...['support', 'unit', 'property', 'fuzz'].map((folder) => `test/${folder}/**/*.test.ts`),
    ],
    without: [LONG, CHECK],
    depths: BOTH,
  },
  { name: 'checks', globs: [CHECK], without: [], atOnce: 1, depths: ['full'] },
  {
    name: 'behavior',
    globs: [
      'test/simulation/**/*.test.ts',
      'test/{conformance,vulnerability}/**/*.test.ts',
      'test/regression/**/*.test.ts',
      LONG,
    ],
    without: ['test/integration/**'],
    depths: ['full'],
  },
  {
    name: 'real processes',
    globs: ['test/integration/**/*.test.ts'],
    without: [],
    atOnce: 2,
    isBeside: true,
    depths: ['full'],
  },
];

/**
 * Processes at a time. In a quick run all of them, which are few (`sharing.ts`): one that computes for most of the run must not
 * begin last.
 */
function processesOf(depth: Depth, cores: number): number {
  return depth === 'quick' ? Number.POSITIVE_INFINITY : cores;
}

/** Phases of a run; those without a file are left out. Every file is in exactly one phase of the full run. */
export function phasesOf(root: string, depth: Depth, cores: number): Phase[] {
  return PLANS.filter(({ depths }) => depths.includes(depth))
    .map(({ name, globs, without, atOnce, isBeside = false }) => {
      const files = globSync([...globs], { cwd: root, exclude: [...without] }).sort();
      return {
        name,
        files: [...files.filter(isLong), ...files.filter((file) => !isLong(file))],
        concurrency: atOnce ?? processesOf(depth, cores),
        isShared: atOnce === undefined,
        isBeside,
      };
    })
    .filter(({ files }) => files.length > 0);
}

/** Test files that no phase of the full run would run. */
export function forgottenFiles(root: string): string[] {
  const planned = new Set(phasesOf(root, 'full', 1).flatMap(({ files }) => files));
  return globSync('test/**/*.test.ts', { cwd: root }).filter((file) => !planned.has(file));
}

const COUNTED = ['tests', 'suites', 'pass', 'fail', 'cancelled', 'skipped', 'todo', 'duration_ms'] as const;

/** Closing numbers of node's test runner, by its own names. */
export type Totals = Record<(typeof COUNTED)[number], number>;

/** Nothing run yet. */
export function noTotals(): Totals {
  return { tests: 0, suites: 0, pass: 0, fail: 0, cancelled: 0, skipped: 0, todo: 0, duration_ms: 0 };
}

/** Adds one closing line (`pass 12`) to the totals; false when the text is not one. */
export function addClosingLine(totals: Totals, text: string): boolean {
  const [name = '', value = '', ...rest] = text.split(' ');
  const key = COUNTED.find((one) => one === name);
  if (key === undefined || rest.length > 0 || !/^[\d.]+$/.test(value)) return false;
  totals[key] += Number(value);
  return true;
}

/** The closing lines of all phases together. */
export function closingLines(totals: Totals): string[] {
  return COUNTED.map((key) => `${key} ${totals[key]}`);
}

/** Whether the run was good: something ran, nothing failed. */
export function isGreen(totals: Totals): boolean {
  return totals.tests > 0 && totals.fail === 0 && totals.cancelled === 0;
}
