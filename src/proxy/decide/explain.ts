/**
 * Explains a decision without making it: the same parser, router, colors, filters and splitter as for a request, on a table of its own.
 *
 * Why other routes do not take it is found by asking the router too: about each condition of theirs by itself. Not taken into account, and
 * said so: tokens and signatures, whose keys are the workers', certificates of clients, and what rate limits have counted.
 */

import { isIP } from 'node:net';
import { hash32 } from '../../lib/hash.ts';
import { Random } from '../../lib/random.ts';
import type { RouteMatch } from '../../model/config.ts';
import { REASON, REASONS } from '../../model/reason.ts';
import type { RouteSpec, Snapshot, SplitSpec } from '../../model/snapshot.ts';
import {
  conditionText,
  type ExplainedVersion,
  filterNames,
  matchText,
  type OtherRoute,
  type RouteAnswer,
  type RouteExplanation,
  type RouteQuestion,
} from '../../model/threads/explain.ts';
import { ENDPOINT_DIALS_WORDS } from '../../model/threads/load/capacity.ts';
import { CLIENT_IDENTITY } from '../../model/threads/tls.ts';
import { Exchange } from '../exchange.ts';
import { Endpoint } from '../forward/endpoint.ts';
import type { Asker } from '../forward/sides.ts';
import type { RequestHead } from '../http1/request-head.ts';
import type { Lane } from '../lane.ts';
import { trustOf } from '../listener.ts';
import { CertificateNames, NO_CERTIFICATE } from '../wire/tls/names.ts';
import { SecurePeer } from '../wire/tls/peer.ts';
import { tokenOf } from './color/bearer.ts';
import { Signatures } from './color/signatures.ts';
import { decide, type Peer } from './decide.ts';
import { Router } from './router.ts';
import { type LinkedRoute, linkTable, type RouteTable } from './table.ts';
import { userKeyOf } from './user-key.ts';

/** Routes that are told why they do not take a request. */
export const OTHERS_MAX = 20;
/** Routes of the host that are looked at. Of 10,000 the router is asked some 40,000 times: 0.2 to 0.3 s. */
const LOOKED_AT_MAX = 10_000;
const ANYTHING: RouteMatch = { path: { type: 'PathPrefix', value: '/' }, method: null, headers: [], query: [] };

/** Tells what would become of a request. @param dials the weights in force @param seed of what is drawn */
export function explainRoute(
  snapshot: Snapshot,
  question: RouteQuestion,
  { dials, seed }: { readonly dials: Int32Array; readonly seed: number },
): RouteAnswer {
  const text = requestOf(question);
  if (text === null)
    return refused('the URL must be http://host/path; a method, a name and a value are of visible ASCII');
  if (isIP(question.from) === 0) return refused(`an IP address is expected, got ${question.from.slice(0, 64)}`);
  const table = tableOf(snapshot);
  const bytes = Buffer.from(text, 'latin1');
  const head = table.requestHead;
  const peer = peerOf(snapshot, question);
  const parsed = head.parse(bytes, 0, bytes.length);
  const x = new Exchange({ lane: laneOf(snapshot, dials) } as unknown as Asker, table, 0);
  if (parsed !== bytes.length) {
    const unread = parsed === -1 ? head.reason : REASON.badRequest;
    const none = { method: question.method, host: '', path: '', detail: head.detail };
    return { kind: 'done', explanation: { ...blank(snapshot, peer), ...none, ...refusalOf(unread) } };
  }
  x.take(head);
  const notes = notesOf(snapshot, head, table.color.signatureField);
  const reason = decide(x, head, peer, new Random(seed));
  const told = {
    ...blank(snapshot, peer),
    method: head.method,
    host: head.host,
    path: head.path,
    notes,
    detail: x.detail,
  };
  const outcome = x.answer === null ? refusalOf(reason) : { outcome: 'answered' as const, status: x.answer.status };
  const others = othersOf(snapshot, head, { table, winner: x.route?.name ?? null });
  return { kind: 'done', explanation: { ...told, ...outcome, ...routeOf(x, { snapshot, head, peer }), ...others } };
}

function refused(detail: string): RouteAnswer {
  return { kind: 'refused', detail };
}

