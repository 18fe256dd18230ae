/**
 * Outcomes of the macro bench, made up: what the report makes of them can then be said to the digit.
 */

import type { Usage } from '../../../../bench/macro/accounts/accounts.ts';
import type { ClosedSample } from '../../../../bench/macro/scenarios/closed.ts';
import type { LatencySample, LatencySeries } from '../../../../bench/macro/scenarios/latency.ts';
import type { ClosedOutcome, IdleOutcome, LatencyOutcome } from '../../../../bench/macro/scenarios/outcome.ts';
import { type ClosedScenario, SCENARIOS, type Series } from '../../../../bench/macro/scenarios/scenario.ts';

export const QUIET: Usage = {
  gatewaySeconds: 1,
  gatewayRatio: 0.95,
  loadCoreRatio: 0.8,
  noiseRatio: 0.01,
  stealRatio: 0,
};

/** A gateway with these CPU times per request, round by round. */
export function closedSeries(
  name: string,
  cpuUs: readonly number[],
  more: Partial<Series<ClosedSample>> = {},
  usage: Partial<Usage> = {},
): Series<ClosedSample> {
  const samples = cpuUs.map((us) => ({
    cpuUs: us,
    requestsPerSecond: 1e6 / us,
    p50Ms: 1,
    p99Ms: 2,
    usage: { ...QUIET, ...usage },
  }));
  return { name, version: '1.0', variant: '', refused: null, samples, ...more };
}

/** A closed scenario by name with these series. */
export function closedOutcome(name: string, series: readonly Series<ClosedSample>[]): ClosedOutcome {
  const scenario = SCENARIOS.find((one): one is ClosedScenario => one.kind === 'closed' && one.name === name);
  if (scenario === undefined) throw new Error(`no scenario ${name}`);
  return { kind: 'closed', scenario, series };
}

/** A row of the latency scenario with these 99th percentiles, round by round. */
export function latencySeries(
  name: string,
  p99Ms: readonly number[],
  more: Partial<LatencySample> = {},
  rate = 10_000,
): LatencySeries {
  const samples = p99Ms.map((ms) => ({
    requests: 1_000,
    unanswered: 0,
    waited: 10,
    p50Ms: ms / 2,
    p99Ms: ms,
    p999Ms: ms * 2,
    maxMs: ms * 3,
    lateP99Ms: 0.05,
    cpuUs: 40,
    usage: QUIET,
    ...more,
  }));
  const saturatedRate = name === 'direct' ? null : 20_000;
  return { name, version: '', variant: '', refused: null, rate, saturatedRate, samples };
}

export function latencyOutcome(series: readonly LatencySeries[]): LatencyOutcome {
  const scenario = SCENARIOS.find((one) => one.kind === 'latency');
  if (scenario === undefined) throw new Error('no latency scenario');
  return { kind: 'latency', scenario, series };
}

/** The idle scenario with Sluice at these KiB per connection. */
export function idleOutcome(kibs: readonly number[]): IdleOutcome {
  const scenario = SCENARIOS.find((one) => one.kind === 'idle');
  if (scenario === undefined) throw new Error('no idle scenario');
  const samples = kibs.map((kib) => ({
    connections: 1_000,
    baselineKib: 102_400,
    heldKib: 102_400 + kib * 1_000,
    kibPerConnection: kib,
  }));
  return { kind: 'idle', scenario, series: [{ name: 'sluice', version: '1.0', variant: '', refused: null, samples }] };
}
