/**
 * Tests mirror the source one to one, and hot files prove that they allocate nothing.
 *
 * A file needs a unit test as soon as something in it can go wrong at run time: types are erased first, and what is
 * left must not branch, loop or define a function. Composition roots are wiring; they are run by an integration test.
 */

import { stripTypeScriptTypes } from 'node:module';
import { posix } from 'node:path';
import { type Finding, fileOf, type Rule, type SourceFile, under } from './files.ts';
import { importsOf, scan } from './scan.ts';
import { headerOf } from './shape.ts';

/** Folders with mirrored tests; those of `src/` lie directly in `test/unit/`. */
const MIRRORED: readonly { readonly source: string; readonly tests: string }[] = [
  { source: 'src/', tests: 'test/unit/' },
  { source: 'bench/fleet/', tests: 'test/unit/bench/fleet/' },
  { source: 'bench/macro/', tests: 'test/unit/bench/macro/' },
  { source: 'bench/overload/', tests: 'test/unit/bench/overload/' },
  { source: 'bench/reload/', tests: 'test/unit/bench/reload/' },
];

const ROOTS = [
  'src/main.ts',
  'src/gateway.ts',
  'src/compose/admin.ts',
  'src/compose/config/configuration.ts',
  'src/compose/durable.ts',
  'src/compose/config/explain-thread.ts',
  'src/compose/config/parse-thread.ts',
  'src/compose/handover/restart.ts',
  'src/compose/rollouts.ts',
  'src/compose/watches/alerts/alerts.ts',
  'src/compose/watches/alerts/readings.ts',
  'src/compose/watches/faults.ts',
  'src/compose/watches/idempotency/keys.ts',
  'src/compose/watches/idempotency/thread.ts',
  'src/compose/watches/saturation.ts',
  'src/compose/watches/tracing/thread.ts',
  'src/compose/watches/tracing/tracing.ts',
  'src/compose/watches/watches.ts',
  'src/compose/worker.ts',
  'src/compose/workers.ts',
  'bench/fleet/run.ts',
  'bench/macro/run.ts',
  'bench/overload/reject.ts',
  'bench/overload/run.ts',
  'bench/reload/frozen.ts',
  'bench/reload/run.ts',
  // Scripts of child processes: the tests of those who start them run them.
  'bench/macro/contenders/fastify-server.ts',
  'bench/macro/contenders/http-proxy-3-server.ts',
  'bench/macro/contenders/node-undici-server.ts',
  'bench/macro/load/idle-child.ts',
  'bench/macro/load/open-loop-child.ts',
  'bench/overload/load-child.ts',
  'bench/overload/upstream-child.ts',
];

/** What runs in a browser alone; test/integration/admin/page.test.ts drives it there. */
const BROWSER = 'src/admin/page/browser/';

/** Whether a text still does something when its types are gone: types, constants and tables do not. */
export function hasLogic(text: string): boolean {
  const code = scan(stripTypeScriptTypes(text)).code;
  return /=>|\b(?:function|class|if|for|while|switch|throw|await)\b/.test(code);
}

/**
 * `src/slo/verdict/ratio.ts` -> `test/unit/slo/verdict/ratio.test.ts`, or null where nothing is mirrored. One that starts
 * real processes may be `….long.test.ts` instead, and run in the full run only.
 */
export function testPathOf(path: string): string | null {
  const pair = MIRRORED.find(({ source }) => path.startsWith(source));
  if (pair === undefined) return null;
  return `${pair.tests}${path.slice(pair.source.length).replace(/\.[jt]s$/, '.test.ts')}`;
}

function longOf(testPath: string): string {
  return testPath.replace(/\.test\.ts$/, '.long.test.ts');
}

/** Files that tests mirror: the sources, and the modules of the page that the server renders with. */
function mirrored(files: readonly SourceFile[]): SourceFile[] {
  return [...MIRRORED.flatMap(({ source }) => under(files, source, '.ts')), ...under(files, 'src/', '.js')];
}

/** Every file with logic has its unit test. */
export const untestedRule: Rule = (files) =>
  mirrored(files)
    .filter(({ path }) => !ROOTS.includes(path) && !path.startsWith(BROWSER))
    .flatMap(({ path, text }) => {
      const testPath = testPathOf(path) ?? '';
      const isTested = [testPath, longOf(testPath)].some((name) => fileOf(files, name) !== undefined);
      // Types are erased only where the answer matters: that takes seconds for all files.
      if (isTested || !hasLogic(text)) return [];
      return [{ rule: 'untested', path, line: 0, message: `has no ${testPath}` }];
    });

