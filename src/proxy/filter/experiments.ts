/**
 * A/B experiments: which users are in one, and in which group. Hot path of routes that have some; others pay nothing.
 *
 * Two points in [0, 2^32) of a user key, each with a seed of its own that is made of the experiment's id alone:
 *
 *   in the experiment  iff share point < ratio * 2^32
 *   group              the first whose cumulative weight, in 2^32ths of all weights, is above the group point
 *
 * So every gateway, every restart and every route that has the experiment draws alike; a larger share adds users, and none of them
 * changes the group; two experiments tell nothing of one another, nor of the version (decide/splitter.ts).
 * Source: Tang, Agarwal, O'Brien and Meyer, "Overlapping Experiment Infrastructure" (2010), for layers that are independent.
 */

import { hash32, mix32 } from '../../lib/hash.ts';
import type { ExperimentConfig } from '../../model/threads/requests/experiments.ts';
import type { Peer } from '../decide/decide.ts';
import { type LinkedKey, linkKey, userKeyOf } from '../decide/user-key.ts';
import type { NameTable } from '../http1/fields/names.ts';
import type { RequestHead } from '../http1/request-head.ts';

const TWO_32 = 4_294_967_296;
const GOLDEN = 0x9e3779b1;

export interface LinkedExperiment {
  readonly id: string;
  /** Id of the field that tells the group. */
  readonly field: number;
  /** Finds its value in a head. */
  readonly line: RegExp;
  /** Null: the route's. */
  readonly key: LinkedKey | null;
  readonly shareSeed: number;
  readonly groupSeed: number;
  /** Points below it are in the experiment, 0..2^32. */
  readonly shareEnd: number;
  /** Names of the groups, and where the points of each end; the last end is 2^32. */
  readonly groups: readonly string[];
  readonly ends: readonly number[];
}

/** Links the experiments of a route; null without any. `names` must hold their headers. */
export function linkExperiments(
  experiments: readonly ExperimentConfig[] | undefined,
  names: NameTable,
): readonly LinkedExperiment[] | null {
  if (experiments === undefined) return null;
  return experiments.map(({ id, header, ratio, groups, key }) => ({
    id,
    field: names.idOf(header),
    line: new RegExp(`\\r\\n${RegExp.escape(header)}:([^\\r]*)`, 'i'),
    key: key === null ? null : linkKey(key, names),
    shareSeed: hash32(`${id}/share`) | 0,
    groupSeed: hash32(`${id}/group`) | 0,
    shareEnd: ratio * TWO_32,
    groups: groups.map(({ name }) => name),
    ends: endsOf(groups.map(({ weight }) => weight)),
  }));
}

function endsOf(weights: readonly number[]): number[] {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  let before = 0;
  return weights.map((weight) => {
    before += weight;
    return (before / total) * TWO_32;
  });
}

/** The group of a user key, or null outside of the experiment. Cost: O(groups), allocates nothing. */
export function drawGroup(experiment: LinkedExperiment, userKey: number): string | null {
  const { shareSeed, groupSeed, shareEnd, groups, ends } = experiment;
  if (pointOf(userKey, shareSeed) >= shareEnd) return null;
  const point = pointOf(userKey, groupSeed);
  let group = 0;
  while (point >= (ends[group] as number)) group++;
  return groups[group] as string;
}

function pointOf(userKey: number, seed: number): number {
  return mix32(Math.imul(userKey ^ seed, GOLDEN));
}

/**
 * Has the request tell the groups of its user, and nothing else in their headers, whatever its sender said there.
 * @param routeKey the route's user key; null: the request has none, and is outside of what goes by it
 */
export function tellGroups(
  experiments: readonly LinkedExperiment[],
  head: RequestHead,
  peer: Peer,
  routeKey: number | null,
): void {
  for (const experiment of experiments) {
    const { key, field } = experiment;
    const userKey = key === null ? routeKey : userKeyOf(key, head, peer);
    const group = userKey === null ? null : drawGroup(experiment, userKey);
    if (group === null) head.fields.forget(field);
    else head.fields.replace(field, group);
  }
}

/** The groups that a head for an upstream tells, by experiment: those that its user is in. Cost: O(head) for each experiment. */
export function groupsTold(experiments: readonly LinkedExperiment[], head: string): [id: string, group: string][] {
  return experiments.flatMap(({ id, line }): [string, string][] => {
    const group = line.exec(head)?.[1]?.trim();
    return group === undefined ? [] : [[id, group]];
  });
}
