/**
 * What a scenario gave, and running one whatever its kind.
 */

import type { Session } from '../session.ts';
import { type ClosedSample, runClosed } from './closed.ts';
import { type IdleSample, runIdle } from './idle.ts';
import { type LatencySeries, runLatency } from './latency.ts';
import type { ClosedScenario, IdleScenario, LatencyScenario, Scenario, Series } from './scenario.ts';

export interface ClosedOutcome {
  readonly kind: 'closed';
  readonly scenario: ClosedScenario;
  readonly series: readonly Series<ClosedSample>[];
}

export interface LatencyOutcome {
  readonly kind: 'latency';
  readonly scenario: LatencyScenario;
  readonly series: readonly LatencySeries[];
}

export interface IdleOutcome {
  readonly kind: 'idle';
  readonly scenario: IdleScenario;
  readonly series: readonly Series<IdleSample>[];
}

export type Outcome = ClosedOutcome | LatencyOutcome | IdleOutcome;

/** Runs one scenario. @throws when a gateway does not start or the run is stopped */
export async function runScenario(scenario: Scenario, session: Session): Promise<Outcome> {
  switch (scenario.kind) {
    case 'closed':
      return { kind: 'closed', scenario, series: await runClosed(scenario, session) };
    case 'latency':
      return { kind: 'latency', scenario, series: await runLatency(scenario, session) };
    case 'idle':
      return { kind: 'idle', scenario, series: await runIdle(scenario, session) };
  }
}
