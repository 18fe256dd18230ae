/**
 * The shape of a route: what it matches, where it sends, how it tries, what it promises.
 */

import { z } from 'zod';
import { PRIORITIES, RATE_KEYS, RATE_LIMITS_MAX, RATE_SCOPES } from '../../../model/overload.ts';
import { FALLBACKS_MAX } from '../../../model/threads/answers/fallback.ts';
import { FAULTS_MAX } from '../../../model/threads/faults.ts';
import { EXPERIMENTS_MAX } from '../../../model/threads/requests/experiments.ts';
import { checkHostname, HOSTNAME_META } from '../../scalars/host.ts';
import { checkRetryStatus, checkWeight, RETRY_STATUSES_BELOW_500, WEIGHT_MAX } from '../../scalars/number.ts';
import { DAY_MS, duration, integer, name, scalar, word } from '../fields.ts';
import { rollout } from '../rollout.ts';
import { routeSlo, routeValue } from '../slo.ts';
import { experiment, sticky } from './experiments.ts';
import { fallback } from './fallback.ts';
import { fault } from './faults.ts';
import { filter } from './filters.ts';
import { idempotency } from './idempotency.ts';
import { match } from './match.ts';
import { streams } from './streams.ts';
import { upgrade } from './upgrade.ts';

const backendRef = z.strictObject({
  name: name('Service'),
  version: name('Version of the service; may be left out when it has exactly one').optional(),
  weight: scalar<number>(
    checkWeight,
    { type: 'integer', minimum: 0, maximum: WEIGHT_MAX },
    'Relative share of users; default 1',
  ).optional(),
});

const timeouts = z.strictObject({
  request: duration(
    1,
    DAY_MS,
    'From the end of the request to the beginning of its response, all attempts together; default 60s',
  ).optional(),
  backendRequest: duration(
    1,
    DAY_MS,
    'One attempt to the beginning of its response; default: the request’s',
  ).optional(),
});

const RETRY_STATUS_META = {
  anyOf: [{ type: 'integer', minimum: 500, maximum: 599 }, { enum: RETRY_STATUSES_BELOW_500 }],
};

const retry = z.strictObject({
  attempts: integer(0, 5, 'Attempts besides the first; default 1').optional(),
  codes: z
    .array(scalar<number>(checkRetryStatus, RETRY_STATUS_META, 'Status that counts as a failed attempt'))
    .optional(),
  backoff: duration(
    0,
    60_000,
    'Mean wait before the second retry, doubled for each further one; default 25ms',
  ).optional(),
});

const hedge = z.strictObject({
  after: duration(1, DAY_MS, 'A GET or HEAD without a response by then goes to a second endpoint as well'),
});

const RATE_S_MS = 1000;
const RATE_MAX = 1_000_000;

const rateLimit = z.strictObject({
  name: name('Name of the limit, in answers and messages; default default').optional(),
  requests: integer(1, RATE_MAX, 'Requests of one key that are let through in `per`'),
  per: duration(RATE_S_MS, DAY_MS, 'Whole seconds'),
  burst: integer(1, RATE_MAX, 'Requests that may come at once; default as many as `requests`').optional(),
  by: word(RATE_KEYS, 'Whose requests are counted together; default address').optional(),
  scope: word(RATE_SCOPES, 'Whether the gateways of the fleet count together; default gateway').optional(),
});

/** One route. */
export const route = z.strictObject({
  name: name('Name of the route, unique'),
  hostnames: z.array(scalar<string>(checkHostname, HOSTNAME_META, 'Host name')).optional(),
  matches: z.array(match).min(1).optional(),
  filters: z.array(filter).optional(),
  backendRefs: z.array(backendRef).min(1).optional(),
  sticky: sticky.optional(),
  timeouts: timeouts.optional(),
  retry: retry.optional(),
  hedge: hedge.optional(),
  upgrade: upgrade.optional(),
  streams: streams.optional(),
  slo: routeSlo.optional(),
  value: routeValue.optional(),
  rollout: rollout.optional(),
  priority: word(PRIORITIES, 'Who is served first under overload; default default').optional(),
  rateLimits: z.array(rateLimit).max(RATE_LIMITS_MAX).optional(),
  fallback: z.array(fallback).max(FALLBACKS_MAX).optional(),
  idempotency: idempotency.optional(),
  experiments: z.array(experiment).max(EXPERIMENTS_MAX).optional(),
  faults: z.array(fault).max(FAULTS_MAX).optional(),
});
