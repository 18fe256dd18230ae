/**
 * The shape of a route: what it matches, where it sends, how it tries, what it promises.
 */

import { z } from 'zod';
import { checkHostname, HOSTNAME_META } from '../scalars/host.ts';
import { checkProtocol, PROTOCOL_META } from '../scalars/http.ts';
import { checkRetryStatus, checkWeight, RETRY_STATUSES_BELOW_500, WEIGHT_MAX } from '../scalars/number.ts';
import { DAY_MS, duration, flag, integer, name, real, scalar, token, word } from './fields.ts';
import { filter } from './filters.ts';
import { match } from './match.ts';
import { routeSlo } from './slo.ts';

const backendRef = z.strictObject({
  name: name('Service'),
  version: name('Version of the service; may be left out when it has exactly one').optional(),
  weight: scalar<number>(
    checkWeight,
    { type: 'integer', minimum: 0, maximum: WEIGHT_MAX },
    'Relative share of users; default 1',
  ).optional(),
});

const sticky = z.strictObject({
  header: token('header name', 'Header that holds the user key').optional(),
  cookie: token('cookie name', 'Cookie that holds the user key').optional(),
  clientIp: flag('Use the client address; default false').optional(),
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

const upgrade = z.strictObject({
  protocols: z
    .array(scalar<string>(checkProtocol, PROTOCOL_META, 'Protocol that may be upgraded to; default websocket'))
    .optional(),
  onRollback: word(
    ['keep', 'close'],
    'What a rollback or drain does to the upgraded connections of a version; default close',
  ).optional(),
});

const promotion = z.strictObject({
  beta: real(1e-9, 0.5, 'Bound on the probability of passing a canary that is worse; default 0.05').optional(),
  ratioMax: real(1.01, 1000, 'How many times the error ratio of stable is worse; default 3').optional(),
  errorRatioMax: real(1e-9, 1, 'Error ratio that is worse; default 5 * (1 - slo), at least 0.005').optional(),
});

const rollout = z.strictObject({
  stable: name('Version to compare with and to fall back to'),
  canary: name('Version under judgement'),
  alpha: real(1e-9, 0.5, 'Bound on the probability of a false rollback, per rollout; default 0.001').optional(),
  toleratedRatio: real(1, 1000, 'How many times the error ratio of stable is still tolerated; default 1.5').optional(),
  badMin: integer(1, 1_000_000, 'Fewest bad canary requests before a rollback; default 3').optional(),
  absoluteFloor: real(0, 0.5, 'Error ratio that is no reason for a rollback; default 0.25 * (1 - slo)').optional(),
  latencyTolerance: real(0, 1000, 'Share by which the canary may be slower than stable; default 0.1').optional(),
  latencyFloor: duration(0, DAY_MS, 'Time by which the canary may be slower than stable; default 5ms').optional(),
  promotion: promotion.optional(),
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
  slo: routeSlo.optional(),
  rollout: rollout.optional(),
});
