/**
 * Reverts of configurations as a real guard convicts them, on a clock that is turned by hand.
 */

import { Random } from '#src/lib/random.ts';
import type { RevertDecision } from '#src/model/threads/revision.ts';
import { type Conviction, RevisionGuard } from '#src/slo/rollout/revision/guard.ts';
import { NO_COUNTS, type RouteCounts } from '#src/slo/rollout/revision/record.ts';

const WATCH_MS = 60_000;
const TICK_MS = 100;

/** What happens to the route that changes, `0`, and to the others. */
export interface RevertStory {
  readonly routes: number;
  /** Share of failures before the change, of every route. */
  readonly before: number;
  /** And of the changed route after it. */
  readonly after: number;
  /** The failures are answers of 400 to 499. */
  readonly isTurnedAway?: boolean;
  /** Turns between the change and the failures. */
  readonly calm?: number;
}

/** Plays a story until somebody is convicted; null: nobody is. */
export function convicted(seed: number, story: RevertStory): Conviction<string> | null {
  const random = new Random(seed);
  const counts: RouteCounts[] = Array.from({ length: story.routes }, () => NO_COUNTS);
  const guard = new RevisionGuard<string>((cells) => counts[cells[0] as number] as RouteCounts);
  guard.follow(
    counts.map((_, cell) => ({ name: `r${cell}`, cells: [cell] })),
    0,
  );
  let nowMs = 0;
  const turn = (share: number): Conviction<string> | null => {
    nowMs += TICK_MS;
    counts.forEach((sum, cell) => {
      const arrived = Math.floor(random.nextFloat() * 12);
      const p = cell === 0 ? share : story.before;
      const failed = Array.from({ length: arrived }, () => random.nextFloat() < p).filter(Boolean).length;
      const bad = cell === 0 && story.isTurnedAway === true ? 0 : failed;
      counts[cell] = {
        finished: sum.finished + arrived,
        bad: sum.bad + bad,
        answered: sum.answered + arrived,
        turnedAway: sum.turnedAway + failed,
      };
    });
    return guard.turn(nowMs, WATCH_MS);
  };
  for (let n = 0; n < 600; n++) turn(story.before);
  guard.begin(new Set(['r0']), 'before', nowMs);
  for (let n = 0; n < 590; n++) {
    const conviction = turn(n < (story.calm ?? 0) ? story.before : story.after);
    if (conviction !== null) return conviction;
  }
  return null;
}

/** The row that the log has of a conviction. */
export function revertOf({ base: _base, ...conviction }: Conviction<string>, id = 1): RevertDecision {
  const at = '2026-11-01T08:00:00.000Z';
  const revision = { revision: 7, from: 'a'.repeat(64), to: 'b'.repeat(64) };
  return { id, at, kind: 'revert', trigger: 'evidence', ...revision, ...conviction };
}
