/**
 * Runs the tests, phase by phase, with one report and one closing summary.
 *
 * `--quick`: rules, units, short properties and short fuzzing, none of which starts another process. Without it: everything, also
 * what is named `….long.test.ts`. `--seed N` replays the random order that a run printed. Every phase runs even if an earlier
 * one failed; the exit code is 1 if anything did. Tests read in `support/runner/depth.ts` how long to search.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { run } from 'node:test';
import { spec, type TestEvent } from 'node:test/reporters';
import { parseArgs } from 'node:util';
import type { Depth, Phase, Totals } from './support/runner/phases.ts';
import { addClosingLine, closingLines, forgottenFiles, isGreen, noTotals, phasesOf } from './support/runner/phases.ts';
import { ensureServers, SERVERS } from './support/runner/servers.ts';
import { entriesOf, groupsOf } from './support/runner/sharing.ts';

const root = join(import.meta.dirname, '..');

/** Longest time of one test: one that hangs fails by name instead of holding up the run (`support/runner/ending.ts`). */
const TEST_TIMEOUT_MS = 600_000;

/** One note in the report, in the form of node's own. */
function note(message: string): TestEvent {
  return { type: 'test:diagnostic', data: { nesting: 0, message, level: 'info' } };
}

/** What the phases add to while they run. */
interface Course {
  readonly depth: Depth;
  readonly randomSeed: number;
  readonly totals: Totals;
  /** Files that had a test, from the root. */
  readonly seen: Set<string>;
  /** For modules that run several files in one process. */
  readonly folder: string;
  readonly cores: number;
}

/**
 * Room for garbage in processes that run hundreds of files: what a test leaves is collected seldom, and among much that is dead.
 */
const ROOMY = ['--min-semi-space-size=16', '--max-semi-space-size=32'];

/** Compiles within the program instead of beside it, so that what is inlined does not depend on how busy the machine is. */
const COMPILED_ALIKE = ['--no-concurrent-recompilation'];

/** Events of one phase, without its closing lines: those go into the totals. */
async function* phaseEvents(phase: Phase, course: Course): AsyncGenerator<TestEvent> {
  const { depth, randomSeed, totals, seen, folder, cores } = course;
  const groups = phase.isShared ? groupsOf(root, phase.files, cores, depth) : phase.files.map((file) => [file]);
  const events = run({
    files: entriesOf(root, groups, folder),
    cwd: root,
    concurrency: Math.min(phase.concurrency, groups.length),
    timeout: TEST_TIMEOUT_MS,
    // Not as `randomSeed`: with it node 26.10 begins with one file alone, and with one more whenever one is over.
    execArgv: [
      ...['--import', join(root, 'test/support/runner/ending.ts')],
      ...['--disable-warning=ExperimentalWarning', '--test-randomize', `--test-random-seed=${randomSeed}`],
      ...(depth === 'quick' ? ROOMY : COMPILED_ALIKE),
    ],
  });
  let isSummed = false;
  for await (const event of events as AsyncIterable<TestEvent>) {
    if (event.type === 'test:pass' || event.type === 'test:fail') seen.add(relative(root, event.data.file ?? ''));
    // Cases that a table in another file makes are that file's; the summary of their process says whose they were.
    // A suite that is skipped whole, as its server is missing, has none.
    if (event.type === 'test:summary' && event.data.file !== undefined) {
      const { tests, suites } = event.data.counts;
      if (tests + suites > 0) seen.add(relative(root, event.data.file));
    }
    if (event.type === 'test:summary' && event.data.file === undefined) isSummed = true;
    else if (event.type !== 'test:diagnostic' || !addClosingLine(totals, event.data.message)) yield event;
  }
  if (!isSummed) throw new Error(`phase ${phase.name} ended without a summary`);
}

/** Runs it now, and tells of it later. */
function ahead(events: AsyncGenerator<TestEvent>): () => AsyncGenerator<TestEvent> {
  const kept: TestEvent[] = [];
  const isOver = (async () => {
    for await (const event of events) kept.push(event);
  })();
  // What it fails with is thrown when it is told of.
  isOver.catch(() => undefined);
  return async function* () {
    await isOver;
    yield* kept;
  };
}

/** Events of all phases, then the failures, then the closing lines of everything. */
async function* allEvents(phases: readonly Phase[], course: Course): AsyncGenerator<TestEvent> {
  const { totals, randomSeed } = course;
  const startedAtMs = performance.now();
  yield note(`Randomized test order seed: ${randomSeed}`);
  const besides = new Map(
    phases.filter(({ isBeside }) => isBeside).map((phase) => [phase, ahead(phaseEvents(phase, course))]),
  );
  for (const phase of phases) {
    const pace = Number.isFinite(phase.concurrency) ? `${phase.concurrency} at a time` : 'all at once';
    yield note(`phase ${phase.name}: ${phase.files.length} files, ${pace}`);
    yield* besides.get(phase)?.() ?? phaseEvents(phase, course);
  }
  totals.duration_ms = performance.now() - startedAtMs;
  const { tests, suites, skipped, todo, cancelled, pass: passed, fail: failed } = totals;
  const counts = { tests, suites, skipped, todo, cancelled, passed, topLevel: 0, failed };
  const data = { success: isGreen(totals), counts, duration_ms: totals.duration_ms, file: undefined };
  yield { type: 'test:summary', data };
  for (const line of closingLines(totals)) yield note(line);
}

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { quick: { type: 'boolean' }, seed: { type: 'string' } } });
  const depth: Depth = values.quick === true ? 'quick' : 'full';
  const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 32) : Number(values.seed);
  process.env['SLUICE_TEST_DEPTH'] = depth;
  // Many files are a process of their own; keeping stripped and compiled modules halves its start (0.16 s to 0.07 s).
  process.env['NODE_COMPILE_CACHE'] = join(root, 'node_modules/.cache/tests');
  // glibc's own value, which it raises to the size of what was freed unless it is given: from then on the megabytes of counters that
  // every plane and bench reserves come from its heap, filled with zeros, instead of from the kernel, untouched.
  if (depth === 'quick') process.env['MALLOC_MMAP_THRESHOLD_'] = '131072';

  const forgotten = forgottenFiles(root);
  if (forgotten.length > 0) throw new Error(`no phase runs ${forgotten.join(', ')}`);
  const servers = ensureServers(depth === 'full' ? SERVERS : []);
  for (const line of servers.lines) process.stderr.write(`${line}\n`);

  const cores = availableParallelism();
  const phases = phasesOf(root, depth, cores);
  const folder = mkdtempSync(join(tmpdir(), 'sluice-tests-'));
  const course: Course = { depth, randomSeed: seed, totals: noTotals(), seen: new Set(), folder, cores };
  try {
    await pipeline(Readable.from(allEvents(phases, course)), new spec(), process.stdout, { end: false });
  } finally {
    rmSync(folder, { recursive: true });
  }
  const unrun = phases.flatMap(({ files }) => files).filter((file) => !course.seen.has(file));
  for (const file of unrun) process.stderr.write(`no test of ${file} ran\n`);
  return isGreen(course.totals) && unrun.length === 0 && !servers.isFailure ? 0 : 1;
}

process.exitCode = await main();
