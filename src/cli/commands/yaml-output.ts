/**
 * `-o yaml` of every command that has `-o json`: the same facts, a YAML document for each of JSON.
 *
 * The command is run for JSON, and what it writes is written anew. Characters that a terminal would obey are escaped.
 */

import type { CliDeps, Output } from '../deps.ts';

/** Arguments that ask for YAML ask for JSON instead; null: they do not ask for it. */
export function asksYaml(argv: readonly string[]): string[] | null {
  const end = argv.indexOf('--');
  const isBefore = (at: number): boolean => end === -1 || at < end;
  let isAsked = false;
  const asked = argv.map((word, at) => {
    const isValue = word === 'yaml' && (argv[at - 1] === '-o' || argv[at - 1] === '--output');
    const isWhole = word === '-oyaml' || word === '--output=yaml';
    if (!isBefore(at) || (!isValue && !isWhole)) return word;
    isAsked = true;
    return isValue ? 'json' : '--output=json';
  });
  return isAsked ? asked : null;
}

/**
 * Runs a command for JSON in surroundings whose standard output writes it as YAML. Whole lines that are no JSON are written as they are,
 * at once.
 */
export async function runForYaml(run: (deps: CliDeps) => Promise<number>, deps: CliDeps): Promise<number> {
  const tools = await deps.slo();
  const { stdout } = deps;
  let rest = '';
  let count = 0;
  const write = (text: string): void => {
    rest += text;
    if (!text.endsWith('\n')) return;
    const lines = rest;
    rest = '';
    const documents = documentsIn(lines);
    if (documents === null) {
      stdout.write(lines);
      return;
    }
    for (const document of documents) {
      stdout.write(`${count++ === 0 ? '' : '---\n'}${tools.writeYaml([document])}`);
    }
  };
  const output: Output = { write, on: (event, listener) => stdout.on(event, listener) };
  try {
    return await run({ ...deps, stdout: output });
  } finally {
    if (rest !== '') stdout.write(rest);
  }
}

/** One JSON value, or one on each line; null: neither. */
function documentsIn(text: string): unknown[] | null {
  for (const parts of [[text], text.trimEnd().split('\n')]) {
    try {
      return parts.map((part) => JSON.parse(part) as unknown);
    } catch {
      // Not so: one on each line, or none.
    }
  }
  return null;
}