/** Every unit test has the file that it is about. */
export const orphanRule: Rule = (files) => {
  const expected = new Set(mirrored(files).map(({ path }) => testPathOf(path)));
  return under(files, 'test/unit/', '.test.ts')
    .filter(({ path }) => !expected.has(path.replace(/\.long\.test\.ts$/, '.test.ts')))
    .map(({ path }) => ({ rule: 'orphan', path, line: 0, message: 'tests no file of that name' }));
};

/** The process entry, and with it the wiring behind it, is started by an integration test. */
export const rootRule: Rule = (files) => {
  const starts = [...under(files, 'test/integration/', '.ts'), ...under(files, 'test/support/', '.ts')];
  return files
    .filter(({ path }) => path === 'src/main.ts')
    .filter(({ path }) => !starts.some(({ text }) => text.includes(path)))
    .map(({ path }) => ({ rule: 'root', path, line: 0, message: 'no integration test starts it' }));
};

const MEASURES_ALLOCATION = /\btotal_allocated_bytes\b/;

/** Whether a test measures allocation itself or through a support module that does. */
function measuresAllocation(test: SourceFile, files: readonly SourceFile[]): boolean {
  if (MEASURES_ALLOCATION.test(test.text)) return true;
  return importsOf(test.text).some(({ specifier }) => {
    if (!specifier.startsWith('.')) return false;
    const support = fileOf(files, posix.join(posix.dirname(test.path), specifier));
    return support !== undefined && MEASURES_ALLOCATION.test(scan(support.text).code);
  });
}

/** Hot files that these hot files lead to, themselves included: measuring `decide` measures what it is made of. */
function hotClosure(entries: readonly string[], hot: ReadonlyMap<string, string>): Set<string> {
  const reached = new Set<string>();
  const open = entries.filter((path) => hot.has(path));
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    if (reached.has(path)) continue;
    reached.add(path);
    const folder = posix.dirname(path);
    const next = importsOf(hot.get(path) ?? '').map(({ specifier }) => posix.join(folder, specifier));
    open.push(...next.filter((target) => hot.has(target)));
  }
  return reached;
}

/** A file whose header says `Hot path.` is run, directly or through another hot file, by a test that counts bytes. */
export const allocationRule: Rule = (files) => {
  const hot = new Map(hotFiles(files).map(({ path, text }) => [path, text]));
  const tests = under(files, 'test/', '.test.ts').filter((test) => measuresAllocation(test, files));
  const entries = tests.flatMap(({ text }) => importsOf(text).map(({ specifier }) => specifier.replace(/^#/, '')));
  const measured = hotClosure(entries, hot);
  return [...hot.keys()]
    .filter((path) => !measured.has(path))
    .map((path) => ({
      rule: 'allocation',
      path,
      line: 1,
      message: 'says "Hot path." but no test that counts total_allocated_bytes leads to it',
    }));
};

/** Files whose header says `Hot path.` and that have code to measure. */
export function hotFiles(files: readonly SourceFile[]): SourceFile[] {
  return under(files, 'src/', '.ts').filter((file) => /\bHot path\./.test(headerOf(file.text)) && hasLogic(file.text));
}

/** What may not stand in a hot file, and why. */
const COLD: readonly { readonly pattern: RegExp; readonly because: string }[] = [
  {
    pattern: /\b(?:async|await)\b/,
    because: 'decide and record are synchronous; an awaited function costs about 100 B',
  },
  { pattern: /\bJSON\./, because: 'JSON belongs to the control plane' },
  { pattern: /\b(?:new\s+)?Date\b/, because: 'time is an argument' },
  { pattern: /\bBigInt\b|\b\d+n\b/, because: 'BigInt allocates on every operation' },
];

/** The one file that turns the platform's clocks into numbers. */
const CLOCK = 'src/lib/clock.ts';

/** Hot files keep to the straight and narrow. */
export const hotRule: Rule = (files) =>
  hotFiles(files)
    .filter(({ path }) => path !== CLOCK)
    .flatMap(({ path, text }) => {
      const lines = scan(text).code.split('\n');
      return lines.flatMap((line, index): Finding[] =>
        COLD.filter(({ pattern }) => pattern.test(line)).map(({ because }) => ({
          rule: 'hot',
          path,
          line: index + 1,
          message: because,
        })),
      );
    });
