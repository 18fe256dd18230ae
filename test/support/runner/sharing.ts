/**
 * Which test files may run in one process, and the modules that run them so.
 *
 * A process of its own costs each file 0.2 to 0.4 s of processor time, most of it for loading the same modules again.
 * Only what the rest of its process could feel, or could be felt by, needs one: signals, mocks, a changed
 * environment, counted allocation (what other files made of a function's types makes it box numbers), by its own text or
 * that of the support that it imports; and what has no case of its own but those that its support makes, as only the
 * summary of its process tells that they ran. Of the others, those that only compute are kept from those with sockets,
 * which wait: meanwhile somebody else may compute. Who has children waits as well, but apart from who has planes: a
 * process in which a hundred planes have reserved their tallies is too large to fork. A quick run has nobody who forks.
 * Who counts the sockets of its process shares it with others who do, and with nobody else.
 * What `src/` and `bench/` import says nothing: they act when they are called.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { pathToFileURL } from 'node:url';
import { importsOf, scan } from '../tidy/scan.ts';
import type { Depth } from './phases.ts';

/** `apart` in a process of its own, the others among their like; who does several things counts as the last of them. */
const KINDS = ['computes', 'waits', 'forks', 'counts', 'apart'] as const;
export type Sharing = (typeof KINDS)[number];

/** Modules that make a file more than one that computes. */
const MODULES: readonly (readonly [Sharing, RegExp])[] = [
  ['waits', /^import (?!type\b)[^;]*?'node:(?:net|tls|dgram|https?|http2|worker_threads)'/m],
  ['forks', /^import (?!type\b)[^;]*?'node:child_process'/m],
  // Code of ours that starts children.
  ['forks', /^import (?!type\b)[^;]*?\/children\.ts'/m],
  ['apart', /^import (?!type\b)[^;]*?'node:(?:cluster|v8|inspector)'/m],
];
/** Calls that do; what a test hands to a child as text is the child's. */
const CALLS: readonly (readonly [Sharing, RegExp])[] = [
  ['waits', /\b(?:startPlane|startService|startLoad|fetch)\(/],
  ['forks', /\bprocess\.execPath\b|\b(?:notifyReady|startGatewayProcess|runToExit)\(/],
  ['counts', /\bprocess\.getActiveResourcesInfo\b/],
  // What `t.mock` changes is restored with its test, and what it made tells of its calls by a field of that name.
  ['apart', /(?<!\.)\bmock\b|\bglobalThis\b|\bprocess\.env\[[^\]]*\] = /],
  ['apart', /\bprocess\.(?:on|once|off|exit|exitCode|chdir|umask|kill\(process\.pid)\b/],
  ['apart', /\bprocess\.(?:memoryUsage|cpuUsage|resourceUsage)\b/],
  // Hooks of no suite would be every file's.
  ['apart', /^(?:before|after)(?:Each)?\(/m],
];

/** A case or a suite that a file has itself. */
const CASE = /\b(?:it|test|describe)\(/;

/** Support that is imported for other things than what the patterns find in it: who uses those calls them by name. */
const HARMLESS = ['test/support/plane.ts', 'test/support/gateway.ts', 'test/support/runner/apart.ts'];
/** Does nothing in a quick run. */
const HARMLESS_IF_QUICK = [...HARMLESS, 'test/support/proxy/allocation.ts'];

/** Reads a file by its path from the root; undefined when there is none. */
export type ReadFile = (path: string) => string | undefined;

/** What a file says by itself. */
interface Signs {
  /** The last of the kinds that they stand for, by its place in `KINDS`. */
  readonly kind: number;
  /** A case or a suite of its own. */
  readonly hasCase: boolean;
  /** What it imports below `test/`, from the root. */
  readonly imports: readonly string[];
}

/** Tells the signs of a file by its path from the root, with slashes. */
export type Look = (path: string) => Signs;

/** Looks at every file once, however many import it. */
export function lookWith(read: ReadFile): Look {
  const known = new Map<string, Signs>();
  return (path) => {
    const signs = known.get(path) ?? signsOf(path, read(path) ?? '');
    known.set(path, signs);
    return signs;
  };
}

function signsOf(path: string, text: string): Signs {
  const { code } = scan(text);
  const signs = [...MODULES.filter(([, sign]) => sign.test(text)), ...CALLS.filter(([, sign]) => sign.test(code))];
  const targets = importsOf(text)
    .filter(({ specifier }) => specifier.startsWith('.'))
    .map(({ specifier }) => posix.join(posix.dirname(path), specifier));
  return {
    kind: Math.max(0, ...signs.map(([sharing]) => KINDS.indexOf(sharing))),
    hasCase: CASE.test(code),
    imports: targets.filter((target) => target.endsWith('.ts') && target.startsWith('test/')),
  };
}

/** How a test file may share a process. @param path from the root, with slashes. */
export function sharingOf(path: string, look: Look, depth: Depth = 'full'): Sharing {
  const harmless = depth === 'quick' ? HARMLESS_IF_QUICK : HARMLESS;
  const seen = new Set([path]);
  let kind = 0;
  // A set is walked to what was added meanwhile.
  for (const next of seen) {
    const signs = look(next);
    if (!harmless.includes(next)) kind = Math.max(kind, signs.kind);
    for (const target of signs.imports) seen.add(target);
  }
  return KINDS[kind] as Sharing;
}

/** Takes minutes: alone, or what shares its process would be one core's work to the end. */
const isLong = (file: string): boolean => file.endsWith('.long.test.ts');

/**
 * Test files in groups, one process each: at most twice as many as `cores` that wait, in a quick run as many as `cores`, as
 * each of them loads most of the source; as many as `cores` of the other kinds, one that counts, then the files apart. What computes or counts for long is
 * by itself, and begins: node's runner keeps to this order.
 */
export function groupsOf(root: string, files: readonly string[], cores: number, depth: Depth): string[][] {
  const look = lookWith((path) => readFileSync(join(root, path), 'utf8'));
  const byKind = new Map<Sharing, string[]>(KINDS.map((kind) => [kind, []]));
  for (const file of files) {
    const kind = look(file).hasCase ? sharingOf(file, look, depth) : 'apart';
    byKind.get(kind)?.push(file);
  }
  const of = (kind: Sharing): string[] => byKind.get(kind) ?? [];
  const dealt = (dealing: readonly string[], hands = cores): string[][] =>
    Array.from({ length: hands }, (_, hand) => dealing.filter((_file, n) => n % hands === hand));
  const alone = (some: readonly string[]): string[][] => some.map((file) => [file]);
  const computing = of('computes');
  return [
    ...alone(computing.filter(isLong)),
    ...dealt(of('waits'), depth === 'quick' ? cores : 2 * cores),
    ...dealt(of('forks')),
    ...dealt(computing.filter((file) => !isLong(file))),
    ...alone(of('counts').filter(isLong)),
    of('counts').filter((file) => !isLong(file)),
    ...alone(of('apart')),
  ].filter((group) => group.length > 0);
}

/**
 * Files for node's runner: a group of one is the file itself, another is a module in `folder` that imports its files. They
 * are all loaded before the first test begins, so the random order goes over all of them.
 */
export function entriesOf(root: string, groups: readonly string[][], folder: string): string[] {
  return groups.map((group, index) => {
    if (group.length === 1) return group[0] as string;
    const entry = join(folder, `together-${index + 1}.mjs`);
    const imports = group.map((file) => `import ${JSON.stringify(pathToFileURL(join(root, file)).href)};\n`);
    writeFileSync(entry, imports.join(''));
    return entry;
  });
}
