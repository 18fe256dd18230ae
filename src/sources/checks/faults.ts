/**
 * Checks the faults of each route: each has an end that is near enough, does something, and may meet somebody.
 *
 * A fault without an end would be one that somebody forgets.
 */

import { FAULT_MS_MAX } from '../../model/threads/faults.ts';
import { faultTimes } from '../build/faults.ts';
import { backendRefsOf, versionOf } from '../build/route.ts';
import { quote } from '../problems/fault.ts';
import type { Path, Report } from '../problems/report.ts';
import type { RouteInput } from '../schema.ts';
import { type Draft, isSound } from './draft.ts';
import { checkUnique } from './lists.ts';

type FaultInput = NonNullable<RouteInput['faults']>[number];
type Bandwidth = NonNullable<FaultInput['bandwidth']>;

/** Reports faults that could last, or do nothing. */
export function checkFaults(draft: Draft, report: Report): void {
  for (const [index, route] of draft.routes.entries()) {
    if (route === null || route.faults === undefined || isSound(draft, index)) continue;
    const path: Path = ['routes', index, 'faults'];
    const known = versionsOf(route, draft.services);
    checkUnique(route.faults, path, report, ({ name }) => name);
    for (const [faultIndex, fault] of route.faults.entries()) {
      checkEnd(fault, [...path, faultIndex], report);
      checkEffect(fault, [...path, faultIndex], report);
      checkVersion(fault, known, [...path, faultIndex], report);
    }
  }
}

function checkEnd(fault: FaultInput, path: Path, report: Report): void {
  const { until, for: lasts } = fault;
  const expected = 'an end: until or for, and not both';
  if (until === undefined && lasts === undefined) {
    report.add(path, {
      kind: 'faultEnd',
      expected,
      got: 'none',
      hint: 'a fault that nobody has to end ends by itself',
    });
  } else if (until !== undefined && lasts !== undefined) {
    report.add([...path, 'for'], { kind: 'faultEnd', expected, got: 'both' });
  } else if (until !== undefined) {
    const { fromMs, untilMs } = faultTimes(fault);
    if (untilMs > fromMs && untilMs - fromMs <= FAULT_MS_MAX) return;
    const got = untilMs > fromMs ? 'more than a day' : 'an end before its beginning';
    report.add([...path, 'until'], { kind: 'faultEnd', expected: 'an end within a day after from', got });
  }
}

function checkEffect({ delay, abort, bandwidth, percent }: FaultInput, path: Path, report: Report): void {
  if (percent === 0) report.add([...path, 'percent'], { kind: 'faultIdle', expected: 'more than 0 percent' });
  if (bandwidth !== undefined) checkBandwidth(bandwidth, abort !== undefined, [...path, 'bandwidth'], report);
  if (delay !== undefined || abort !== undefined || bandwidth !== undefined) return;
  report.add(path, { kind: 'faultIdle', expected: 'a delay, an abort or a bandwidth', got: 'none' });
}

function checkBandwidth(bandwidth: Bandwidth, aborts: boolean, path: Path, report: Report): void {
  if (bandwidth.request === undefined && bandwidth.response === undefined) {
    report.add(path, { kind: 'faultIdle', expected: 'request, response or both', got: 'neither' });
  } else if (aborts) {
    const hint = 'what is aborted has no body: make two faults';
    report.add(path, { kind: 'faultIdle', expected: 'no bandwidth beside an abort', hint });
  }
}

function checkVersion({ match }: FaultInput, known: readonly string[], path: Path, report: Report): void {
  const version = match?.version;
  if (version === undefined || known.length === 0 || known.includes(version)) return;
  const expected = `a version that the route sends to: ${known.join(', ')}`;
  report.add([...path, 'match', 'version'], { kind: 'faultIdle', expected, got: quote(version) });
}

/** Versions that a route sends to, as far as they are certain; what is not is reported elsewhere. */
function versionsOf(route: RouteInput, services: Draft['services']): string[] {
  return backendRefsOf(route).flatMap((ref) => {
    const service = services?.get(ref.name) ?? null;
    return (service === null ? ref.version : versionOf(ref, service)) ?? [];
  });
}
