/**
 * A request with an idempotency key: whose key it is, and what is asked with it.
 *
 * A key belongs to a route and to whoever sent it: the values of the route's headers and cookies and the identity of a client
 * certificate; where a request has none of these, its address and all of its cookies. So nobody is given what
 * somebody else was answered, whatever key he sends. The same key with another method, host, target or body is refused.
 * Source: draft-ietf-httpapi-idempotency-key-header-07 sections 2.1 to 2.6; RFC 9651 section 3.3.3 (String).
 */

import { createHash, type Hash } from 'node:crypto';
import { REASON, type Reason } from '../../../../model/reason.ts';
import type {
  IdempotencyConfig,
  IdempotencyOutcome,
  StoredAnswer,
} from '../../../../model/threads/answers/idempotency.ts';
import type { Peer } from '../../../decide/decide.ts';
import type { LinkedRoute } from '../../../decide/table.ts';
import { clientAddress, cookieValue } from '../../../decide/user-key.ts';
import type { Exchange } from '../../../exchange.ts';
import type { LinkedFault } from '../../../filter/faults.ts';
import { FIELD, type NameTable } from '../../../http1/fields/names.ts';
import type { RequestHead } from '../../../http1/request-head.ts';
import { retryingOf } from '../retry.ts';

/** Characters of a key: a UUID has 36. */
export const KEY_CHARS_MAX = 255;
/** As it is sent as a String of RFC 9651, or, as most clients do, bare. */
const QUOTED = /^"((?:[ !#-[\]-~]|\\["\\])+)"$/;
const BARE = /^[!#-+\--:<-~]+$/;

/** What a route does with keys, linked. */
export interface LinkedIdempotency extends IdempotencyConfig {
  readonly field: number;
  readonly fields: readonly number[];
}

/** Undefined, as for most routes: nothing. */
export function linkIdempotency(config: IdempotencyConfig | undefined, names: NameTable): LinkedIdempotency | null {
  if (config === undefined) return null;
  return { ...config, field: names.idOf(config.header), fields: config.headers.map((name) => names.idOf(name)) };
}

/**
 * `gathering`: its body is read; `asking`: the broker is asked; `running`: it is executed, and nobody else executes it;
 * `over`: the broker knows what came of it.
 */
export type KeyedState = 'gathering' | 'asking' | 'running' | 'over';

/** What an exchange with a key carries. */
export interface Keyed {
  readonly config: LinkedIdempotency;
  readonly key: string;
  /** Of what is asked; takes the body as it comes. */
  readonly hash: Hash;
  state: KeyedState;
  /** For the access log. */
  outcome: IdempotencyOutcome;
  /** As it was drawn when the head was there. */
  fault: LinkedFault | null;
  /** Of the question to the broker. */
  id: number;
  /** Of the request, that are held until it is sent. */
  heldBytes: number;
  /** An earlier answer to be sent, and how much of it was. */
  answer: StoredAnswer | null;
  sentBytes: number;
}

/** That of an exchange, or null as for most. */
export function keyedOf({ retrying }: Exchange): Keyed | null {
  return retrying === null ? null : retrying.keyed;
}

/** Reads the key of a decided request. @returns why it is refused, or `REASON.none` */
export function readKey(x: Exchange, head: RequestHead, peer: Peer): Reason {
  const config = (x.route as LinkedRoute).idempotency as LinkedIdempotency;
  if (!config.methods.includes(x.method)) return REASON.none;
  const count = head.fields.seen(config.field);
  if (count === 0) return config.isRequired ? refused(x, `${x.method} needs ${config.header} here`) : REASON.none;
  const key = count === 1 ? keyIn(head.fields.value(config.field) as string) : null;
  if (key === null) return refused(x, `${config.header} is not one key of 1 to ${KEY_CHARS_MAX} characters`);
  const scope = [(x.route as LinkedRoute).name, key, ...askerOf(config, head, peer)];
  const hash = createHash('sha256').update(JSON.stringify([x.method, head.host, x.target]));
  retryingOf(x).keyed = {
    config,
    key: createHash('sha256').update(JSON.stringify(scope)).digest('base64url'),
    hash,
    state: 'gathering',
    outcome: 'refused',
    fault: null,
    id: 0,
    heldBytes: 0,
    answer: null,
    sentBytes: 0,
  };
  // The gateway reads the body before anybody else is asked.
  head.fields.drop(FIELD.expect);
  return REASON.none;
}

function refused(x: Exchange, detail: string): Reason {
  x.detail = detail;
  return REASON.idempotencyKey;
}

/** The key in a field's value; null when it is none. */
export function keyIn(value: string): string | null {
  const quoted = QUOTED.exec(value)?.[1]?.replace(/\\(.)/g, '$1');
  const key = quoted ?? (BARE.test(value) ? value : '');
  return key === '' || key.length > KEY_CHARS_MAX ? null : key;
}

/** What tells who asks; with names, so that one's value is never another's. */
function askerOf({ headers, fields, cookies }: LinkedIdempotency, head: RequestHead, peer: Peer): string[] {
  const told: string[] = [];
  const identity = peer.secure === null ? '' : peer.secure.identity;
  if (identity !== '') told.push('identity', identity);
  for (const [n, id] of fields.entries()) {
    if (head.fields.seen(id) > 0) told.push(`header ${headers[n]}`, ...head.fields.values(id));
  }
  const sent = head.fields.values(FIELD.cookie).join('; ');
  for (const name of cookies) {
    const value = cookieValue(sent, name);
    if (value !== null) told.push(`cookie ${name}`, value);
  }
  return told.length > 0 ? told : ['address', clientAddress(head, peer), sent];
}
