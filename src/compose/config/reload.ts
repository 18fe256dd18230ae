/**
 * A reload that somebody waits for: everything is read again, and told is what came of it once every worker has that.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { nowMs } from '../../lib/clock.ts';
import type { ConfigStatus, SourceStatus } from '../../model/status.ts';
import type { ReloadAnswer } from '../../model/threads/revision.ts';

const LOOK_MS = 20;
/** Whoever asks has gone by then. */
const GIVE_UP_MS = 30_000;

/** What is read again. */
export interface Reloaded {
  /** Reads everything again, in the background. */
  reload(): void;
  reading(): { readonly looks: number; readonly pending: number; readonly sources: readonly SourceStatus[] };
  config(): Pick<ConfigStatus, 'hash' | 'reloads' | 'last'>;
  /** Of the revision in force, as people know it. */
  number(): number;
}

/** Reloads, and resolves with what came of it; within some 30 s, whatever the sources do. */
export async function reloadAndWait(read: Reloaded): Promise<ReloadAnswer> {
  const [before, config, atMs] = [read.reading(), read.config(), nowMs()];
  read.reload();
  const errors = new Map(before.sources.map((source) => [source.name, source.errors]));
  const isDone = (): boolean => {
    const { looks, pending, sources } = read.reading();
    return looks > before.looks && pending === 0 && sources.every((source) => hasAnswered(source, errors, atMs));
  };
  while (!isDone() && nowMs() - atMs < GIVE_UP_MS) await sleep(LOOK_MS);
  const { hash, reloads, last } = read.config();
  const isRefused = reloads.refused > config.reloads.refused && last.result === 'refused';
  const unanswered = read.reading().sources.filter(({ lastError }) => lastError !== '');
  return {
    kind: 'done',
    outcome: isRefused ? 'refused' : hash === config.hash ? 'unchanged' : 'accepted',
    number: read.number(),
    hash,
    problems: isRefused ? last.problems : [],
    unanswered: unanswered.map(({ name, lastError }) => ({ source: name, because: lastError })),
  };
}

/** Confirmed what it holds since then, or failed to. */
function hasAnswered(
  { name, staleMs, errors }: SourceStatus,
  before: ReadonlyMap<string, number>,
  atMs: number,
): boolean {
  return staleMs <= nowMs() - atMs || errors > (before.get(name) ?? 0);
}
