/**
 * Checks of a running gateway, by its status.
 */

import type { Status } from '../../model/status.ts';
import { type Check, checksOf } from './checks.ts';

/** A source that was not heard of for longer than this is stale. */
const STALE_MS = 60_000;
const { pass, warn, fail } = checksOf('gateway');

/** Every check of a gateway that answers. @param hash content hash of the document that was checked; null: none was */
export function checkGateway(status: Status, hash: string | null): Check[] {
  return [
    readyCheck(status),
    workersCheck(status),
    ...configChecks(status, hash),
    ...status.sources.map(sourceCheck),
    ...stateChecks(status),
    ...loadChecks(status),
    ...status.routes.flatMap(routeChecks),
    ...alertChecks(status),
  ];
}

function readyCheck({ version, pid, ready, notReadyBecause }: Status): Check {
  if (ready) return pass(`sluice ${version} is ready, process ${pid}`);
  return fail(`sluice ${version} is not ready: ${notReadyBecause}`, 'its log says more');
}

function workersCheck({ workers }: Status): Check {
  const serving = workers.filter(({ state }) => state === 'serving').length;
  const restarts = workers.reduce((sum, worker) => sum + worker.restarts, 0);
  if (serving < workers.length)
    return warn(`${serving} of ${workers.length} workers serve`, 'its log says why one died');
  if (restarts > 0)
    return warn(`all workers serve, after ${restarts} were replaced`, 'look for worker_died in its log');
  return pass(`${serving} of ${workers.length} workers serve`);
}

function configChecks({ config, revisions }: Status, hash: string | null): Check[] {
  const { number, difference, staleStart } = revisions;
  const refused =
    config.last.result === 'refused'
      ? [fail(`the newest configuration was refused: ${config.last.problems.length} problems`, 'sluice why tells them')]
      : [];
  const remedy = staleStart === null ? 'sluice config diff sources shows how' : 'docs/RUNBOOKS.md#sluiceconfigheld';
  const differs = difference === '' ? [] : [warn(difference, remedy)];
  if (hash === null) return [...refused, ...differs];
  const same = hash === config.hash;
  const named = `revision ${number} #${config.hash.slice(0, 8)}`;
  return [
    ...refused,
    ...differs,
    same
      ? pass(`the document is in force: ${named}`)
      : warn(`another configuration is in force: ${named}`, 'sluice reload, or ask the right gateway by --admin'),
  ];
}

function sourceCheck({ name, lastError, staleMs, shrink, pieces }: Status['sources'][number]): Check {
  if (shrink !== null)
    return warn(`${name} lost most of what it held and is not believed yet`, 'sluice reload believes it');
  if (lastError !== '') return warn(`${name} does not answer: ${lastError}`, 'what it held before stays in force');
  if (staleMs > STALE_MS)
    return warn(`${name} was confirmed ${Math.round(staleMs / 1000)} s ago`, 'sluice reload asks it again');
  return pass(`${name} answers, ${pieces} documents`);
}

function stateChecks({ state, eventsLost, defects }: Status): Check[] {
  const kept =
    state.kind === 'unavailable'
      ? [warn(`state is not kept: ${state.because}`, 'budgets and decisions since then end with the process')]
      : [];
  const lost =
    eventsLost > 0 ? [warn(`${eventsLost} bad events were not told apart by user`, 'more workers share them')] : [];
  const failed = defects.kinds.map(({ code, part, count, kind }) =>
    warn(`${code} came up in its ${part} ${count} times: ${kind}`, 'docs/RUNBOOKS.md#sluicedefect'),
  );
  return [...kept, ...lost, ...failed];
}

function loadChecks({ saturation, faults }: Status): Check[] {
  const active = faults.filter((fault) => fault.state === 'active');
  return [
    ...(saturation.because === '' ? [] : [warn(`near its limits: ${saturation.because}`, 'docs/overload.md')]),
    ...active.map(({ id, sentence }) =>
      warn(`a fault on purpose is active, ${id}: ${sentence}`, 'sluice faults stop ends it'),
    ),
  ];
}

/** Only what needs attention. */
function routeChecks({ name, rollout, versions }: Status['routes'][number]): Check[] {
  const back =
    rollout?.state === 'rolled-back'
      ? [warn(`rollout of ${name} was rolled back: ${rollout.sentence}`, `sluice why ${name}`)]
      : [];
  const weighed = versions.filter(({ weight }) => weight > 0);
  const without = weighed.filter(
    ({ endpoints }) => endpoints.length > 0 && endpoints.every(({ state }) => state === 'unhealthy'),
  );
  return [
    ...back,
    ...without.map(({ version }) => fail(`route ${name}: no endpoint of ${version} is up`, `sluice status ${name}`)),
  ];
}

function alertChecks({ slos }: Status): Check[] {
  return slos.flatMap(({ scope, name, indicator, alerts }) => {
    const firing = alerts.filter(({ isFiring }) => isFiring);
    if (firing.length === 0) return [];
    const worst = firing.some(({ severity }) => severity === 'page') ? 'page' : 'ticket';
    return [warn(`${indicator} of ${scope} ${name} burns its budget: ${worst}`, `sluice top --sort burn`)];
  });
}
