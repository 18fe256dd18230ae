/**
 * One e-value for a whole rollout out of several, so that one alpha covers them all.
 *
 *   E = 0.6 E_errors + 0.3 E_latency + 0.1 mean over routes(E_route)
 *
 * A weighted average of e-processes is one, whatever depends on what; it costs ln(1/weight) nats. The share of what is
 * not judged goes to the errors, so that the weights always add up to 1: a rollout of one route, which errors are of
 * already, has 0.7 and 0.3.
 * Source: docs/verdicts.md.
 */

const LATENCY_WEIGHT = 0.3;
const ROUTES_WEIGHT = 0.1;

/** Natural logarithms of e-values. */
export interface LogParts {
  readonly errors: number;
  /** null: latency is not judged. */
  readonly latency: number | null;
  /** One per route that is judged by itself besides; empty when the rollout has one route only. */
  readonly routes: readonly number[];
}

/** Weights of errors, latency and each single route; they add up to 1. */
export function weightsOf({ latency, routes }: Pick<LogParts, 'latency' | 'routes'>): {
  readonly errors: number;
  readonly latency: number;
  readonly route: number;
} {
  const latencyWeight = latency === null ? 0 : LATENCY_WEIGHT;
  const routesWeight = routes.length === 0 ? 0 : ROUTES_WEIGHT;
  return {
    errors: 1 - latencyWeight - routesWeight,
    latency: latencyWeight,
    route: routesWeight === 0 ? 0 : routesWeight / routes.length,
  };
}

/** Natural logarithm of the composed e-value: never above the largest part. Parts may be infinite, never NaN. */
export function composeLogE(parts: LogParts): number {
  const weights = weightsOf(parts);
  const terms = [parts.errors + Math.log(weights.errors)];
  if (parts.latency !== null) terms.push(parts.latency + Math.log(weights.latency));
  for (const route of parts.routes) terms.push(route + Math.log(weights.route));
  const max = Math.max(...terms);
  if (!Number.isFinite(max)) return max;
  return max + Math.log(terms.reduce((sum, term) => sum + Math.exp(term - max), 0));
}
