/**
 * One table per scenario, and what a reader must know before believing it.
 */

import type { Usage } from '../accounts/accounts.ts';
import { DIRECT } from '../scenarios/latency.ts';
import type { ClosedOutcome, IdleOutcome, LatencyOutcome, Outcome } from '../scenarios/outcome.ts';
import type { Series } from '../scenarios/scenario.ts';
import { type ClosedSeries, cheaperOf, cpuOf, cpuRatio, find, measured, p99Difference } from './compare.ts';
import { median, spreadOf } from './statistics.ts';
import { align, fixed, percent, rangeText, spreadText } from './table.ts';

/** Time of the pinned cores that others may take, in cores, before the machine counts as not quiet. */
export const NOISE_MAX = 0.05;
/** The same for what the hypervisor takes. */
export const STEAL_MAX = 0.02;
/** Above this the load's core, not the gateway, limited the requests per second. */
const LOAD_BUSY_MAX = 0.97;
const GATEWAY_BUSY_MIN = 0.9;
/** The open loop's own lateness above which its latencies are its own. */
const LATE_MAX_MS = 0.3;

function nameOf({ name, version, variant }: Series<unknown>): string {
  return [name, version, variant].filter((part) => part !== '').join(' ');
}

function middle<S>(samples: readonly S[], figure: (sample: S) => number): number {
  return median(samples.map(figure));
}

function closedTable({ scenario, series }: ClosedOutcome): string {
  const head = [
    scenario.title,
    `CPU us/${scenario.unit}`,
    'min..max',
    'x cheaper',
    'min..max',
    'requests/s',
    'p50 ms',
    'p99 ms',
    'own core',
    'load core',
    'noise',
  ];
  const rows = measured(series).map((one: ClosedSeries) => {
    const { samples } = one;
    const cpu = spreadOf(cpuOf(one));
    const base = cheaperOf(series, one.variant);
    const ratio = base === null ? null : cpuRatio(one, base);
    return [
      nameOf(one),
      fixed(cpu.median, 1),
      rangeText(cpu, 1),
      ratio === null ? '-' : fixed(ratio.median, 2),
      ratio === null ? '-' : rangeText(ratio, 2),
      fixed(
        middle(samples, (sample) => sample.requestsPerSecond),
        0,
      ),
      fixed(
        middle(samples, (sample) => sample.p50Ms),
        2,
      ),
      fixed(
        middle(samples, (sample) => sample.p99Ms),
        2,
      ),
      percent(middle(samples, ({ usage }) => usage.gatewayRatio)),
      percent(middle(samples, ({ usage }) => usage.loadCoreRatio ?? Number.NaN)),
      percent(middle(samples, ({ usage }) => usage.noiseRatio ?? Number.NaN)),
    ];
  });
  return align([head, ...rows]);
}

/** `sluice: CPU 1.02 x nginx (0.98..1.05), …` per variant, then each gateway's last variant against its first. */
function closedLines({ scenario, series }: ClosedOutcome): string[] {
  const lines = scenario.variants.flatMap(({ label }) => {
    const own = find(series, 'sluice', label);
    const others = measured(series).filter((one) => one !== own && one.variant === label);
    if (own === null || others.length === 0) return [];
    const parts = others.map((one: ClosedSeries) => {
      const ratio = cpuRatio(own, one);
      return `${fixed(ratio.median, 2)} x ${one.name} (${rangeText(ratio, 2)})`;
    });
    return [`sluice${label === '' ? '' : `, ${label}`}: CPU per ${scenario.unit} ${parts.join(', ')}`];
  });
  const [first, last] = [scenario.variants.at(0), scenario.variants.at(-1)];
  if (first === undefined || last === undefined || first === last) return lines;
  const changes = scenario.contenders.flatMap((name) => {
    const from = find(series, name, first.label);
    const to = find(series, name, last.label);
    return from === null || to === null ? [] : [`${name} ${spreadText(cpuRatio(to, from), 2)}`];
  });
  return changes.length === 0 ? lines : [...lines, `${last.label} : ${first.label}: ${changes.join(', ')}`];
}

