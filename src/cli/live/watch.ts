/**
 * `sluice status --watch`: the status again and again, in one place on a terminal, elsewhere a line for whatever changes.
 */

import type { Status } from '../../model/status.ts';
import { asking, refuse } from '../admin/ask/asking.ts';
import { fetchStatus, reasonOf } from '../admin/ask/client.ts';
import type { CliDeps } from '../deps.ts';
import { endingOf, pause, untilEnd } from './ending.ts';
import { createFrames } from './frames.ts';

/** What is watched, and how it is told. */
export interface Watched {
  readonly adminUrl: string;
  readonly everyMs: number;
  readonly isJson: boolean;
  /** Why there is nothing to watch; empty: there is. */
  missing(status: Status): string;
  lines(status: Status): readonly string[];
  /** The facts of it whose changes are told where there is no terminal, a line each. */
  facts(status: Status): readonly string[];
  /** What is watched of it, as JSON. */
  part(status: Status): unknown;
}

/** Shows it until it is interrupted; who never answers is unreachable, who is away for a while is waited for. @returns the exit code */
export async function watchStatus(watched: Watched, deps: CliDeps): Promise<number> {
  const { adminUrl } = watched;
  const first = await asking(adminUrl, deps, fetchStatus);
  if ('exit' in first) return first.exit;
  const missing = watched.missing(first.answer);
  if (missing !== '') return refuse(missing, deps);
  const ending = endingOf(deps);
  const frames = createFrames(deps.stdout);
  const show = frameOf(watched, frames.isTerminal);
  let last = first.answer;
  try {
    put(last, '');
    while (await pause(ending, watched.everyMs)) {
      const answer = await untilEnd(ending, fetchStatus(adminUrl).catch(reasonOf));
      if (answer === null) break;
      const isAway = typeof answer === 'string';
      if (!isAway) last = answer;
      put(last, isAway ? `cannot reach the admin server at ${adminUrl}: ${answer}` : '');
    }
  } finally {
    frames.end();
    ending.release();
  }
  return ending.code();

  function put(status: Status, away: string): void {
    if (watched.isJson) {
      if (away === '') deps.stdout.write(`${JSON.stringify(watched.part(status))}\n`);
    } else frames.show(show(status, away));
  }
}

function frameOf(watched: Watched, isTerminal: boolean): (status: Status, away: string) => readonly string[] {
  return (status, away) => {
    const told = isTerminal ? watched.lines(status) : watched.facts(status);
    return [...told, watched.missing(status), away].filter((line, n) => n < told.length || line !== '');
  };
}
