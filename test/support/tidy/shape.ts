/**
 * Sizes and headers: how long a file, how full a folder, what its first lines say.
 *
 * The length of functions and the number of their parameters are counted by Biome's parser, whose report is judged
 * here; everything else is counted on the text.
 */

import { type Finding, lineAt, type Rule, type SourceFile, under } from './files.ts';
import { scan } from './scan.ts';

export const FILE_LINES_MAX = 400;
export const FOLDER_ENTRIES_MAX = 14;

/** Collections that grow by one file per past failure, decision or release. */
const UNBOUNDED_FOLDERS = ['test/fuzz/corpus', 'test/regression', 'docs/adr', 'bench/results'];
/** Its folders are the sections of the architecture, as the dependency table lists them. */
const SECTIONS_FOLDER = 'src';

function typeScript(files: readonly SourceFile[]): SourceFile[] {
  return [
    ...['src/', 'test/', 'bench/'].flatMap((folder) => under(files, folder, '.ts')),
    ...under(files, 'src/', '.js'),
  ];
}

function countLines(text: string): number {
  return lineAt(text, text.length) - (text.endsWith('\n') ? 1 : 0);
}

/** No file of code is longer than `FILE_LINES_MAX` lines. */
export const fileSizeRule: Rule = (files) =>
  typeScript(files)
    .map((file) => ({ path: file.path, lines: countLines(file.text) }))
    .filter(({ lines }) => lines > FILE_LINES_MAX)
    .map(({ path, lines }) => ({
      rule: 'file-size',
      path,
      line: 0,
      message: `${lines} lines, at most ${FILE_LINES_MAX}`,
    }));

/** Every folder of `src`, `test` and `bench` holds at most `FOLDER_ENTRIES_MAX` entries. */
export const folderSizeRule: Rule = (files) => {
  const exempt = new Set([...UNBOUNDED_FOLDERS, SECTIONS_FOLDER]);
  const entries = new Map<string, Set<string>>();
  for (const { path } of files) {
    const parts = path.split('/');
    if (!['src', 'test', 'bench'].includes(parts[0] ?? '')) continue;
    for (let depth = 1; depth < parts.length; depth++) {
      const folder = parts.slice(0, depth).join('/');
      const known = entries.get(folder) ?? new Set();
      entries.set(folder, known.add(parts[depth] ?? ''));
    }
  }
  return [...entries]
    .filter(([folder, names]) => names.size > FOLDER_ENTRIES_MAX && !exempt.has(folder))
    .map(([folder, names]) => ({
      rule: 'folder-size',
      path: folder,
      line: 0,
      message: `${names.size} entries, at most ${FOLDER_ENTRIES_MAX}`,
    }));
};

/** The text of the comment that opens a file, without its stars; empty when there is none. */
export function headerOf(text: string): string {
  const body = /^(?:#![^\n]*\n)?\/\*\*([\s\S]*?)\*\//.exec(text)?.[1] ?? '';
  return body
    .split('\n')
    .map((line) => line.replace(/^\s*\*? ?/, ''))
    .join('\n')
    .trim();
}

/** Every file but a test begins with a comment whose first sentence is its one responsibility. */
export const headerRule: Rule = (files) =>
  typeScript(files)
    .filter(({ path }) => !path.endsWith('.test.ts'))
    .flatMap(({ path, text }) => {
      const header = headerOf(text);
      const firstParagraph = header.split(/\n\s*\n/)[0] ?? '';
      const message =
        header === ''
          ? 'no header comment'
          : /[.:?](?:\s|$)/.test(firstParagraph)
            ? ''
            : 'the header has no first sentence';
      return message === '' ? [] : [{ rule: 'header', path, line: 1, message }];
    });

/** The line before the one that begins at `offset`; empty before the first. */
function lineBefore(text: string, offset: number): string {
  const before = text.slice(0, Math.max(0, offset - 1));
  return before.slice(before.lastIndexOf('\n') + 1);
}

/** An exported function of `src` is preceded by a comment. */
export const documentedRule: Rule = (files) =>
  under(files, 'src/', '.ts').flatMap(({ path, text }) => {
    const { code, comments } = scan(text);
    return [...code.matchAll(/^export (?:async )?function\b\*?\s*(\w*)/gm)]
      .filter(({ index }) => !lineBefore(comments, index).trimEnd().endsWith('*/'))
      .map(({ index, 1: name }) => ({
        rule: 'documented',
        path,
        line: lineAt(code, index),
        message: `${name} is exported without a comment`,
      }));
  });

/** The part of Biome's JSON report that counts here. */
interface BiomeReport {
  readonly diagnostics: readonly {
    readonly category: string;
    readonly message: string;
    readonly location: { readonly path: string; readonly start?: { readonly line: number } };
  }[];
}

/** Turns a report of `biome lint --reporter=json` into findings. @throws SyntaxError when it is not JSON */
export function functionShapeFindings(reportJson: string): Finding[] {
  const report = JSON.parse(reportJson) as BiomeReport;
  return report.diagnostics
    .filter(({ category }) => category.startsWith('lint/complexity/'))
    .map(({ category, message, location }) => ({
      rule: `function-shape (${category.split('/').at(-1)})`,
      path: location.path,
      line: location.start?.line ?? 0,
      message,
    }));
}
