/**
 * The repository as a list of texts, which is all that the house rules see.
 *
 * Reading is kept apart from judging: every rule is a pure function over `SourceFile[]`, so a test can show it a list
 * that breaks it. What `.gitignore` names is not read, nor are binary files.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';

/** One text file. */
export interface SourceFile {
  /** Relative to the repository's root, with `/`. */
  readonly path: string;
  readonly text: string;
}

/** One broken rule. */
export interface Finding {
  readonly rule: string;
  readonly path: string;
  /** 1-based; 0 when the file as a whole is meant. */
  readonly line: number;
  readonly message: string;
}

/** A house rule: the findings in a list of files, none when all is well. */
export type Rule = (files: readonly SourceFile[]) => Finding[];

/** `src/a.ts:3: dependency: proxy may not import slo` */
export function formatFinding(finding: Finding): string {
  const line = finding.line === 0 ? '' : `:${finding.line}`;
  return `${finding.path}${line}: ${finding.rule}: ${finding.message}`;
}

/** 1-based line of a character offset. */
export function lineAt(text: string, offset: number): number {
  let line = 1;
  for (let at = text.indexOf('\n'); at !== -1 && at < offset; at = text.indexOf('\n', at + 1)) line += 1;
  return line;
}

const indexes = new WeakMap<readonly SourceFile[], ReadonlyMap<string, SourceFile>>();

/** The file of that path, or undefined. Cost: one pass over the files, remembered for the next question about these. */
export function fileOf(files: readonly SourceFile[], path: string): SourceFile | undefined {
  const index = indexes.get(files) ?? new Map(files.map((file) => [file.path, file]));
  indexes.set(files, index);
  return index.get(path);
}

/** Files under a folder (`src/`) whose name ends like that (`.ts`). */
export function under(files: readonly SourceFile[], folder: string, ending: string): SourceFile[] {
  return files.filter((file) => file.path.startsWith(folder) && file.path.endsWith(ending));
}

/**
 * Whether `.gitignore` names a path, in its simple forms: `name/`, `*.ending`, and `/name/` at the root alone. Anything cleverer
 * throws, so that this reading of the file cannot silently differ from git's.
 * @throws Error on a pattern it does not know
 */
export function readIgnored(text: string): (path: string) => boolean {
  const names = new Set(['.git']);
  const rooted = new Set<string>();
  const endings: string[] = [];
  for (const line of text.split('\n')) {
    const pattern = line.trim();
    if (pattern === '' || pattern.startsWith('#')) continue;
    const [, root, folder] = /^(\/?)([\w.-]+)\/?$/.exec(pattern) ?? [];
    const ending = /^\*(\.[\w.]+)$/.exec(pattern);
    if (folder !== undefined) (root === '/' ? rooted : names).add(folder);
    else if (ending?.[1] !== undefined) endings.push(ending[1]);
    else throw new Error(`.gitignore: pattern not understood: ${pattern}`);
  }
  return (path) =>
    rooted.has(path) || names.has(posix.basename(path)) || endings.some((ending) => path.endsWith(ending));
}

/** Every text file below `root` that is not ignored, sorted by path. */
export function readRepository(root: string): SourceFile[] {
  const isIgnored = readIgnored(readFileSync(join(root, '.gitignore'), 'utf8'));
  const files: SourceFile[] = [];
  const visit = (folder: string): void => {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (isIgnored(path)) continue;
      if (entry.isDirectory()) visit(path);
      else if (entry.isFile()) {
        const text = readFileSync(join(root, path), 'utf8');
        if (!text.includes('\0')) files.push({ path, text });
      }
    }
  };
  visit('');
  return files.sort((a, b) => (a.path < b.path ? -1 : 1));
}
