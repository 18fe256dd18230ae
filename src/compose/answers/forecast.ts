/**
 * Composition of forecasts: a configuration's rollouts, the traffic that was asked for or measured, and the planner.
 */

import { similarTo } from '../../lib/text/similar.ts';
import type { BackendRef, Config, RolloutConfig, RouteConfig } from '../../model/config.ts';
import type { Forecast, ForecastAnswer, ForecastQuestion, ForecastTraffic } from '../../model/rollout.ts';
import type { SloConfig } from '../../model/slo.ts';
import { forecast } from '../../slo/rollout/planner/forecast.ts';
import { rolloutTerms } from '../../snapshot/rollouts.ts';

/** The forecasts of one answer: each costs some ten milliseconds of a thread that also judges. */
const FORECASTS_MAX = 20;

/** What a running gateway knows of a route's traffic. Null: nothing yet. */
export interface Measured {
  readonly requestsPerSecond: number | null;
  readonly errorRatio: number | null;
  readonly latency: ForecastTraffic['latency'];
}

/** Nothing runs. */
export const NOT_MEASURED: Measured = { requestsPerSecond: null, errorRatio: null, latency: null };

/** A question that cannot be answered: its text is for the person who asked. */
class Unanswerable extends Error {}

/** Answers a question about the rollouts of `config`. @param measured what is known of a route, by its name */
export function answerForecast(
  config: Config,
  question: ForecastQuestion,
  measured: (route: string) => Measured,
): ForecastAnswer {
  const routes = config.routes.filter((route) => route.rollout !== null);
  const asked = question.route === null ? routes : routes.filter(({ name }) => name === question.route);
  if (asked.length === 0) return { kind: 'unknown', detail: unknown(question.route, routes) };
  if (asked.length > FORECASTS_MAX) {
    return {
      kind: 'refused',
      detail: `${asked.length} routes have a rollout: name one, at most ${FORECASTS_MAX} are told at once`,
    };
  }
  try {
    return { kind: 'done', forecasts: asked.map((route) => forecastOf(route, question, measured(route.name))) };
  } catch (error) {
    if (error instanceof Unanswerable) return { kind: 'refused', detail: error.message };
    throw error;
  }
}

function unknown(route: string | null, routes: readonly RouteConfig[]): string {
  if (routes.length === 0) return 'no route has a rollout';
  const names = routes.map(({ name }) => name);
  const meant = similarTo(route as string, names);
  return `route ${route} has no rollout${meant === null ? '' : ` (did you mean ${meant}?)`}`;
}

function forecastOf(route: RouteConfig, question: ForecastQuestion, measured: Measured): Forecast {
  const { name, backendRefs } = route;
  const rollout = route.rollout as RolloutConfig;
  const policy = rolloutTerms(rollout, route.slo as SloConfig);
  const subject = { route: name, policy, configuredPercent: shareOf(rollout.canary, backendRefs) };
  return forecast(subject, trafficOf(name, question, measured));
}

/** The canary's part of the configured weights, in percent. */
function shareOf(canary: string, backendRefs: readonly BackendRef[]): number {
  const total = backendRefs.reduce((sum, { weight }) => sum + weight, 0);
  const own = backendRefs.find(({ version }) => version === canary)?.weight ?? 0;
  return total === 0 ? 0 : (100 * own) / total;
}

/** @throws Unanswerable */
function trafficOf(route: string, { rps, errors, p50, p99 }: ForecastQuestion, measured: Measured): ForecastTraffic {
  const requestsPerSecond = rps === null ? measured.requestsPerSecond : numberIn('rps', rps, [1e-6, 1e7]);
  if (requestsPerSecond === null || requestsPerSecond === 0) {
    throw new Unanswerable(`no traffic of ${route} was measured: say its requests per second (rps)`);
  }
  const errorRatio = errors === null ? measured.errorRatio : numberIn('errors', errors, [0, 0.99]);
  if (errorRatio === null) {
    throw new Unanswerable(
      `no errors of ${route} were measured: say what share of stable's requests fail (errors, 0 to 0.99)`,
    );
  }
  if (p50 === null && p99 === null) return { requestsPerSecond, errorRatio, latency: measured.latency };
  if (p50 === null || p99 === null) throw new Unanswerable('p50 and p99 go together');
  const p50Ms = numberIn('p50', p50, [0.01, 3.6e6]);
  return { requestsPerSecond, errorRatio, latency: { p50Ms, p99Ms: numberIn('p99', p99, [p50Ms * 1.01, 3.6e7]) } };
}

/** @throws Unanswerable */
function numberIn(name: string, text: string, [least, most]: readonly [number, number]): number {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (value >= least && value <= most) return value;
  throw new Unanswerable(`${name} must be a number from ${least} to ${most}, got ${JSON.stringify(text.slice(0, 40))}`);
}
