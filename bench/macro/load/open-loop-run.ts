/**
 * Runs the open loop once in a process of its own and tells when its measured time begins and ends.
 */

import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { findBinary } from '../../../test/support/runner/servers.ts';
import type { Child, Children } from '../children.ts';
import type { Spacing } from './arrivals.ts';
import type { OpenLoopResult } from './open-loop.ts';

/** What the process is to do. */
export interface OpenLoopOrder {
  readonly port: number;
  readonly connections: number;
  /** Mean requests per second. */
  readonly rate: number;
  readonly spacing: Spacing;
  readonly seed: number;
  readonly warmUpMs: number;
  readonly measureMs: number;
  /** Its figures mean nothing: it takes its turns like everybody else. */
  readonly isSmoke: boolean;
}

/** Called around the measured time, with the generator's process. */
export interface Around {
  readonly onBegin: (pid: number) => void;
  readonly onEnd: (pid: number) => void;
}

/**
 * The loop never sleeps; under the idle policy whatever else wants its core goes first. Without a core of its own, on a
 * busy machine, it would never have its turn.
 */
function commandOf(order: OpenLoopOrder, cores: readonly number[]): readonly string[] {
  const isIdle = cores.length > 0 && !order.isSmoke && findBinary('chrt') !== null;
  const idle = isIdle ? ['chrt', '--idle', '0'] : [];
  return [...idle, process.execPath, join(import.meta.dirname, 'open-loop-child.ts'), JSON.stringify(order)];
}

/** Waits for a child's end. @returns its exit code; null = by a signal */
function endOf({ process: child }: Child): Promise<number | null> {
  return new Promise((resolve) => {
    child.once('close', resolve);
  });
}

/** Reads the last line. @throws when a number is missing or something was left unanswered */
export function parseOpenLoopResult(line: string): OpenLoopResult {
  const result = JSON.parse(line) as Record<string, unknown>;
  for (const field of ['requests', 'unanswered', 'waited', 'p50Ms', 'p99Ms', 'p999Ms', 'maxMs', 'lateP99Ms']) {
    // Where every request waited for a connection, nothing tells how late the loop itself was.
    const isUnknown = field === 'lateP99Ms' && result[field] === null && result['waited'] === result['requests'];
    if (typeof result[field] !== 'number' && !isUnknown) throw new Error(`the open loop reported no ${field}: ${line}`);
  }
  const { requests, unanswered } = result as unknown as OpenLoopResult;
  if (unanswered > 0) throw new Error(`${unanswered} of ${requests} requests were not answered`);
  return result as unknown as OpenLoopResult;
}

/** One run on these cores. @throws when an answer was bad, a connection ended or the run was stopped */
export async function runOpenLoop(
  children: Children,
  cores: readonly number[],
  order: OpenLoopOrder,
  around: Around,
): Promise<OpenLoopResult> {
  const child = children.start('open loop', cores, commandOf(order, cores));
  const end = endOf(child);
  if (child.process.stdout === null) throw new Error('the open loop has no output');
  let last = '';
  for await (const line of createInterface({ input: child.process.stdout })) {
    if (line === 'begin') around.onBegin(child.pid);
    else if (line === 'end') around.onEnd(child.pid);
    else last = line;
  }
  const code = await end;
  if (code !== 0) throw new Error(`the open loop ended with ${code ?? 'a signal'}: ${child.output()}`);
  return parseOpenLoopResult(last);
}
