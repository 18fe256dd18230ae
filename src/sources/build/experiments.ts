/**
 * Builds what users are told apart by, and the experiments of a route, from a sound document.
 */

import type { ExperimentConfig, StickyConfig } from '../../model/threads/requests/experiments.ts';
import { CLIENT_IDENTITY, TOKEN_USER } from '../../model/threads/tls.ts';
import { DEFAULT_WEIGHT } from '../defaults.ts';
import type { ExperimentInput, RouteInput, StickyInput } from '../schema.ts';

/** A user key. */
export function buildSticky(sticky: StickyInput): StickyConfig {
  return { header: fieldOf(sticky), cookie: sticky.cookie ?? null, clientIp: sticky.clientIp ?? false };
}

/** What is no header stands where none can. */
function fieldOf({ header, clientIdentity, jwt }: StickyInput): string | null {
  if (clientIdentity === true) return CLIENT_IDENTITY;
  return jwt === true ? TOKEN_USER : (header?.toLowerCase() ?? null);
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
