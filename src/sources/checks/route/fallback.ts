/**
 * Checks what routes fall back to: references, loops, steps that could never act, answers that cannot be sent.
 *
 * A version that answers in place of a route has no fallback of its own there: those belong to routes. So a chain can only
 * come back to what the route sends to, or to what an earlier step asked already.
 */

import { STATIC_BYTES_MAX } from '../../../model/threads/answers/fallback.ts';
import { reasonsOf } from '../../build/answers/fallback.ts';
import { backendRefsOf, versionOf } from '../../build/route.ts';
import { DEFAULT_STATIC_STATUS } from '../../defaults.ts';
import { quote } from '../../problems/fault.ts';
import type { Path, Report } from '../../problems/report.ts';
import { FALLBACK_FIELDS } from '../../schema/route/fallback.ts';
import type { FallbackInput, RouteInput } from '../../schema.ts';
import { type Draft, isSound } from '../draft.ts';
import { checkUnique } from '../lists.ts';
import { resolveVersion } from '../references.ts';

/** Reports chains that lead back, and steps that could not do what they say. */
export function checkFallbacks(draft: Draft, report: Report): void {
  for (const [index, route] of draft.routes.entries()) {
    if (route?.fallback === undefined || isSound(draft, index)) continue;
    const path: Path = ['routes', index, 'fallback'];
    checkLoops(route, route.fallback, path, { draft, report });
    checkOrder(route.fallback, path, report);
    for (const [step, { on = [], static: answer }] of route.fallback.entries()) {
      checkUnique(on, [...path, step, 'on'], report, (name) => name);
      if (answer !== undefined) checkAnswer(answer, [...path, step, FALLBACK_FIELDS.Static], report);
    }
  }
}

interface Context {
  readonly draft: Draft;
  readonly report: Report;
}

function checkLoops(route: RouteInput, steps: readonly FallbackInput[], path: Path, { draft, report }: Context): void {
  const asked = new Set<string>();
  for (const ref of backendRefsOf(route)) {
    const service = draft.services?.get(ref.name) ?? null;
    const version = service === null ? ref.version : versionOf(ref, service);
    asked.add(`${ref.name}/${version ?? ''}`);
  }
  for (const [index, { service: ref }] of steps.entries()) {
    if (ref === undefined) continue;
    const at = [...path, index, FALLBACK_FIELDS.Service];
    const version = resolveVersion(ref, at, draft.services, report);
    if (version === null) continue;
    const key = `${ref.name}/${version}`;
    if (asked.has(key)) {
      const expected = 'a version that the route does not send to, and no earlier step';
      const hint = 'it has failed when it would be asked';
      report.add([...at, 'name'], { kind: 'fallbackLoop', expected, got: quote(key), hint });
    }
    asked.add(key);
  }
}

/** What a fixed answer is given for goes no further, and answers are kept once. */
function checkOrder(steps: readonly FallbackInput[], path: Path, report: Report): void {
  const answered = new Set<string>();
  let hasStale = false;
  for (const [index, step] of steps.entries()) {
    const isIdle = reasonsOf(step).every((name) => answered.has(name));
    if (isIdle || (step.type === 'Stale' && hasStale)) {
      const expected = isIdle ? 'a failure that no Static before it answers for' : 'one Stale in a chain';
      report.add([...path, index, 'type'], { kind: 'fallbackIdle', expected });
    }
    hasStale ||= step.type === 'Stale';
    if (step.type === 'Static') for (const name of reasonsOf(step)) answered.add(name);
  }
}

type AnswerInput = NonNullable<FallbackInput['static']>;

function checkAnswer(
  { status = DEFAULT_STATIC_STATUS, body = '', headers = [] }: AnswerInput,
  path: Path,
  report: Report,
): void {
  const bytes = Buffer.byteLength(body);
  if (bytes > STATIC_BYTES_MAX) {
    const got = `${bytes} bytes`;
    report.add([...path, 'body'], {
      kind: 'fallbackBody',
      expected: `at most ${STATIC_BYTES_MAX} bytes of UTF-8`,
      got,
    });
  } else if (status === 204 && body !== '') {
    report.add([...path, 'body'], { kind: 'fallbackBody', expected: 'no body beside status 204' });
  }
  checkUnique(headers, [...path, 'headers'], report, ({ name }) => name.toLowerCase());
}
