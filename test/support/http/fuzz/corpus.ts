/**
 * Committed inputs of the fuzz tests: JSON lists of Latin-1 texts, by folder.
 */

import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

const SEED_BYTES_MAX = 1000;
const ROOT = join(import.meta.dirname, '../../../fuzz/corpus');

/** Every list of a folder with its file's name. */
export function corpusOf(folder: string): readonly (readonly [name: string, texts: readonly string[]])[] {
  return globSync('*.json', { cwd: join(ROOT, folder) })
    .sort()
    .map((file) => [basename(file, '.json'), listOf(`${folder}/${basename(file, '.json')}`)] as const);
}

/** One list, by its path without ending. */
export function listOf(path: string): string[] {
  return JSON.parse(readFileSync(join(ROOT, `${path}.json`), 'utf8')) as string[];
}

/** Texts to start a search from. Those that show a limit of size are left out: a search over them is ten times slower. */
export function seedsOf(folder: string): readonly string[] {
  return corpusOf(folder).flatMap(([, texts]) => texts.filter(({ length }) => length <= SEED_BYTES_MAX));
}
