/**
 * Measures the judge: how often it wrongs a healthy canary, and how soon it finds a bad one. Virtual time, seeded.
 */

import { type DetectionScenario, detect, FAILING, quantileOf } from '../../test/support/simulate/detection.ts';
import { countRollbacks, simulateRollout, type Unit } from '../../test/support/simulate/rollout.ts';
import { HEALTHY, type Period, type Scenario } from '../../test/support/simulate/traffic.ts';

/** Histories per row. */
export interface Depth {
  readonly healthyRuns: number;
  readonly healthyMs: number;
  readonly detectionRuns: number;
  readonly costTicks: number;
}

export interface Table {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

const SEED = 500_001;
const UNITS: readonly Unit[] = ['requests', 'users', 'both'];

const POPULATIONS: readonly [string, Partial<Scenario>][] = [
  ['2,048 equal users', {}],
  ['500 users, Pareto 1.2', { users: 500, paretoShape: 1.2 }],
];
const CLUSTERS: readonly [string, Scenario['bursts']][] = [
  ['independent', null],
  ['bursts of 2, 50 ms apart', { meanLength: 2, meanGapMs: 50 }],
  ['bursts of 5, 50 ms apart', { meanLength: 5, meanGapMs: 50 }],
  ['bursts of 5, 500 ms apart', { meanLength: 5, meanGapMs: 500 }],
  ['bursts of 5, 2 s apart', { meanLength: 5, meanGapMs: 2000 }],
  ['bursts of 10, 50 ms apart', { meanLength: 10, meanGapMs: 50 }],
  ['bursts of 10, 1 s apart', { meanLength: 10, meanGapMs: 1000 }],
];

/** Share of healthy rollouts that each unit alone, and both together, roll back. */
export function falseAlarms(depth: Depth): Table {
  const rows: string[][] = [];
  const add = (name: string, cluster: string, scenario: Scenario): void => {
    rows.push([name, cluster, ...UNITS.map((unit) => alarmShare(scenario, unit, depth))]);
  };
  for (const [name, population] of POPULATIONS) {
    for (const [cluster, bursts] of CLUSTERS) add(name, cluster, { ...HEALTHY, ...population, bursts });
  }
  add('50 users, half of them on the canary, 5 % errors', 'independent', {
    ...HEALTHY,
    users: 50,
    canaryShare: 0.5,
    errorRatio: 0.05,
  });
  return {
    title: `Healthy rollouts rolled back, of ${depth.healthyRuns} of ${depth.healthyMs / 60_000} min (100 rps, 5 %, 1 % errors)`,
    head: ['users', 'failures', 'by requests alone', 'by user-seconds alone', 'by both'],
    rows,
  };
}

/** The same while a dependency of both versions is down. */
export function sharedOutages(depth: Depth): Table {
  const minute = (errorRatio: number): Period[] => [{ fromMs: 120_000, toMs: 180_000, errorRatio }];
  const flapping = Array.from({ length: 40 }, (_, n) => {
    const fromMs = 60_000 + 10_000 * n;
    return { fromMs, toMs: fromMs + 5000, errorRatio: 1 };
  });
  const kinds: readonly [string, readonly Period[]][] = [
    ['a minute, all requests', minute(1)],
    ['a minute, 20 % of requests', minute(0.2)],
    ['5 s of every 10 s', flapping],
  ];
  const run = { ...depth, healthyMs: Math.min(depth.healthyMs, 600_000) };
  const rows = POPULATIONS.flatMap(([name, population]) =>
    kinds.map(([kind, outages]) => {
      const scenario = { ...HEALTHY, ...population, outages };
      return [name, kind, ...UNITS.map((unit) => alarmShare(scenario, unit, run))];
    }),
  );
  return {
    title: `Rollouts rolled back over a shared outage, of ${run.healthyRuns} of ${run.healthyMs / 60_000} min`,
    head: ['users', 'outage', 'by requests alone', 'by user-seconds alone', 'by both'],
    rows,
  };
}

/** What the rest of a user that failed buys and costs. */
export function rests(depth: Depth): Table {
  const clusters = CLUSTERS.filter(([, bursts]) => bursts !== null && bursts.meanGapMs >= 500);
  const seconds = [0, 3, 10, 30];
  const alarms = clusters.map(([cluster, bursts]) => [
    `${cluster}: healthy ones rolled back`,
    ...seconds.map((restSeconds) => alarmShare({ ...HEALTHY, bursts, restSeconds }, 'both', depth)),
  ]);
  const fault = { fromMs: 0, toMs: Number.POSITIVE_INFINITY, errorRatio: 1 };
  const delays = [1, 2, 5, 50].map((canaryUsers) => [
    `all requests of a canary with ${canaryUsers} user${canaryUsers === 1 ? '' : 's'} fail: p50 to weight 0`,
    ...seconds.map((restSeconds) => {
      const users = 20 * canaryUsers;
      const more = {
        requestsPerSecond: 1000,
        users,
        canaryUsers,
        canaryFaults: [fault],
        errorRatio: 0.001,
        restSeconds,
      };
      return `${medianDelayMs({ ...HEALTHY, ...more }, Math.ceil(depth.detectionRuns / 5)) / 1000} s`;
    }),
  ]);
  return {
    title: `A user that failed rests (${depth.healthyRuns} healthy runs of ${depth.healthyMs / 60_000} min; canaries that fail get 50 of 1,000 rps)`,
    head: ['', ...seconds.map((rest) => `${rest} s`)],
    rows: [...alarms, ...delays],
  };
}

function medianDelayMs(scenario: Scenario, runs: number): number {
  const delays = Array.from({ length: runs }, (_, n) => {
    return simulateRollout(scenario, SEED + n, { durationMs: 120_000 }).rolledBackAtMs ?? Number.POSITIVE_INFINITY;
  });
  return quantileOf(
    delays.toSorted((a, b) => a - b),
    0.5,
  );
}

function alarmShare(scenario: Scenario, unit: Unit, { healthyRuns, healthyMs }: Depth): string {
  const count = countRollbacks(scenario, healthyRuns, SEED, { durationMs: healthyMs, unit });
  return count === 0 ? '0' : `${((100 * count) / healthyRuns).toFixed(2)} % (${count})`;
}

/** Time from the first failure to weight 0, and bad canary requests until then. */
export function detections(depth: Depth): Table {
  const at = (perSecond: number, more: Partial<DetectionScenario>): DetectionScenario => {
    return { ...FAILING, canaryPerSecond: perSecond, stablePerSecond: 19 * perSecond, ...more };
  };
  const random = { arrivals: 'poisson' } as const;
  const late = { healthyMs: 600_000 } as const;
  const cases: readonly [string, DetectionScenario][] = [
    ['5 rps, evenly paced', at(5, {})],
    ['5 rps, evenly paced, stable 1 % bad', at(5, { errorRatio: 0.01 })],
    ['5 rps, evenly paced, 25 users', at(5, { canaryUsers: 25, stableUsers: 475 })],
    ['5 rps, Poisson', at(5, random)],
    ['10 rps, Poisson', at(10, random)],
    ['50 rps, Poisson', at(50, random)],
    ['5 rps, evenly paced, after 10 healthy minutes', at(5, late)],
    ['10 rps, Poisson, after 10 healthy minutes', at(10, { ...random, ...late })],
    ['50 rps, Poisson, after 10 healthy minutes', at(50, { ...random, ...late })],
    ['50 rps, Poisson, 50 % of requests', at(50, { ...random, canaryErrorRatio: 0.5 })],
    ['50 rps, Poisson, 20 % of requests', at(50, { ...random, canaryErrorRatio: 0.2 })],
    ['50 rps, Poisson, 5 % of requests', at(50, { ...random, canaryErrorRatio: 0.05 })],
    ['50 rps, Poisson, 1 % of requests', at(50, { ...random, canaryErrorRatio: 0.01, timeoutMs: 600_000 })],
    [
      '50 rps, Poisson, 1 % of requests, after 10 healthy minutes',
      at(50, { ...random, ...late, canaryErrorRatio: 0.01, timeoutMs: 600_000 }),
    ],
  ];
  return {
    title: `Failing canary (all requests unless said), time to weight 0 of ${depth.detectionRuns} runs; stable 0.1 % bad unless said`,
    head: ['canary traffic', 'p50 ms', 'p95 ms', 'p99 ms', 'bad requests p50', 'p95', 'found'],
    rows: cases.map(([name, scenario]) => detectionRow(name, scenario, depth)),
  };
}

function detectionRow(name: string, scenario: DetectionScenario, depth: Depth): string[] {
  // Ten healthy minutes cost 300 times what the detection itself does.
  const runs = scenario.healthyMs > 0 ? Math.ceil(depth.detectionRuns / 5) : depth.detectionRuns;
  const all = Array.from({ length: runs }, (_, n) => detect(scenario, SEED + n));
  const times = all.map(({ afterMs }) => afterMs).toSorted((a, b) => a - b);
  const bad = all.map(({ canaryBad }) => canaryBad).toSorted((a, b) => a - b);
  const found = times.filter((ms) => Number.isFinite(ms)).length;
  const ms = (q: number): string => quantileOf(times, q).toFixed(0);
  return [
    name,
    ms(0.5),
    ms(0.95),
    ms(0.99),
    `${quantileOf(bad, 0.5)}`,
    `${quantileOf(bad, 0.95)}`,
    `${found} of ${runs}`,
  ];
}

/** As Markdown. */
export function renderTable({ title, head, rows }: Table): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [`**${title}**`, '', line(head), line(head.map(() => '---')), ...rows.map(line), ''].join('\n');
}
