/**
 * Composition of what the commands about the decision log need: reading it, writing it out, judging it again.
 */

import type { Config } from '../../model/config.ts';
import { SluiceError } from '../../model/problem.ts';
import type { RolloutSpec } from '../../model/rollout.ts';
import type { LoggedDecision } from '../../model/slo.ts';
import type { LogLine } from '../../model/threads/state.ts';
import { type Backtest, backtest } from '../../slo/replay/backtest.ts';
import { respecOf } from '../../snapshot/rollouts.ts';
import { formatLine, readLog } from '../../state/read.ts';

/** What the command line is handed. */
export const logTools = { read: readLog, format: formatLine, replay };

/**
 * Judges a log again.
 * @param policies a configuration whose rollouts judge; null: the policies of then
 * @throws SluiceError SLU_LOG_UNREADABLE
 */
function replay(lines: Iterable<LogLine>, policies: Config | null): Backtest {
  const respec = policies === null ? (spec: RolloutSpec) => spec : respecOf(policies);
  const decisions: LoggedDecision[] = [];
  try {
    return backtest(segmentsOf(lines, decisions), decisions, respec);
  } catch (error) {
    if (error instanceof SluiceError) throw error;
    const message = error instanceof Error ? error.message : String(error);
    throw new SluiceError('SLU_LOG_UNREADABLE', `the log cannot be replayed: ${message}`, { cause: error });
  }
}

/** Decisions stand before the segments; they are gathered on the way. */
function* segmentsOf(
  lines: Iterable<LogLine>,
  decisions: LoggedDecision[],
): Generator<Extract<LogLine, { kind: 'segment' }>> {
  for (const line of lines) {
    if (line.kind === 'decision') decisions.push(JSON.parse(line.body) as LoggedDecision);
    if (line.kind === 'segment') yield line;
  }
}
