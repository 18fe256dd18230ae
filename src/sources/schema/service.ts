/**
 * The shape of a service: its versions, how an endpoint is chosen among theirs, and how endpoints are watched.
 */

import { z } from 'zod';
import { GRPC_CODES } from '../../model/sli.ts';
import { type Check, wrongType } from '../problems/fault.ts';
import { ADDRESS_META, addressFrom, checkAuthority } from '../scalars/address.ts';
import { checkEndpointWeight, checkLimit, ENDPOINT_WEIGHT_MAX, LIMIT_META } from '../scalars/number.ts';
import { checkTarget, TARGET_META } from '../scalars/path.ts';
import { endpointsFrom } from './discovery.ts';
import { DAY_MS, duration, integer, named, real, scalar, share, token, word } from './fields.ts';
import { serviceSlo } from './slo.ts';
import { upstreamTls } from './tls.ts';

const HOUR_MS = 3_600_000;
/** Checks and ejections that come faster than this are load, not observation. */
const INTERVAL_MS_MIN = 100;

const address = scalar<string>(addressFrom(1, '127.0.0.1:7001'), ADDRESS_META, 'host:port');

const endpoint = z
  .union([
    address,
    z.strictObject({
      address,
      weight: scalar<number>(
        checkEndpointWeight,
        { type: 'integer', minimum: 1, maximum: ENDPOINT_WEIGHT_MAX },
        'Share within the version, relative to the others; default 1',
      ).optional(),
    }),
  ])
  .meta({ description: 'host:port, or a mapping with a weight' });

const overload = z.strictObject({
  limit: scalar<number | 'auto' | 'off'>(
    checkLimit,
    LIMIT_META,
    'Requests of a version under way per worker: auto, off or a number; default auto with a rollout, else off',
  ),
});

const GRPC_SERVICE = /^[A-Za-z_][A-Za-z0-9_.]{0,126}$/;

const checkGrpcService: Check = (value) => {
  const expected = 'the full name of a gRPC service, of at most 127 letters, digits, dots and underscores';
  if (typeof value !== 'string') return wrongType(expected, value);
  return GRPC_SERVICE.test(value) ? null : { kind: 'grpcName', expected };
};

const grpcErrors = z
  .array(word(GRPC_CODES, 'A status of gRPC'))
  .min(1)
  .meta({ description: 'Statuses of gRPC that are errors of the version; default those that say so of the server' });

const protocol = (fallback: string) =>
  word(
    ['http1', 'h2', 'h2c', 'grpc'],
    `What endpoints speak: h2 needs tls, h2c is HTTP/2 without, grpc either; default ${fallback}`,
  ).optional();

const proxyProtocol = (fallback: string) =>
  word(
    ['off', 'v1', 'v2'],
    `Connections begin with a PROXY header that names the client, each for one client connection; default ${fallback}`,
  ).optional();

const OF_SERVICE = 'that of the service';

const version = z.strictObject({
  endpoints: z.union([z.array(endpoint), endpointsFrom]).meta({ description: 'A list, or where to look them up' }),
  colors: z.array(token('color', 'Color value that pins this version')).optional(),
  overload: overload.optional(),
  tls: upstreamTls.optional(),
  protocol: protocol(OF_SERVICE),
  proxyProtocol: proxyProtocol(OF_SERVICE),
});

const healthCheck = z.strictObject({
  path: scalar<string>(checkTarget, TARGET_META, 'Target of the GET, with a query or without; default /').optional(),
  host: scalar<string>(checkAuthority, { type: 'string' }, 'Host of the check; default: the endpoint’s own').optional(),
  grpcService: scalar<string>(
    checkGrpcService,
    { type: 'string', pattern: GRPC_SERVICE.source },
    'Service that endpoints with protocol grpc are asked for; default: the server as a whole',
  ).optional(),
  interval: duration(INTERVAL_MS_MIN, HOUR_MS, 'From one check to the next; default 5s').optional(),
  timeout: duration(1, HOUR_MS, 'Longest check, to the status; default 2s').optional(),
  healthyCount: integer(1, 100, 'Good checks in a row that bring an endpoint back; default 2').optional(),
  unhealthyCount: integer(1, 100, 'Failed checks in a row that take an endpoint out; default 3').optional(),
});

const outlier = z.strictObject({
  consecutiveErrors: integer(1, 10_000, 'Failed attempts in a row; default 5').optional(),
  successRatioMin: share('Lower success ratios eject, if the siblings do better; default 0.8').optional(),
  latencyFactor: real(1, 1000, 'Mean time to the response head over the siblings’ median; default 5').optional(),
  requestsMin: integer(1, 1_000_000, 'Fewest attempts in an interval for the two ratios; default 50').optional(),
  interval: duration(INTERVAL_MS_MIN, HOUR_MS, 'Length of an interval; default 5s').optional(),
  ejection: duration(
    INTERVAL_MS_MIN,
    DAY_MS,
    'First ejection; each further one is longer by as much; default 10s',
  ).optional(),
  ejectionMax: duration(INTERVAL_MS_MIN, DAY_MS, 'Longest ejection; default 5m').optional(),
  probes: integer(
    1,
    1000,
    'Requests, one at a time, that must be good when an ejection is over before the endpoint is back; default 3',
  ).optional(),
  ejectedRatioMax: share('Largest share of a version’s endpoints out at a time; default 0.5').optional(),
});

const checkOff: Check = (value) => {
  if (value === false) return null;
  const expected = 'false, or a mapping';
  return value === true ? { kind: 'choice', expected, hint: 'it is on when left out' } : wrongType(expected, value);
};

const off = scalar<false>(checkOff, { const: false }, 'Switches outlier detection off');

const breaker = z.strictObject({
  consecutiveErrors: integer(1, 10_000, 'Failed attempts in a row that open it; default 20').optional(),
  successRatioMin: share('Lower success ratios open it; default 0.5').optional(),
  requestsMin: integer(1, 1_000_000, 'Fewest attempts in the window for the ratio; default 20').optional(),
  window: duration(INTERVAL_MS_MIN, HOUR_MS, 'Time that the ratio looks back; default 10s').optional(),
  open: duration(
    INTERVAL_MS_MIN,
    HOUR_MS,
    'Time without any attempt, doubled up to eight times as often as a probe fails; default 5s',
  ).optional(),
  probes: integer(1, 1000, 'Attempts that must be good before it closes; default 3').optional(),
});

/** One service. */
export const service = z.strictObject({
  versions: named(version, 'Versions by name'),
  balancer: word(
    ['peakEwma', 'leastRequest', 'roundRobin', 'consistentHash'],
    'How an endpoint of a version is chosen; default peakEwma',
  ).optional(),
  slowStart: duration(
    0,
    HOUR_MS,
    'Time in which an endpoint that comes (back) takes its full share; default 0s',
  ).optional(),
  healthCheck: healthCheck.optional(),
  outlierDetection: z.union([off, outlier]).meta({ description: 'false, or a mapping; on by default' }).optional(),
  slo: serviceSlo.optional(),
  overload: overload.optional(),
  breaker: breaker.optional(),
  tls: upstreamTls.optional(),
  protocol: protocol('http1'),
  proxyProtocol: proxyProtocol('off'),
  grpcErrors: grpcErrors.optional(),
});
