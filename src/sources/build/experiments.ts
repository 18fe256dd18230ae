/**
 * Builds what users are told apart by, and the experiments of a route, from a sound document.
 */

import type { ExperimentConfig, StickyConfig } from '../../model/threads/requests/experiments.ts';
import { CLIENT_IDENTITY } from '../../model/threads/tls.ts';
import { DEFAULT_WEIGHT } from '../defaults.ts';
import type { ExperimentInput, RouteInput, StickyInput } from '../schema.ts';

/** A user key. */
export function buildSticky({ header, cookie, clientIp, clientIdentity }: StickyInput): StickyConfig {
  const field = clientIdentity === true ? CLIENT_IDENTITY : (header?.toLowerCase() ?? null);
  return { header: field, cookie: cookie ?? null, clientIp: clientIp ?? false };
}

/** Lower-case name of the header that tells the group. */
export function experimentHeader({ id, header }: ExperimentInput): string {
  return (header ?? `x-experiment-${id}`).toLowerCase();
}

/** Undefined where there are none: such a route is as it was before there were experiments. */
export function buildExperiments({ experiments = [] }: RouteInput): readonly ExperimentConfig[] | undefined {
  if (experiments.length === 0) return undefined;
  return experiments.map((experiment) => ({
    id: experiment.id,
    header: experimentHeader(experiment),
    ratio: (experiment.percent ?? 100) / 100,
    groups: experiment.groups.map(({ name, weight = DEFAULT_WEIGHT }) => ({ name, weight })),
    key: experiment.key === undefined ? null : buildSticky(experiment.key),
  }));
}
