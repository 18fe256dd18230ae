/**
 * Which test files may run in one process, and the modules that run them so.
 *
 * A process of its own costs each file 0.2 to 0.4 s of processor time, most of it for loading the same modules again.
 * Files that only compute do not need one. Apart runs whatever the rest of its process could feel, or that could feel
 * the rest: sockets, children, threads, signals, counted allocation, mocks, a changed environment; by its own text or
 * that of the support that it imports. What `src/` and `bench/` import says nothing: they act when they are called.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { pathToFileURL } from 'node:url';
import { importsOf } from '../tidy/scan.ts';

/** Modules of Node that mean more than computing. `worker_threads` and `v8` reach the whole process or measure it. */
const MODULES =
  /^import (?!type\b)[^;]*?'node:(?:net|tls|dgram|https?|http2|child_process|cluster|worker_threads|v8|inspector)'/m;
const CALLS =
  /\bmock\b|\bprocess\.(?:on|once|off|exit|exitCode|chdir|kill|umask)\b|\bprocess\.env\[[^\]]*\] = |\bstartPlane\(|\bfetch\(|\bglobalThis\b/;

/** Support that is imported for other things than what the patterns find in it: who uses those says `startPlane(`. */
const HARMLESS = ['test/support/plane.ts'];

/** Reads a file by its path from the root; undefined when there is none. */
export type ReadFile = (path: string) => string | undefined;

/** Whether a test file only computes. @param path from the root, with slashes. */
export function mayShare(path: string, read: ReadFile): boolean {
  const open = [path];
  const seen = new Set(open);
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const text = read(next) ?? '';
    if (!HARMLESS.includes(next) && (MODULES.test(text) || CALLS.test(text))) return false;
    for (const { specifier } of importsOf(text)) {
      const target = specifier.startsWith('.') ? posix.join(posix.dirname(next), specifier) : '';
      if (!target.endsWith('.ts') || !target.startsWith('test/') || seen.has(target)) continue;
      seen.add(target);
      open.push(target);
    }
  }
  return true;
}

/** Test files in groups, one process each: at most `cores` groups that share one, the others alone. */
export function groupsOf(root: string, files: readonly string[], cores: number): string[][] {
  const read = (path: string): string => readFileSync(join(root, path), 'utf8');
  const shared: string[][] = Array.from({ length: cores }, () => []);
  const alone: string[][] = [];
  let dealt = 0;
  for (const file of files) {
    if (mayShare(file, read)) (shared[dealt++ % cores] as string[]).push(file);
    else alone.push([file]);
  }
  return [...shared.filter((group) => group.length > 0), ...alone];
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
