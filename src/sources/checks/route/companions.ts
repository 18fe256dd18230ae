/**
 * Checks the routes that a rollout lists besides its own: each is there, free, sends to the same two versions, and in the same
 * proportion. With different shares on routes that fail differently by themselves, the sum would convict a sound canary.
 */

import { similarTo } from '../../../lib/text/similar.ts';
import { didYouMean, type Fault, quote } from '../../problems/fault.ts';
import type { Path, Report } from '../../problems/report.ts';
import type { RolloutInput, RouteInput } from '../../schema.ts';
import type { Draft } from '../draft.ts';
import { checkUnique } from '../lists.ts';
import { type Target, targetsOf } from '../rollout.ts';

/** The two versions of a rollout on a route. */
interface Arms {
  readonly stable: Target;
  readonly canary: Target;
}

interface Context {
  readonly draft: Draft;
  readonly report: Report;
  /** Those that are sound by themselves. */
  readonly byName: ReadonlyMap<string, RouteInput>;
  /** Who lists a route, by its name. */
  readonly takenBy: Map<string, string>;
}

/** Reports routes that a rollout lists and cannot have. */
export function checkCompanions(draft: Draft, report: Report): void {
  if (!draft.routes.some((route) => route?.rollout?.routes !== undefined)) return;
  const byName = new Map(draft.routes.flatMap((route) => (route === null ? [] : [[route.name, route] as const])));
  const context = { draft, report, byName, takenBy: new Map<string, string>() };
  for (const [index, route] of draft.routes.entries()) {
    if (route?.rollout?.routes === undefined) continue;
    checkListed(route, route.rollout, ['routes', index, 'rollout', 'routes'], context);
  }
}

function checkListed(route: RouteInput, rollout: RolloutInput, path: Path, context: Context): void {
  const { draft, report } = context;
  const listed = rollout.routes ?? [];
  checkUnique(listed, path, report, (name) => name);
  const arms = armsOf(targetsOf(route, draft), rollout);
  for (const [n, name] of listed.entries()) {
    if (listed.indexOf(name) !== n) continue;
    const fault = faultOf(route, name, arms, context);
    if (fault !== null) report.add([...path, n], fault);
    if (!context.takenBy.has(name)) context.takenBy.set(name, route.name);
  }
}

/** @param arms null: what the leading route sends to is in doubt, and reported elsewhere */
function faultOf(route: RouteInput, name: string, arms: Arms | null, context: Context): Fault | null {
  const { draft, byName, takenBy } = context;
  if (name === route.name) {
    return { kind: 'companionUnknown', expected: 'another route', got: `${quote(name)}, which leads the rollout` };
  }
  const companion = byName.get(name);
  if (companion === undefined) return draft.routes.includes(null) ? null : unknown(name, [...byName.keys()]);
  const taker = takenBy.get(name);
  if (companion.rollout !== undefined || taker !== undefined) {
    const got = taker === undefined ? 'which has one' : `which that of ${quote(taker)} lists`;
    const hint =
      taker === undefined ? `remove rollout from ${name}, or take it out here` : 'take it out of one of them';
    return { kind: 'companionTaken', expected: 'a route without another rollout', got: `${quote(name)}, ${got}`, hint };
  }
  const targets = targetsOf(companion, draft);
  return arms === null || targets === null ? null : armsFault(name, targets, arms);
}

function unknown(name: string, names: readonly string[]): Fault {
  const similar = similarTo(name, names);
  const hint = similar === null ? 'add the route, or take it out' : didYouMean(similar);
  return { kind: 'companionUnknown', expected: 'the name of a route', got: quote(name), hint };
}

function armsFault(name: string, targets: readonly Target[], { stable, canary }: Arms): Fault | null {
  const [own, other] = [stable, canary].map((arm) => onlyOne(targets, arm.version));
  if (own?.service !== stable.service || other?.service !== canary.service) {
    const [first, second] = [stable, canary].map(({ service, version }) => `${service} ${version}`);
    const sent = targets.map(({ service, version }) => `${service} ${version}`);
    return {
      kind: 'companionVersions',
      expected: `a route that sends to ${first} and ${second}, each once by that name`,
      got: `${quote(name)}, which sends to ${sent.slice(0, 5).join(', ') || 'nothing'}`,
      hint: 'add both to its backendRefs, or take it out here',
    };
  }
  const isServed = own.weight > 0 || stable.weight === 0;
  if (isServed && other.weight * stable.weight === canary.weight * own.weight) return null;
  return {
    kind: 'companionShare',
    expected: `${stable.version} and ${canary.version} as ${stable.weight} to ${canary.weight}, as on the leading route`,
    got: `${own.weight} to ${other.weight} on ${quote(name)}`,
    hint: 'write the same weights there; a route with a share of its own needs a rollout of its own',
  };
}

/** Overrides know versions by their names: where two services have one, nobody is meant. */
function onlyOne(targets: readonly Target[], version: string): Target | null {
  const [only, ...others] = targets.filter((target) => target.version === version);
  return only === undefined || others.length > 0 ? null : only;
}

function armsOf(targets: readonly Target[] | null, { stable, canary }: RolloutInput): Arms | null {
  if (targets === null) return null;
  const arms = { stable: onlyOne(targets, stable), canary: onlyOne(targets, canary) };
  return arms.stable === null || arms.canary === null ? null : { stable: arms.stable, canary: arms.canary };
}
