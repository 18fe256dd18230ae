/**
 * Checks the objectives of each route, each service and the gateway: no ignored path twice, composite ones that can have a score
 * and whose dependencies are there, and values of routes that somebody asks for.
 */

import { similarTo } from '../../lib/text/similar.ts';
import { didYouMean, quote } from '../problems/fault.ts';
import type { Path, Report } from '../problems/report.ts';
import type { SloInput } from '../schema.ts';
import type { Draft } from './draft.ts';
import { checkUnique } from './lists.ts';

type CompositeInput = NonNullable<SloInput['composite']>;

/** Reports what is wrong inside the objectives of each sound route and service, and between them. */
export function checkSlos(draft: Draft, report: Report): void {
  for (const [index, route] of draft.routes.entries()) {
    const path = ['routes', index, 'slo'];
    const paths = route?.slo?.ignorePaths;
    if (paths !== undefined) checkUnique(paths, [...path, 'ignorePaths'], report, (one) => one);
    if (route?.slo?.composite !== undefined) checkComposite(route.slo, route.slo.composite, path, { draft, report });
  }
  for (const [name, service] of draft.services ?? []) {
    const slo = service?.slo;
    if (slo?.composite !== undefined) checkComposite(slo, slo.composite, ['services', name, 'slo'], { draft, report });
  }
  if (draft.whole !== null) checkValues(draft.whole, report);
}

function checkComposite(
  { latency }: Pick<SloInput, 'latency'>,
  composite: CompositeInput,
  path: Path,
  { draft, report }: { readonly draft: Draft; readonly report: Report },
): void {
  const { weights = {}, dependencies = [], whileBelow } = composite;
  const at = [...path, 'composite'];
  const weighs = (weight = 1): boolean => weight > 0;
  const hasPart =
    weighs(weights.success) ||
    weighs(weights.health) ||
    (weighs(weights.latency) && latency !== undefined) ||
    (weighs(weights.dependencies) && dependencies.length > 0);
  if (!hasPart) {
    const expected = 'a part that weighs something and can have data';
    const hint = 'latency needs slo.latency, dependencies need composite.dependencies';
    report.add([...at, 'weights'], { kind: 'compositeIdle', expected, hint });
  }
  if (whileBelow !== undefined && (whileBelow.accessLog ?? 0) === 0 && (whileBelow.concurrency ?? 1) === 1) {
    report.add([...at, 'whileBelow'], { kind: 'strainIdle', expected: 'accessLog above 0 or concurrency below 1' });
  }
  checkUnique(dependencies, [...at, 'dependencies'], report, (one) => one);
  for (const [index, name] of dependencies.entries())
    checkDependency(name, [...at, 'dependencies', index], draft, report);
}

function checkDependency(name: string, path: Path, { services }: Draft, report: Report): void {
  if (services === null) return;
  const service = services.get(name);
  if (service === undefined) {
    const hint = (): string => {
      const similar = similarTo(name, services.keys());
      return similar === null ? '' : didYouMean(similar);
    };
    report.add(path, { kind: 'dependencyUnknown', expected: 'a service that is defined', got: quote(name), hint });
    return;
  }
  if (service === null || service.breaker !== undefined) return;
  const expected = 'a service with a breaker';
  report.add(path, { kind: 'dependencyBreaker', expected, hint: `add breaker: {} to services.${name}` });
}

/** Either says something only beside the other. */
function checkValues({ business, routes }: NonNullable<Draft['whole']>, report: Report): void {
  const valued = routes.findIndex(({ value = 0 }) => value > 0);
  if (business !== undefined && valued < 0) {
    report.add(['business'], { kind: 'businessIdle', expected: 'a route with a value above 0' }, 'key');
  }
  if (business !== undefined) return;
  const set = routes.findIndex(({ value }) => value !== undefined);
  if (set >= 0) report.add(['routes', set, 'value'], { kind: 'businessIdle', expected: 'business beside it' });
}
