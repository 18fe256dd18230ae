/**
 * Checks that a rollout can be judged and undone: an SLO, two different versions of the route, a stable one with traffic.
 */

import { similarTo } from '../../lib/text/similar.ts';
import { stepsOf } from '../build/rollout.ts';
import { backendRefsOf, versionOf } from '../build/route.ts';
import { toMs } from '../build/values.ts';
import { DEFAULT_PLAN, DEFAULT_WEIGHT } from '../defaults.ts';
import { didYouMean, type Fault, quote } from '../problems/fault.ts';
import type { Path, Report } from '../problems/report.ts';
import type { RolloutInput, RouteInput } from '../schema.ts';
import { type Draft, isSound } from './draft.ts';
import { checkUnique } from './lists.ts';

/** What a route sends to. */
export interface Target {
  readonly service: string;
  readonly version: string;
  readonly weight: number;
}

/** Reports rollouts that could not be judged, or that a rollback would turn into an outage. */
export function checkRollouts(draft: Draft, report: Report): void {
  for (const [index, route] of draft.routes.entries()) {
    if (route?.rollout === undefined || isSound(draft, index)) continue;
    checkRollout(route, route.rollout, ['routes', index, 'rollout'], { draft, report });
  }
}

interface Context {
  readonly draft: Draft;
  readonly report: Report;
}

function checkRollout(route: RouteInput, rollout: RolloutInput, path: Path, { draft, report }: Context): void {
  if (route.slo === undefined) {
    const expected = 'a route with an slo: a canary is never judged without one';
    report.add(
      path,
      { kind: 'rolloutWithoutSlo', expected, got: 'none', hint: 'add slo: {availability: 0.999}' },
      'key',
    );
  }
  checkSteps(rollout, path, report);
  checkUnique(rollout.shadows ?? [], [...path, 'shadows'], report, ({ name }) => name);
  const targets = targetsOf(route, draft);
  if (targets === null) return;
  const stable = findTarget(targets, rollout.stable, [...path, 'stable'], report);
  findTarget(targets, rollout.canary, [...path, 'canary'], report);
  if (rollout.stable === rollout.canary) {
    const expected = 'a version other than stable';
    report.add([...path, 'canary'], { kind: 'rolloutSame', expected });
  }
  if (stable?.weight !== 0) return;
  const fault: Fault = {
    kind: 'rolloutNoStable',
    expected: 'a stable version with a weight above 0',
    got: `${quote(rollout.stable)} with weight 0`,
    hint: 'when the canary has taken over, make it the stable version or remove the rollout',
  };
  report.add([...path, 'stable'], fault);
}

/** Steps rise, and the longest wait for a step is not shorter than its stay. */
function checkSteps(rollout: RolloutInput, path: Path, report: Report): void {
  const steps = stepsOf(rollout);
  const maxMs = toMs(rollout.stepMax, DEFAULT_PLAN.stepMaxMs);
  for (const [index, { percent, dwellMs }] of steps.entries()) {
    const before = steps[index - 1]?.percent ?? 0;
    const at: Path = [...path, 'steps', index];
    if (percent <= before) {
      report.add(at, { kind: 'stepsOrder', expected: `more than the ${before} % before it`, got: `${percent} %` });
    }
    if (dwellMs > maxMs && index < steps.length - 1) {
      const expected = `a stay of at most stepMax, ${maxMs} ms`;
      const where = rollout.steps === 'default' ? [...path, 'steps'] : at;
      report.add(where, { kind: 'durationOrder', expected, got: `${dwellMs} ms on the step of ${percent} %` });
    }
  }
}

/** What the route sends to; null when a reference is in doubt, which is reported elsewhere. */
export function targetsOf(route: RouteInput, draft: Pick<Draft, 'services'>): Target[] | null {
  const targets: Target[] = [];
  for (const ref of backendRefsOf(route)) {
    const service = draft.services?.get(ref.name) ?? null;
    const version = service === null ? ref.version : versionOf(ref, service);
    if (version === null || version === undefined) return null;
    targets.push({ service: ref.name, version, weight: ref.weight ?? DEFAULT_WEIGHT });
  }
  return targets;
}

function findTarget(targets: readonly Target[], name: string, path: Path, report: Report): Target | null {
  const found = targets.filter((target) => target.version === name);
  if (found.length > 1) {
    const got = `${quote(name)}, which ${found.length} of them have`;
    report.add(path, { kind: 'rolloutAmbiguous', expected: 'a version that one service of the route has', got });
  }
  if (found.length === 0) {
    const similar = similarTo(
      name,
      targets.map((target) => target.version),
    );
    const hint = similar === null ? '' : didYouMean(similar);
    const known = targets
      .map((target) => target.version)
      .slice(0, 5)
      .join(', ');
    report.add(path, {
      kind: 'rolloutVersion',
      expected: `a version in backendRefs: ${known || 'it has none'}`,
      got: quote(name),
      hint,
    });
  }
  return found.length === 1 ? (found[0] ?? null) : null;
}
