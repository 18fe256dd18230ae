/**
 * The shape of `discovery`, whom endpoints are asked of, and of a version's `endpoints` that says what to ask.
 */

import { z } from 'zod';
import { checkHost, portFrom } from '../scalars/address.ts';
import { checkServerAddress, checkSrvName, checkTag, SERVER_META, SRV_META, TAG_META } from '../scalars/registry.ts';
import { duration, name, scalar, withRule } from './fields.ts';
import { consulFields, etcd } from './sources.ts';

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
const TAGS_MAX = 16;

function tag(description: string): z.ZodType<string, string> {
  return scalar<string>(checkTag, TAG_META, description);
}

/** Whom endpoints are asked of. */
export const discovery = z.strictObject({
  consul: z
    .strictObject({
      ...consulFields,
      canaryTags: z.array(tag('Tag that makes an instance one of version canary')).max(TAGS_MAX).optional(),
    })
    .optional(),
  etcd: etcd.optional(),
  dns: z
    .strictObject({
      servers: z
        .array(scalar<string>(checkServerAddress, SERVER_META, 'IP address of a name server, with a port or without'))
        .min(1)
        .max(8)
        .optional(),
      interval: duration(1000, HOUR_MS, 'Time from one question to the next; default 30s').optional(),
      timeout: duration(100, MINUTE_MS, 'Longest wait for one answer of a server, asked twice; default 2s').optional(),
    })
    .optional(),
});

const fromConsul = z.strictObject({
  service: tag('Name in the catalog; default the service’s here').optional(),
  version: tag('Only instances of this version; default all').optional(),
  except: z.array(tag('No instances of this version')).min(1).max(TAGS_MAX).optional(),
  color: tag('Only instances of this color; default all').optional(),
  tags: z.array(tag('Only instances that have this tag')).min(1).max(TAGS_MAX).optional(),
});

const fromDns = z.strictObject({
  name: scalar<string>(checkHost, { type: 'string' }, 'Name whose every address is an endpoint'),
  port: scalar<number>(portFrom(1), { type: 'integer', minimum: 1, maximum: 65_535 }, 'Port of all of them'),
});

const fromSrv = z.strictObject({
  name: scalar<string>(checkSrvName, SRV_META, 'Name of SRV records'),
});

const fromEtcd = z.strictObject({
  service: name('Service in the keys; default the service’s name here').optional(),
  version: name('Version in the keys; default the version’s name here').optional(),
});

const KINDS = ['consul', 'dns', 'srv', 'etcd'] as const;

/** What to ask for the endpoints of a version. */
export const endpointsFrom = withRule(
  z.strictObject({
    consul: fromConsul.optional(),
    dns: fromDns.optional(),
    srv: fromSrv.optional(),
    etcd: fromEtcd.optional(),
  }),
  (from) => {
    const count = KINDS.filter((kind) => from[kind] !== undefined).length;
    const expected = `a list, or exactly one of ${KINDS.join(', ')}`;
    if (count !== 1) return [{ path: [], fault: { kind: 'endpointsKind', expected, got: String(count) } }];
    if (from.consul?.version === undefined || from.consul.except === undefined) return [];
    const hint = 'an instance of that version is of no other one';
    return [
      { path: ['consul', 'except'], fault: { kind: 'endpointsKind', expected: 'no except beside version', hint } },
    ];
  },
  { minProperties: 1, maxProperties: 1 },
);
