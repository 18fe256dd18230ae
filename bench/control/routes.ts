/**
 * Rollouts of ten routes: how often sound canaries are rolled back, and how soon one that fails on a single route is found, by
 * all routes together and with each judged by itself besides. The judge is the gateway's own (`slo/verdict/score/`).
 */

import type { RolloutSpec } from '#src/model/rollout.ts';
import { Account, type Look } from '#src/slo/verdict/score/account.ts';
import { Score } from '#src/slo/verdict/score/score.ts';
import { quantileOf, SPEC } from '../../test/support/simulate/detection.ts';
import { type RoutedScenario, RoutedTraffic } from '../../test/support/simulate/load/routed.ts';
import { HEALTHY, TICK_MS } from '../../test/support/simulate/traffic.ts';
import { countText } from './grid-table.ts';
import type { Depth, Table } from './tables.ts';

const SEED = 900_001;
const ROUTES = 10;
const EVEN = Array.from({ length: ROUTES }, () => 1 / ROUTES);
/** The last route has a hundredth of the traffic. */
const UNEVEN = EVEN.map((_, n) => (n === ROUTES - 1 ? 0.01 : 0.11));
const NO_ERRORS = EVEN.map(() => 0);
const TIMEOUT_MS = 600_000;

/** 100 requests per second, a twentieth on the canary, 1 % errors. */
const SOUND: RoutedScenario = { traffic: HEALTHY, parts: EVEN, ownErrorRatios: NO_ERRORS, fault: null };
/** 1,000 requests per second and 20,000 users; stable fails 0.1 %. */
const BUSY: RoutedScenario = {
  ...SOUND,
  traffic: { ...HEALTHY, requestsPerSecond: 1000, users: 20_000, errorRatio: 0.001 },
};

/** What became of a history under one judge. */
interface Finding {
  /** From the start to the conviction, in ms; null: there was none. */
  readonly atMs: number | null;
  readonly canaryBad: number;
}

/** One judge that looks at a history. */
class Looker {
  readonly #spec: RolloutSpec;
  readonly #account: Account;
  readonly #score: Score;
  found: Finding | null = null;

  constructor(spec: RolloutSpec, nowMs: number) {
    this.#spec = spec;
    this.#account = new Account(spec, { nowMs, weight: 5 });
    this.#score = new Score(spec, nowMs, 1 + (spec.companions?.length ?? 0));
  }

