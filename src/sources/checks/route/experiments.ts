/**
 * Checks the experiments of each route: told apart, told in headers that nobody else writes or goes by, with users and groups.
 */

import { experimentHeader } from '../../build/experiments.ts';
import { backendRefsOf } from '../../build/route.ts';
import { DEFAULT_COLOR, DEFAULT_IDEMPOTENCY, DEFAULT_WEIGHT } from '../../defaults.ts';
import { quote } from '../../problems/fault.ts';
import type { Path, Report } from '../../problems/report.ts';
import { checkHeaderWritten } from '../../scalars/http.ts';
import type { ExperimentInput, RouteInput } from '../../schema.ts';
import type { Draft } from '../draft.ts';
import { checkUserKey } from './routes.ts';

/** Fields that the gateway writes or goes by itself, or that say who asks. */
const TAKEN = new Set([
  'forwarded',
  'x-request-id',
  'traceparent',
  'tracestate',
  'baggage',
  'max-forwards',
  'grpc-timeout',
  'x-envoy-expected-rq-timeout-ms',
  'x-real-ip',
  'true-client-ip',
  'x-original-url',
  'x-rewrite-url',
  'authorization',
  'cookie',
]);

/** Reports experiments that could not be told apart, could not be told of, or are of nobody. */
export function checkExperiments(draft: Draft, report: Report): void {
  for (const [index, route] of draft.routes.entries()) {
    if (route?.experiments === undefined) continue;
    const taken = takenBy(route, draft);
    const [ids, headers] = [new Set<string>(), new Set<string>()];
    for (const [place, experiment] of route.experiments.entries()) {
      const path: Path = ['routes', index, 'experiments', place];
      if (ids.has(experiment.id)) {
        report.add([...path, 'id'], { kind: 'experimentTwice', expected: 'an id of its own in the route' });
      } else checkHeader(experiment, path, { headers, taken, report });
      ids.add(experiment.id);
      headers.add(experimentHeader(experiment));
      checkGroups(experiment, path, report);
      checkKey(experiment, route, path, report);
    }
  }
}

/** Lower-case names that are not for experiments of a route, besides `TAKEN`. */
function takenBy(route: RouteInput, { color, overload }: Draft): ReadonlySet<string> {
  const colorHeader = color?.header ?? DEFAULT_COLOR.header;
  const names: (string | undefined)[] = [colorHeader, color?.signature?.header ?? `${colorHeader}-signature`];
  names.push(overload?.priorityHeader, route.sticky?.header);
  for (const { key } of route.experiments ?? []) names.push(key?.header);
  if (route.idempotency !== undefined) {
    const { header = DEFAULT_IDEMPOTENCY.header, credentials } = route.idempotency;
    names.push(header, ...(credentials?.headers ?? []));
  }
  for (const { requestHeaderModifier } of route.filters ?? []) {
    const { set = [], add = [], remove = [] } = requestHeaderModifier ?? {};
    names.push(...[...set, ...add].map(({ name }) => name), ...remove);
  }
  return new Set(names.flatMap((name) => name?.toLowerCase() ?? []));
}

interface Headers {
  /** Of the experiments before. */
  readonly headers: ReadonlySet<string>;
  readonly taken: ReadonlySet<string>;
  readonly report: Report;
}

function checkHeader(experiment: ExperimentInput, path: Path, { headers, taken, report }: Headers): void {
  const name = experimentHeader(experiment);
  const isClaim = name.startsWith('x-forwarded-') || name.startsWith('x-client-');
  const isOurs = TAKEN.has(name) || taken.has(name) || isClaim || checkHeaderWritten(name) !== null;
  if (!isOurs && !headers.has(name)) return;
  const expected = isOurs ? 'a header that nothing else writes or goes by' : 'a header of its own in the route';
  const at = experiment.header === undefined ? 'id' : 'header';
  report.add([...path, at], { kind: 'experimentHeader', expected, got: quote(name) });
}

function checkGroups({ groups }: ExperimentInput, path: Path, report: Report): void {
  const names = new Set<string>();
  for (const [place, { name }] of groups.entries()) {
    const at = [...path, 'groups', place, 'name'];
    if (names.has(name)) report.add(at, { kind: 'experimentTwice', expected: 'a group of its own in the experiment' });
    names.add(name);
  }
  if (groups.some(({ weight = DEFAULT_WEIGHT }) => weight > 0)) return;
  const got = 'weights that are all 0';
  report.add([...path, 'groups'], { kind: 'experimentWeights', expected: 'a weight above 0', got }, 'key');
}

function checkKey({ key }: ExperimentInput, route: RouteInput, path: Path, report: Report): void {
  if (key !== undefined) checkUserKey(key, [...path, 'key'], report);
  else if (route.sticky === undefined && backendRefsOf(route).length > 0) {
    const expected = 'a key, as the route has no sticky';
    report.add(path, { kind: 'experimentKey', expected, got: 'none', hint: 'without a user key nobody is in it' });
  }
}
