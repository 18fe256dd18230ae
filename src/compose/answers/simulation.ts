/**
 * Composition of simulations: a configuration's rollout, the traffic that was asked for, and the loop on virtual time.
 */

import { similarTo } from '../../lib/text/similar.ts';
import type { Config, RolloutConfig, RouteConfig } from '../../model/config.ts';
import { type RolloutArm, type RolloutSpec, weightScaleOf } from '../../model/rollout.ts';
import type { SloConfig } from '../../model/slo.ts';
import type { SimulatedHistory, SimulationAnswer, SimulationQuestion } from '../../model/threads/load/simulation.ts';
import { type HistoryTerms, simulateHistory } from '../../slo/rollout/planner/simulate/history.ts';
import { createLatencyDials, setLatency } from '../../snapshot/latency-dials.ts';
import { rolloutTerms } from '../../snapshot/rollouts.ts';

/** Simulates the rollout of a route of `config`. */
export function answerSimulation(config: Config, question: SimulationQuestion): SimulationAnswer {
  const routes = config.routes.filter(({ rollout }) => rollout !== null);
  const route = routes.find(({ name }) => name === question.route) ?? (question.route === null ? routes[0] : undefined);
  if (route === undefined || (question.route === null && routes.length > 1)) {
    return { kind: 'unknown', detail: unknown(question.route, routes) };
  }
  const { stable, canary } = route.rollout as RolloutConfig;
  const isSticky = route.sticky !== null;
  const terms = { spec: specOf(route), traffic: question.traffic, isSticky, limitMs: question.limitMs };
  return { kind: 'done', route: route.name, stable, canary, isSticky, histories: historiesOf(terms, question.seeds) };
}

function unknown(asked: string | null, routes: readonly RouteConfig[]): string {
  const names = routes.map(({ name }) => name);
  if (names.length === 0) return 'no route has a rollout';
  if (asked === null) return `${names.length} routes have a rollout, name one: ${names.slice(0, 5).join(', ')}`;
  const meant = similarTo(asked, names);
  return `route ${asked} has no rollout${meant === null ? '' : ` (did you mean ${meant}?)`}`;
}

function* historiesOf(terms: HistoryTerms, seeds: readonly number[]): Generator<SimulatedHistory> {
  for (const seed of seeds) {
    const dials = createLatencyDials();
    yield simulateHistory(terms, seed, { dials, set: (unit, dial) => setLatency(dials, unit, dial) });
  }
}

/** The rollout as the judge has it, with indexes of the simulator instead of a snapshot's. */
function specOf(route: RouteConfig): RolloutSpec {
  const rollout = route.rollout as RolloutConfig;
  const slo = route.slo as SloConfig;
  const weightScale = weightScaleOf(route);
  const armOf = (version: string, index: number): RolloutArm => {
    const weight = (route.backendRefs.find((ref) => ref.version === version)?.weight ?? 0) * weightScale;
    return { version, cell: index, dial: index, unit: index, weight, endpoints: [] };
  };
  return {
    route: route.name,
    service: route.backendRefs[0]?.service ?? '',
    stable: armOf(rollout.stable, 1),
    canary: armOf(rollout.canary, 2),
    ...rolloutTerms(rollout, slo),
    shadows: [],
    weightScale,
    budgetPolicy: slo.budgetPolicy,
    generation: 'simulated',
    revision: 1,
  };
}
