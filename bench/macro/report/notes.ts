/**
 * What a reader must know before believing a scenario's table: whether the machine was quiet, and who was the bottleneck.
 */

import type { Usage } from '../accounts/accounts.ts';
import type { ClosedOutcome, LatencyOutcome, Outcome } from '../scenarios/outcome.ts';
import { measured, nameOf } from './compare.ts';
import { median } from './statistics.ts';

/** Time of the pinned cores that others may take, in cores, before the machine counts as not quiet. */
export const NOISE_MAX = 0.05;
/** The same for what the hypervisor takes. */
export const STEAL_MAX = 0.02;
/** Above this the load's core, not the gateway, limited the requests per second. */
const LOAD_BUSY_MAX = 0.97;
const GATEWAY_BUSY_MIN = 0.9;
/** The open loop's own lateness above which its latencies are its own. */
const LATE_MAX_MS = 0.3;

/** A measurement during which others used the machine. */
interface Disturbance {
  readonly name: string;
  readonly round: number;
  readonly cores: number;
}

function usagesOf(outcome: Outcome): { name: string; round: number; usage: Usage }[] {
  if (outcome.kind === 'idle') return [];
  return outcome.series.flatMap(({ name, samples }) =>
    samples.map(({ usage }, index) => ({ name, round: index + 1, usage })),
  );
}

function disturbances(outcome: Outcome, ratio: (usage: Usage) => number | null, max: number): Disturbance[] {
  return usagesOf(outcome)
    .map(({ name, round, usage }) => ({ name, round, cores: ratio(usage) ?? 0 }))
    .filter(({ cores }) => cores > max);
}

function disturbanceNote(who: string, outcome: Outcome, found: readonly Disturbance[]): string[] {
  const [worst] = found.toSorted((a, b) => b.cores - a.cores);
  if (worst === undefined) return [];
  const where = `${worst.cores.toFixed(2)} of a core (${worst.name}, round ${worst.round})`;
  return [
    `NOT QUIET: ${who} took up to ${where}, too much in ${found.length} of ${usagesOf(outcome).length} measurements`,
  ];
}

/** Whether others left the machine alone while this was measured. */
export function isQuiet(outcome: Outcome): boolean {
  const noisy = disturbances(outcome, ({ noiseRatio }) => noiseRatio, NOISE_MAX);
  const stolen = disturbances(outcome, ({ stealRatio }) => stealRatio, STEAL_MAX);
  return noisy.length + stolen.length === 0;
}

/** Rows whose requests per second were limited by the load's core. */
function bottleneckNote({ series }: ClosedOutcome): string[] {
  const limited = measured(series).filter(({ samples }) => {
    const load = median(samples.map(({ usage }) => usage.loadCoreRatio ?? 0));
    return load > LOAD_BUSY_MAX && median(samples.map(({ usage }) => usage.gatewayRatio)) < GATEWAY_BUSY_MIN;
  });
  if (limited.length === 0) return [];
  return [
    `load and upstream were the bottleneck of ${limited.map(nameOf).join(', ')}: requests/s and latency are theirs`,
  ];
}

/** Rows for which the load generator could not keep to its schedule. */
function lateNote({ series }: LatencyOutcome): string[] {
  const late = measured(series).filter(
    ({ samples }) => median(samples.flatMap(({ lateP99Ms }) => lateP99Ms ?? [])) > LATE_MAX_MS,
  );
  return late.length === 0 ? [] : [`the load generator itself was late with ${late.map(nameOf).join(', ')}`];
}

/** What spoils rows of a scenario; empty when all is well. */
export function notesOf(outcome: Outcome): string[] {
  return [
    ...disturbanceNote(
      'others',
      outcome,
      disturbances(outcome, ({ noiseRatio }) => noiseRatio, NOISE_MAX),
    ),
    ...disturbanceNote(
      'the hypervisor',
      outcome,
      disturbances(outcome, ({ stealRatio }) => stealRatio, STEAL_MAX),
    ),
    ...(outcome.kind === 'closed' ? bottleneckNote(outcome) : []),
    ...(outcome.kind === 'latency' ? lateNote(outcome) : []),
  ];
}