  look(look: Look, nowMs: number, atMs: number): void {
    if (this.found !== null) return;
    this.#account.take(look, nowMs);
    if (!this.#score.look(this.#spec, look, this.#account, nowMs)) return;
    if (!this.#score.isConvicted(this.#spec, this.#account)) return;
    this.found = { atMs, canaryBad: this.#account.requests.canary.bad };
  }

  /** At the end of the history. */
  get finding(): Finding {
    return this.found ?? { atMs: null, canaryBad: this.#account.requests.canary.bad };
  }
}

const ALONE: RolloutSpec = { ...SPEC, canary: { ...SPEC.canary, endpoints: [] } };
const TOGETHER: RolloutSpec = {
  ...ALONE,
  companions: EVEN.slice(1).map((_, n) => ({ route: `r${n}`, stable: ALONE.stable, canary: ALONE.canary })),
};

/** One history under both judges, of all routes together and with each by itself, up to the later conviction or the end. */
export function watchRoutes(scenario: RoutedScenario, seed: number, durationMs: number): readonly [Finding, Finding] {
  const traffic = new RoutedTraffic(scenario, seed);
  const [sum, each] = [new Looker(ALONE, traffic.nowMs), new Looker(TOGETHER, traffic.nowMs)];
  const { evidence, routes } = traffic;
  const seen = { ...evidence, isConsistent: true, attempts: null };
  for (let tick = 1; tick <= durationMs / TICK_MS; tick++) {
    traffic.next();
    sum.look(seen, traffic.nowMs, tick * TICK_MS);
    each.look({ ...seen, routes }, traffic.nowMs, tick * TICK_MS);
    if (sum.found !== null && each.found !== null) break;
  }
  return [sum.finding, each.finding];
}

/** A row of the table, measured when it is asked for. */
type Row = (depth: Depth) => string[];

const SOUND_ONES: readonly (readonly [string, RoutedScenario])[] = [
  ['independent failures', SOUND],
  ['bursts of 5 of one user', { ...SOUND, traffic: { ...HEALTHY, bursts: { meanLength: 5, meanGapMs: 50 } } }],
  ['one route fails 10 % more, on both versions', { ...SOUND, ownErrorRatios: NO_ERRORS.with(ROUTES - 1, 0.1) }],
];
const FAULTS = [
  ...[1, 0.2, 0.05].map((ratio) => ['a tenth', EVEN, ratio] as const),
  ...[1, 0.2, 0.05].map((ratio) => ['a hundredth', UNEVEN, ratio] as const),
];

const ROWS: readonly Row[] = [
  ...SOUND_ONES.map(
    ([name, scenario]): Row =>
      (depth) =>
        healthyRow(name, scenario, depth),
  ),
  ...FAULTS.map(([part, parts, errorRatio]): Row => {
    const name = `fails ${100 * errorRatio} % on one route with ${part} of the traffic`;
    const scenario = { ...BUSY, parts, fault: { route: ROUTES - 1, errorRatio } };
    return (depth) => detectionRow(name, scenario, depth);
  }),
];

/** Both questions in one table. */
export function routedRollouts(depth: Depth): Table {
  return tableOf(
    depth,
    ROWS.map((row) => row(depth)),
  );
}

/** The table with rows that were measured. */
function tableOf(depth: Depth, rows: Table['rows']): Table {
  return {
    title:
      'A rollout of ten routes: sound canaries rolled back (100 rps, 1 % errors), and the time until one is found that fails on a ' +
      `single route (1,000 rps, 0.1 % errors, ${foundRuns(depth)} runs each); 5 % on the canary`,
    head: ['canary', 'by all routes together', 'and each by itself besides'],
    rows,
  };
}

/** So many times as many as of other healthy histories. */
const HEALTHY_FACTOR = 5;

function healthyRow(name: string, scenario: RoutedScenario, { healthyRuns, healthyMs }: Depth): string[] {
  const rollouts = HEALTHY_FACTOR * healthyRuns;
  const all = Array.from({ length: rollouts }, (_, n) => watchRoutes(scenario, SEED + n, healthyMs));
  const counts = [0, 1].map((which) => {
    const rolledBack = all.filter((pair) => (pair[which] as Finding).atMs !== null).length;
    return countText({ rolledBack, rollouts, seeds: [] });
  });
  return [`sound for ${healthyMs / 60_000} min: ${name}`, ...counts];
}

/** A history may take ten minutes under all routes together: a hundred times what other detections take. */
function foundRuns({ detectionRuns }: Depth): number {
  return Math.ceil(detectionRuns / 5);
}

function detectionRow(name: string, scenario: RoutedScenario, depth: Depth): string[] {
  const all = Array.from({ length: foundRuns(depth) }, (_, n) => watchRoutes(scenario, SEED + n, TIMEOUT_MS));
  const cells = [0, 1].map((which) => {
    const found = all.map((pair) => pair[which] as Finding);
    const seconds = found.map(({ atMs }) => (atMs ?? Number.POSITIVE_INFINITY) / 1000).toSorted((a, b) => a - b);
    const bad = found.map(({ canaryBad }) => canaryBad).toSorted((a, b) => a - b);
    const time = (q: number): string => {
      const value = quantileOf(seconds, q);
      return Number.isFinite(value) ? `${value.toFixed(1)} s` : `> ${TIMEOUT_MS / 60_000} min`;
    };
    return `${time(0.5)} (p95 ${time(0.95)}), ${quantileOf(bad, 0.5)} bad`;
  });
  return [name, ...cells];
}