function latencyTable({ scenario, series }: LatencyOutcome): string {
  const base = find(series, 'nginx');
  const head = [
    `${scenario.title}, ${scenario.connections} connections`,
    'rate/s',
    'of saturation',
    'p50 ms',
    'p99 ms',
    'min..max',
    'p99 - nginx',
    'min..max',
    'p99.9 ms',
    'max ms',
    'CPU us/request',
    'waited',
    'late p99 ms',
  ];
  const rows = measured(series).map((one) => {
    const { samples, rate, saturatedRate } = one;
    const p99 = spreadOf(samples.map(({ p99Ms }) => p99Ms));
    const isComparable = base !== null && one !== base && one.rate === base.rate;
    const more = isComparable ? p99Difference(one, base) : null;
    return [
      nameOf(one),
      fixed(rate, 0),
      percent(saturatedRate === null ? null : rate / saturatedRate),
      fixed(
        middle(samples, ({ p50Ms }) => p50Ms),
        3,
      ),
      fixed(p99.median, 3),
      rangeText(p99, 3),
      more === null ? '-' : fixed(more.median, 3),
      more === null ? '-' : rangeText(more, 3),
      fixed(
        middle(samples, ({ p999Ms }) => p999Ms),
        3,
      ),
      fixed(
        middle(samples, ({ maxMs }) => maxMs),
        1,
      ),
      one.name === DIRECT
        ? '-'
        : fixed(
            middle(samples, ({ cpuUs }) => cpuUs),
            1,
          ),
      percent(middle(samples, ({ waited, requests }) => waited / requests)),
      fixed(
        middle(samples, ({ lateP99Ms }) => lateP99Ms),
        3,
      ),
    ];
  });
  return align([head, ...rows]);
}

function idleTable({ scenario, series }: IdleOutcome): string {
  const head = [scenario.title, 'connections', 'KiB each', 'min..max', 'RSS before MiB', 'RSS with them MiB'];
  const rows = measured(series).map((one) => {
    const { samples } = one;
    const each = spreadOf(samples.map(({ kibPerConnection }) => kibPerConnection));
    return [
      nameOf(one),
      fixed(
        middle(samples, ({ connections }) => connections),
        0,
      ),
      fixed(each.median, 2),
      rangeText(each, 2),
      fixed(middle(samples, ({ baselineKib }) => baselineKib) / 1_024, 1),
      fixed(middle(samples, ({ heldKib }) => heldKib) / 1_024, 1),
    ];
  });
  return align([head, ...rows]);
}

/** The table of a scenario with the lines that belong under it. */
export function renderOutcome(outcome: Outcome): string {
  const refused = outcome.series
    .filter((one) => one.refused !== null)
    .map((one) => `refused: ${nameOf(one)}: ${one.refused}`);
  const body = outcome.kind === 'latency' ? [latencyTable(outcome)] : bodyOf(outcome);
  return [...body, ...refused, ...notesOf(outcome).map((note) => `note: ${note}`)].join('\n');
}

function bodyOf(outcome: ClosedOutcome | IdleOutcome): string[] {
  return outcome.kind === 'closed' ? [closedTable(outcome), ...closedLines(outcome)] : [idleTable(outcome)];
}

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

/** What spoils rows of a scenario; empty when all is well. */
export function notesOf(outcome: Outcome): string[] {
  const notes = [
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
  ];
  if (outcome.kind === 'closed') {
    const limited = measured(outcome.series).filter(({ samples }) => {
      const load = middle(samples, ({ usage }) => usage.loadCoreRatio ?? 0);
      return load > LOAD_BUSY_MAX && middle(samples, ({ usage }) => usage.gatewayRatio) < GATEWAY_BUSY_MIN;
    });
    if (limited.length > 0) {
      const names = limited.map(nameOf).join(', ');
      notes.push(`load and upstream were the bottleneck of ${names}: requests/s and latency are theirs`);
    }
  }
  if (outcome.kind === 'latency') {
    const late = measured(outcome.series).filter(
      ({ samples }) => middle(samples, (one) => one.lateP99Ms) > LATE_MAX_MS,
    );
    if (late.length > 0) notes.push(`the load generator itself was late with ${late.map(nameOf).join(', ')}`);
  }
  return notes;
}
