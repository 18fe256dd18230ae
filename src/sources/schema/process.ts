/**
 * The shape of what the document says of the process as a whole: listeners, limits, timeouts, HTTP, the access log, the state,
 * and what it does at its own limits.
 */

import { z } from 'zod';
import { PROXY_PROTOCOL_MODES } from '../../model/threads/proxied.ts';
import { TRAILER_BYTES_LIMIT } from '../../model/threads/requests/trailers.ts';
import { REVISIONS_MAX } from '../../model/threads/revision.ts';
import { ADDRESS_META, addressFrom, checkHost, portFrom } from '../scalars/address.ts';
import { ADMIN_TOKEN_PATTERN, checkAdminToken } from '../scalars/admin-token.ts';
import { checkDirectory, checkStateDirectory, FILE_PATH_META } from '../scalars/directory.ts';
import { checkColorHeader, TOKEN_META } from '../scalars/http.ts';
import { DAY_MS, duration, flag, integer, MIB, scalar, share, size, word } from './fields.ts';
import { listenerTls } from './tls.ts';

const listenParts = {
  host: scalar<string>(checkHost, { type: 'string' }, 'IP address or name'),
  port: scalar<number>(portFrom(0), { type: 'integer', minimum: 0, maximum: 65_535 }, '0 = any free port'),
};

const listenerProxyProtocol = word(
  PROXY_PROTOCOL_MODES,
  'Connections begin with a PROXY header: all of them (required), or those of trusted proxies; default off',
);

/** Far more than a service has names. */
const ADMIN_HOSTS_MAX = 64;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

/** Where the admin server listens, and by which names it is asked: text, or a mapping. */
export function adminListen(example: string, description: string) {
  const address = scalar<string>(addressFrom(0, example), ADDRESS_META, 'host:port; port 0 = any free port');
  const hosts = z
    .array(scalar<string>(checkHost, { type: 'string' }, 'IP address or name'))
    .max(ADMIN_HOSTS_MAX)
    .meta({ description: 'Further host names that it answers to; counts at once' });
  return z.union([address, z.strictObject({ ...listenParts, hosts: hosts.optional() })]).meta({ description });
}

/** Where the data plane listens: an address, what is spoken there, and whether it is told first who the client is. */
export function listener(example: string, description: string) {
  const address = scalar<string>(addressFrom(0, example), ADDRESS_META, 'host:port; port 0 = any free port');
  const parts = z.strictObject({
    ...listenParts,
    proxyProtocol: listenerProxyProtocol.optional(),
    tls: listenerTls.optional(),
    http2: flag('HTTP/2 besides HTTP/1.1; default true with tls, else false').optional(),
  });
  return z.union([address, parts]).meta({ description });
}

/** The token that commands to the admin server must bring. */
export const adminToken = scalar<string>(
  checkAdminToken,
  { type: 'string', pattern: ADMIN_TOKEN_PATTERN },
  'Token that commands to the admin server must bring; without one it is read only',
);

export const overload = z.strictObject({
  priorityHeader: scalar<string>(
    checkColorHeader,
    TOKEN_META,
    'Header in which trusted proxies name a request’s priority; without it there is none',
  ).optional(),
});

const profiles = z.strictObject({
  directory: scalar<string>(
    checkDirectory,
    FILE_PATH_META,
    'Where profiles are written; default profiles in state.directory, none without one',
  ).optional(),
  keep: integer(0, 100, 'Profiles that are kept; 0 = none is written; default 6').optional(),
  bytesMax: size(MIB, 1024 * MIB, 'What they may take together; default 32MiB').optional(),
  length: duration(100, MINUTE_MS, 'How long one records; default 5s').optional(),
  cooldown: duration(1000, DAY_MS, 'Time after one in which there is no other; default 10m').optional(),
});

export const saturation = z.strictObject({
  response: word(['shed', 'observe'], 'What is done when the process is short of something; default shed').optional(),
  delay: duration(10, MINUTE_MS, 'How late an event loop may be; default 500ms').optional(),
  memory: size(
    32 * MIB,
    2 ** 50,
    'Memory that the process may take; default what its cgroup allows, else what the machine has',
  ).optional(),
  profiles: profiles.optional(),
});

export const http = z.strictObject({
  absoluteForm: word(
    ['refuse', 'rewrite'],
    'A target whose authority differs from Host: 400, or taken as the host; default refuse',
  ).optional(),
  pathNormalization: word(
    ['normalize', 'strict'],
    'Paths with dot segments and the like: forwarded as matched, or 400; default normalize',
  ).optional(),
  serverTiming: flag('Tell in Server-Timing how long gateway and upstream took; default false').optional(),
});