/** The request as bytes; null where it cannot be one. */
function requestOf({ method, url, headers }: RouteQuestion): string | null {
  // As written: the URL class would normalize what the gateway is to be asked about.
  const [, authority = '', target = ''] = /^https?:\/\/([^/?#\s]+)([^#\s]*)$/i.exec(url) ?? [];
  if (authority === '' || !isLine(authority + target) || !/^[!-~]+$/.test(method)) return null;
  if (!headers.every(([name, value]) => /^[!-9;-~]+$/.test(name) && isLine(value))) return null;
  const own = headers.some(([name]) => name.toLowerCase() === 'host') ? [] : [['Host', authority] as const];
  const lines = [...own, ...headers].map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${target.startsWith('/') ? target : `/${target}`} HTTP/1.1\r\n${lines.join('')}\r\n`;
}

function isLine(text: string): boolean {
  return /^[\t\x20-\x7e\x80-\xff]*$/.test(text);
}

/** By snapshot: linking 10,000 routes takes half a second. */
const tables = new WeakMap<Snapshot, RouteTable>();

/** Limits count what is let through and tokens take time: neither is asked here. */
function tableOf(snapshot: Snapshot): RouteTable {
  const known = tables.get(snapshot);
  if (known !== undefined) return known;
  const routes = snapshot.routes.map((route) => ({ ...route, rateLimits: [] }));
  const endpointOf = (index: number): Endpoint => {
    const { id, host, port } = snapshot.endpoints[index] as NonNullable<Snapshot['endpoints'][number]>;
    return new Endpoint(id, host, port);
  };
  const balance = { capacities: new Int32Array(ENDPOINT_DIALS_WORDS), random: new Random(1) };
  const table = linkTable({ ...snapshot, routes, color: { ...snapshot.color, jwt: null } }, endpointOf, balance);
  tables.set(snapshot, table);
  return table;
}

/** What a decision needs of a lane. */
function laneOf(snapshot: Snapshot, dials: Int32Array): Lane {
  const signatures = new Signatures();
  signatures.configure(snapshot.color.signature);
  const [shedder, downstream] = [{ isOn: false }, { isOn: () => false }];
  return { dials, signatures, shedder, downstream, recorder: { colorSigned: () => undefined } } as unknown as Lane;
}

/** A question about `https` is one about a connection with whatever certificate its host has, and none of the client's. */
function peerOf({ trustedProxies }: Snapshot, { url, from: address }: RouteQuestion): Peer {
  const trusts = trustOf(trustedProxies);
  const secure = /^https:/i.test(url)
    ? new SecurePeer(new CertificateNames([], NO_CERTIFICATE), NO_CERTIFICATE, null, false)
    : null;
  const key = hash32(address) | 0;
  return { address, sourcePort: 0, port: 0, local: '', isTrusted: trusts(address), trusts, secure, key };
}

function notesOf({ color, routes }: Snapshot, head: RequestHead, signatureField: number): string[] {
  const notes: string[] = [];
  const asks = ({ matches }: RouteSpec): boolean =>
    matches.some(({ headers }) => headers.some(({ name }) => name === CLIENT_IDENTITY));
  if (routes.some(asks)) notes.push('some routes ask who the client is; here it has no certificate');
  if (color.jwt !== null && tokenOf(head, color.jwt.cookie) !== null) {
    notes.push(
      'the request has a token, whose color and user the gateway would verify; here it pins nothing and is nobody’s',
    );
  }
  if (color.signature !== null && head.fields.seen(signatureField) > 0) {
    notes.push('the color is signed, which is not verified here: it counts as that of its sender');
  }
  return notes;
}

function blank({ revision, hash }: Snapshot, { isTrusted }: Peer): RouteExplanation {
  const nothing = {
    route: null,
    match: '',
    version: null,
    versions: [],
    filters: [],
    rateLimits: [],
    experiments: [],
    notes: [],
  };
  const others = { others: [], otherHosts: 0, more: 0 };
  const request = { method: '', host: '', path: '', isTrusted };
  return {
    revision,
    hash,
    ...request,
    outcome: 'forwarded',
    status: 0,
    reason: 'none',
    detail: '',
    ...nothing,
    ...others,
  };
}

function refusalOf(reason: number): Pick<RouteExplanation, 'outcome' | 'status' | 'reason'> {
  const { name, status } = REASONS[reason] as (typeof REASONS)[number];
  return { outcome: reason === REASON.none ? 'forwarded' : 'refused', status, reason: name };
}

interface Decided {
  readonly snapshot: Snapshot;
  readonly head: RequestHead;
  readonly peer: Peer;
}

function routeOf(x: Exchange, { snapshot, head, peer }: Decided): Partial<RouteExplanation> {
  const spec = snapshot.routes.find(({ name }) => name === x.route?.name);
  if (x.route === null || spec === undefined) return {};
  const { dials } = x.client.lane;
  const versions = spec.splits.map((split) => versionOf(split, dials));
  const chosen = x.split === null ? null : (versions[x.route.splits.indexOf(x.split)] as ExplainedVersion);
  const isSticky = userKeyOf(x.route, head, peer) !== null;
  const by = x.isPinned ? 'color' : isSticky ? 'userKey' : 'drawn';
  const rule = x.table.router.match(head, head.path, head.method);
  return {
    route: spec.name,
    match:
      rule?.route === x.route
        ? matchText(spec.hostnames, spec.matches[rule.place] as RouteMatch)
        : 'as the preflight of another method',
    version: chosen === null ? null : { ...chosen, by },
    versions,
    filters: filterNames(spec.filters),
    rateLimits: spec.rateLimits.map(({ name }) => name),
    experiments: x.split === null ? [] : groupsOf(x.route, head),
  };
}

/** What upstreams are told. */
function groupsOf({ filters }: LinkedRoute, { fields }: RequestHead): RouteExplanation['experiments'] {
  return (filters?.experiments ?? []).map(({ id, field }) => ({ id, group: fields.value(field) }));
}

function versionOf({ service, version, dial, colors }: SplitSpec, dials: Int32Array): ExplainedVersion {
  return { service, version, weight: Atomics.load(dials, dial), colors };
}

interface Looking {
  readonly table: RouteTable;
  readonly winner: string | null;
}

function othersOf(
  { routes }: Snapshot,
  head: RequestHead,
  { table, winner }: Looking,
): Pick<RouteExplanation, 'others' | 'otherHosts' | 'more'> {
  const takes = takerOf(table, head);
  const rest = routes.filter(({ name }) => name !== winner);
  const ofHost = rest.filter(({ hostnames }) => takes(hostnames, ANYTHING));
  const looked = ofHost.slice(0, LOOKED_AT_MAX).map((spec) => nearestOf(spec, takes, winner));
  const others = looked.toSorted((a, b) => a.misses - b.misses).slice(0, OTHERS_MAX);
  const told = others.map(({ misses: _misses, ...other }) => other);
  return { others: told, otherHosts: rest.length - ofHost.length, more: ofHost.length - told.length };
}

/** Whether a request meets a host and a match, asked of a router that has nothing else. */
type Takes = (hostnames: readonly string[], match: RouteMatch) => boolean;

function takerOf({ names }: RouteTable, head: RequestHead): Takes {
  const route = {} as LinkedRoute;
  const empty = Router.empty(names);
  return (hostnames, match) => {
    const router = empty.changed({ dropped: [], added: [{ route, hostnames, matches: [match] }], orderOf: () => 0 });
    return router.match(head, head.path, head.method) !== null;
  };
}

function nearestOf(spec: RouteSpec, takes: Takes, winner: string | null): OtherRoute & { readonly misses: number } {
  let nearest: { readonly match: RouteMatch; readonly missing: readonly string[] } | null = null;
  for (const match of spec.matches) {
    const missing = missingOf(match, takes);
    if (nearest === null || missing.length < nearest.missing.length) nearest = { match, missing };
  }
  const { match, missing } = nearest ?? { match: ANYTHING, missing: ['it has no match'] };
  const met = winner === null ? 'it would take it' : `it matches too, and comes after ${winner}`;
  const because = missing.length === 0 ? met : missing.join('; ');
  return { name: spec.name, match: matchText(spec.hostnames, match), because, misses: missing.length };
}

function missingOf({ path, method, headers, query }: RouteMatch, takes: Takes): string[] {
  const missing: string[] = [];
  if (!takes([], { ...ANYTHING, path })) missing.push(`the path is not ${path.type} ${path.value}`);
  if (!takes([], { ...ANYTHING, method })) missing.push(`the method is not ${method}`);
  for (const header of headers) {
    if (!takes([], { ...ANYTHING, headers: [header] })) missing.push(`${conditionText(header)} is missing or another`);
  }
  for (const parameter of query) {
    if (!takes([], { ...ANYTHING, query: [parameter] })) missing.push(`query ${parameter.name} is missing or another`);
  }
  return missing;
}
