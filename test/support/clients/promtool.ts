/**
 * Prometheus' own tool for checking rules and pages, run over files of a folder that goes with the test.
 */

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { findBinary } from '../runner/servers.ts';

/** Where it is, or null. */
export const PROMTOOL = findBinary('promtool');

export interface Told {
  readonly code: number | null;
  /** Both streams. */
  readonly output: string;
}

/** Runs it among these files, with `input` as its standard input. */
export async function promtool(
  t: TestContext,
  files: Readonly<Record<string, string>>,
  argv: readonly string[],
  input = '',
): Promise<Told> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-promtool-'));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  const child = spawn(PROMTOOL as string, argv, { cwd: folder, stdio: 'pipe' });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  // It may end before it has read everything.
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  return { code, output };
}
