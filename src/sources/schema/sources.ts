/**
 * The shape of `sources`, where the rest of the configuration is kept, and of `follow`, how it is kept up with.
 */

import { z } from 'zod';
import { ADDRESS_META, addressFrom } from '../scalars/address.ts';
import { checkDirectory, checkFile, FILE_PATH_META } from '../scalars/directory.ts';
import {
  checkOriginUrl,
  checkPrefix,
  checkSecret,
  checkUrl,
  checkWord,
  PREFIX_META,
  SECRET_META,
  URL_META,
  WORD_META,
} from '../scalars/store.ts';
import { duration, flag, integer, type PartFault, scalar, withRule, word } from './fields.ts';

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

function file(description: string): z.ZodType<string, string> {
  return scalar<string>(checkFile, FILE_PATH_META, description);
}

function secret(description: string): z.ZodType<string | null, string | null> {
  return scalar<string | null>(checkSecret, SECRET_META, description);
}

const tls = withRule(
  z.strictObject({
    ca: file('File with the certificates that the server’s must be signed by; default the system’s').optional(),
    cert: file('File with a certificate of our own').optional(),
    key: file('File with its key').optional(),
    serverName: scalar<string>(checkWord, WORD_META, 'Name that the server’s certificate must have').optional(),
  }),
  ({ cert, key }) =>
    together(
      [
        ['cert', cert],
        ['key', key],
      ],
      'a certificate needs its key',
    ),
  {},
);

const directory = z.strictObject({
  path: scalar<string>(checkDirectory, FILE_PATH_META, 'Where documents lie, as *.yaml, *.yml and *.json'),
});

/** How a Consul agent is reached, whatever it is asked for. */
export const consulFields = {
  address: scalar<string>(checkOriginUrl, URL_META, 'URL of an agent or server'),
  token: secret('ACL token').optional(),
  datacenter: scalar<string>(checkWord, WORD_META, 'Datacenter; default the agent’s own').optional(),
  consistency: word(
    ['default', 'consistent', 'stale'],
    'What Consul’s servers agree on before they answer; default default',
  ).optional(),
  wait: duration(1000, 10 * MINUTE_MS, 'Longest time one question waits for a change; default 60s').optional(),
  tls: tls.optional(),
};

const consul = z.strictObject({
  prefix: scalar<string>(checkPrefix, PREFIX_META, 'What the keys begin with; default sluice').optional(),
  ...consulFields,
});

export const etcd = withRule(
  z.strictObject({
    endpoints: z.array(scalar<string>(checkOriginUrl, URL_META, 'URL of a member of the cluster')).min(1),
    prefix: scalar<string>(checkPrefix, PREFIX_META, 'What the keys begin with; default /sluice/v1/').optional(),
    username: secret('Name to log in with').optional(),
    password: secret('Its password').optional(),
    heartbeat: duration(
      500,
      HOUR_MS,
      'Time between two looks whether the watch still tells all; default 10s',
    ).optional(),
    tls: tls.optional(),
  }),
  ({ username, password }) =>
    together(
      [
        ['username', username],
        ['password', password],
      ],
      'both or neither',
    ),
  {},
);

const zookeeper = withRule(
  z.strictObject({
    servers: z
      .array(scalar<string>(addressFrom(1, '127.0.0.1:2181'), ADDRESS_META, 'host:port of a server'))
      .min(1)
      .max(16),
    path: scalar<string>(checkPrefix, PREFIX_META, 'Node that the others are below; default /sluice').optional(),
    username: secret('Name of the digest to log in with').optional(),
    password: secret('Its password').optional(),
    sessionTimeout: duration(1000, 10 * MINUTE_MS, 'Silence that ends a session; default 10s').optional(),
    tls: tls.optional(),
  }),
  ({ username, password }) =>
    together(
      [
        ['username', username],
        ['password', password],
      ],
      'both or neither',
    ),
  {},
);

const http = z.strictObject({
  url: scalar<string>(checkUrl, URL_META, 'Where the document is'),
  interval: duration(100, HOUR_MS, 'Time from one look to the next; default 10s').optional(),
  token: secret('Bearer token').optional(),
  tls: tls.optional(),
});

const KINDS = ['directory', 'consul', 'etcd', 'http', 'zookeeper'] as const;

/** Where the rest is, in the order of precedence. */
export const sources = z
  .array(
    withRule(
      z.strictObject({
        directory: directory.optional(),
        consul: consul.optional(),
        etcd: etcd.optional(),
        http: http.optional(),
        zookeeper: zookeeper.optional(),
      }),
      (source) => {
        const count = KINDS.filter((kind) => source[kind] !== undefined).length;
        const expected = `exactly one of ${KINDS.join(', ')}`;
        return count === 1 ? [] : [{ path: [], fault: { kind: 'sourceKind', expected, got: String(count) } }];
      },
      { minProperties: 1, maxProperties: 1 },
    ),
  )
  .min(1)
  .max(16);

export const follow = z.strictObject({
  startTimeout: duration(100, HOUR_MS, 'Longest wait for every source at the start; default 10s').optional(),
  shrinkConfirm: duration(0, 24 * HOUR_MS, 'How long a sudden loss must last to be believed; default 30s').optional(),
  compare: duration(1000, 24 * HOUR_MS, 'Time between two comparisons with the source; default 60s').optional(),
  changesWarn: integer(1, 1_000_000, 'More changes at once are warned of; default 50').optional(),
  staleStart: flag(
    'A start whose sources or lookups do not answer goes on with the configuration or endpoints of before; default true',
  ).optional(),
  staleStartMax: duration(
    1000,
    366 * 24 * HOUR_MS,
    'How long ago sources and lookups may have confirmed what is gone on with; default any time',
  ).optional(),
});

/** Fields that come together or not at all. */
function together(fields: readonly (readonly [string, string | null | undefined])[], hint: string): PartFault[] {
  const isGiven = (value: string | null | undefined): boolean => typeof value === 'string' && value !== '';
  const given = fields.filter(([, value]) => isGiven(value));
  if (given.length === 0 || given.length === fields.length) return [];
  return fields
    .filter(([, value]) => !isGiven(value))
    .map(([field]) => ({
      path: [field],
      fault: { kind: 'sourceFields', expected: `${field} too`, got: 'nothing', hint },
    }));
}