export const accessLog = z.strictObject({
  sample: share('Share of requests that are logged; 0 = none at all; default 0').optional(),
});

export const limits = z.strictObject({
  requestLineBytesMax: size(128, MIB, 'Longest request line, else 414; default 8KiB').optional(),
  headBytesMax: size(256, MIB, 'Longest head, else 431; default 32KiB').optional(),
  headerCountMax: integer(1, 10_000, 'Most header fields, else 431; default 128').optional(),
  trailerBytesMax: size(2, TRAILER_BYTES_LIMIT, 'Longest trailers of one body, else 400; default 8KiB').optional(),
  trailerCountMax: integer(0, 1000, 'Most trailer fields of one body, else 400; default 128').optional(),
  bodyBytesMax: size(0, 2 ** 50, 'Longest request body, else 413; default 1GiB').optional(),
  bodyRateMin: size(0, MIB, 'Least bytes of a request body per second, else 408; 0: none; default 240').optional(),
  connectionsMax: integer(1, 1_000_000, 'Most client connections per worker; default 10000').optional(),
  endpointConnectionsMax: integer(1, 65_535, 'Most connections per endpoint and worker; default 256').optional(),
  endpointPendingMax: integer(0, 1_000_000, 'Most waiting requests per endpoint and worker; default 1024').optional(),
  requestsPerConnectionMax: integer(1, 1_000_000_000, 'Most requests per client connection; default 10000').optional(),
  replayBodyBytesMax: size(0, 64 * MIB, 'Largest request body kept for another attempt; default 64KiB').optional(),
  endpointSessionsMax: integer(1, 1024, 'Most HTTP/2 connections per endpoint and worker; default 2').optional(),
  sessionStreamsMax: integer(
    1,
    10_000,
    'Most requests under way on one of them, if the endpoint takes as many; default 100',
  ).optional(),
  staleBytesMax: size(0, 1024 * MIB, 'Answers kept for fallback, per worker; default 64MiB').optional(),
  compareBytesMax: size(0, 1024 * MIB, 'Answers taken to be compared, per worker; default 4MiB').optional(),
  http2StreamsMax: integer(1, 100_000, 'Most open streams per HTTP/2 connection; default 100').optional(),
  http2AbuseMax: integer(10, 1_000_000, 'Most costly frames of a kind at once, per connection; default 500').optional(),
});

export const timeouts = z.strictObject({
  head: duration(1, DAY_MS, 'First byte of a request to the end of its head; default 10s').optional(),
  idle: duration(1, DAY_MS, 'Idle client connection; default 60s').optional(),
  bodyIdle: duration(1, DAY_MS, 'No byte of a body moved; default 30s').optional(),
  streamIdle: duration(1, DAY_MS, 'No byte of an event stream or a call of gRPC moved; default 5m').optional(),
  connect: duration(1, DAY_MS, 'Connect to an endpoint; default 1s').optional(),
  firstByte: duration(1, DAY_MS, 'Request sent to first byte of the response; default 30s').optional(),
  pending: duration(1, DAY_MS, 'Wait for a connection; default 1s').optional(),
  upstreamIdle: duration(1, DAY_MS, 'Idle pooled connection to an endpoint; default 4s').optional(),
  upstreamLifetime: duration(
    1,
    DAY_MS,
    'Age at which a connection to an endpoint is used no more; default 5m',
  ).optional(),
  upstreamPing: duration(
    1000,
    DAY_MS,
    'Time without a word after which an HTTP/2 endpoint with requests under way is asked by PING; default 20s',
  ).optional(),
  dns: duration(1, DAY_MS, 'How long a resolved name is believed; default 5s').optional(),
  upgradeIdle: duration(1, DAY_MS, 'No byte of an upgraded connection moved; default 5m').optional(),
});

export const drain = z.strictObject({
  delay: duration(0, DAY_MS, 'Serve on after readiness fails; default 5s').optional(),
  timeout: duration(0, DAY_MS, 'Then finish within this; default 25s').optional(),
});

export const state = z.strictObject({
  directory: scalar<string>(
    checkStateDirectory,
    FILE_PATH_META,
    'Where budgets, rollouts and decisions outlive the process; default none: in memory',
  ).optional(),
});

export const revisions = z.strictObject({
  keep: integer(1, REVISIONS_MAX, 'Accepted configurations that are kept; default 20').optional(),
  bytesMax: size(MIB, 1024 * MIB, 'What they may take together, packed; default 16MiB').optional(),
  watch: duration(
    0,
    HOUR_MS,
    'How long a changed route is watched, to revert what made it fail; default 60s',
  ).optional(),
});
