/**
 * The status as facts, a line each: what is told where there is no terminal when one of them changes.
 *
 * Counts and times are left out: they change always.
 */

import type { RouteStatus, SloStatus, Status } from '../../model/status.ts';

/** Facts of the gateway, or of one route alone. */
export function factsOf(status: Status, route: string | null): string[] {
  const routes = status.routes.filter(({ name }) => route === null || name === route);
  const slos = status.slos.filter(({ scope, name }) => route === null || (scope === 'route' && name === route));
  return [...(route === null ? gatewayFacts(status) : []), ...routes.flatMap(routeFacts), ...slos.flatMap(alertFacts)];
}

function gatewayFacts({ version, pid, ready, notReadyBecause, config, revisions, workers, sources }: Status): string[] {
  const serving = workers.filter(({ state }) => state === 'serving').length;
  const refused =
    config.last.result === 'refused' ? `, the newest refused: ${config.last.problems.length} problems` : '';
  return [
    `sluice ${version} process ${pid} ${ready ? 'ready' : `not ready: ${notReadyBecause}`}`,
    `config revision ${revisions.number} #${config.hash.slice(0, 8)}${refused}`,
    `workers ${serving} of ${workers.length} serving`,
    ...sources.map(({ name, lastError }) => `source ${name} ${lastError === '' ? 'answers' : `fails: ${lastError}`}`),
  ];
}

function routeFacts({ name, versions, rollout }: RouteStatus): string[] {
  const weights = versions.map(({ service, version, weight }) => `${service} ${version} ${weight}`).join(', ');
  const because = versions.flatMap(({ service, version, weightBecause }) =>
    weightBecause === '' ? [] : [`route ${name} ${service} ${version}: ${weightBecause}`],
  );
  const at = rollout?.step ?? null;
  const step = at === null ? '' : ` step ${at.number} of ${at.count}`;
  const state = rollout === null ? [] : [`route ${name} rollout ${rollout.canary} ${rollout.state}${step}`];
  return [`route ${name} weights ${weights}`, ...because, ...state];
}

function alertFacts({ scope, name, indicator, alerts }: SloStatus): string[] {
  return alerts
    .filter(({ isFiring }) => isFiring)
    .map(({ severity, long, short, factor }) => {
      return `${scope} ${name} ${indicator} ${severity}: burn above ${factor}x over ${long} and ${short}`;
    });
}
