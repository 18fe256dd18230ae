/**
 * Runs `child.ts` and collects what it says.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const CHILD = fileURLToPath(new URL('./child.ts', import.meta.url));

/** A line of the child; which fields it has depends on the event. */
export interface ChildLine {
  readonly event: string;
  readonly turn?: number;
  readonly id?: number;
  readonly rowsPending?: number;
  readonly seq?: number;
  readonly health?: string;
  readonly pid?: number;
  readonly because?: string;
}

export interface ChildRun {
  readonly lines: readonly ChildLine[];
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface ChildOptions {
  readonly directory: string;
  readonly firstId?: number;
  readonly budgetBytes?: number;
  /** A shell's command line around the child; `"$@"` stands for it. */
  readonly shell?: string;
  /** Sees every line; ends the child by its process. */
  readonly onLine: (line: ChildLine, child: ChildProcess) => void;
}

/** Runs the child until it ends. */
export async function runChild(options: ChildOptions): Promise<ChildRun> {
  const { directory, firstId = 1, budgetBytes = 12_000, shell, onLine } = options;
  const command = [process.execPath, CHILD, directory, String(firstId), String(budgetBytes)];
  const [file = '', ...args] = shell === undefined ? command : ['/bin/sh', '-c', shell, 'sh', ...command];
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const lines: ChildLine[] = [];
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const ended = new Promise<Pick<ChildRun, 'code' | 'signal'>>((resolve) =>
    child.once('close', (code, signal) => resolve({ code, signal })),
  );
  try {
    for await (const text of createInterface({ input: child.stdout })) {
      // A killed process may leave half a line.
      if (!text.endsWith('}')) continue;
      const line = JSON.parse(text) as ChildLine;
      lines.push(line);
      onLine(line, child);
    }
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
  const end = await ended;
  if (lines.length === 0) throw new Error(`the child said nothing: ${errors}`);
  return { lines, ...end };
}
