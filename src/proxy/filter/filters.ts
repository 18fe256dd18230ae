/**
 * The filters of a route: compiled once, and those that answer by themselves. Hot path.
 *
 * In a fixed order, whatever the document's: redirect, CORS, request headers, rewrite, response headers. The first two may
 * answer here; requests are modified where their head is written (header/request.ts), responses likewise. A route without
 * filters has null instead of all this, and its requests pay one comparison.
 * Source: Gateway API v1 HTTPRouteFilter.
 */

import type { Filters } from '../../model/config.ts';
import { REASON, type Reason } from '../../model/reason.ts';
import type { Peer } from '../decide/decide.ts';
import type { Exchange } from '../exchange.ts';
import { isHttps } from '../header/forwarded.ts';
import { FIELD, type NameTable } from '../http1/fields/names.ts';
import type { RequestHead } from '../http1/request-head.ts';
import { corsLines, isPreflight, type LinkedCors, linkCors, preflightLines } from './cors.ts';
import { type LinkedExperiment, linkExperiments } from './experiments.ts';
import { type LinkedFault, linkFaults } from './faults.ts';
import { type LinkedHeaderFilter, linkHeaderFilter } from './header-filter.ts';
import { type LinkedRedirect, linkRedirect, locationOf } from './redirect.ts';
import { type LinkedPathRewrite, linkPathRewrite } from './rewrite.ts';

/** The compiled filters of a route; each null without it. */
export interface LinkedFilters {
  readonly redirect: LinkedRedirect | null;
  readonly cors: LinkedCors | null;
  readonly requestHeaders: LinkedHeaderFilter | null;
  /** The upstream's `Host`; empty = the request's. */
  readonly host: string;
  readonly path: LinkedPathRewrite | null;
  readonly responseHeaders: LinkedHeaderFilter | null;
  readonly faults: readonly LinkedFault[] | null;
  readonly experiments: readonly LinkedExperiment[] | null;
}

/** Compiles a route's filters; null when it has none of them. */
export function linkFilters(filters: Filters, names: NameTable): LinkedFilters | null {
  const { redirect, cors, requestHeaders, rewrite, responseHeaders } = filters;
  const all = [redirect, cors, requestHeaders, rewrite, responseHeaders];
  const [faults, experiments] = [linkFaults(filters.faults, names), linkExperiments(filters.experiments, names)];
  if ([...all, faults, experiments].every((filter) => filter === null)) return null;
  return {
    redirect: redirect === null ? null : linkRedirect(redirect),
    cors: cors === null ? null : linkCors(cors),
    requestHeaders: requestHeaders === null ? null : linkHeaderFilter(requestHeaders, names),
    host: rewrite?.hostname ?? '',
    path: rewrite === null || rewrite.path === null ? null : linkPathRewrite(rewrite.path),
    responseHeaders: responseHeaders === null ? null : linkHeaderFilter(responseHeaders, names),
    faults,
    experiments,
  };
}

/** An answer of the gateway that is no failure. */
export interface Answer {
  readonly status: number;
  /** Header lines, each with its CRLF. */
  readonly lines: string;
}

/** Sets `x.answer` if a filter answers by itself, and what CORS wants in the response. `x.prefixLength` is set. */
export function answerByFilter(x: Exchange, filters: LinkedFilters, head: RequestHead, peer: Peer): Reason {
  if (filters.redirect !== null) return redirect(x, filters.redirect, head, peer);
  if (filters.cors === null) return REASON.none;
  if (head.method === 'OPTIONS' && isPreflight(head.fields)) {
    x.answer = { status: 204, lines: preflightLines(filters.cors, head.fields) };
  } else x.answerLines = corsLines(filters.cors, head.fields);
  return REASON.none;
}

function redirect(x: Exchange, to: LinkedRedirect, head: RequestHead, peer: Peer): Reason {
  const location = locationOf(to, {
    isHttps: isHttps(head.fields, peer),
    host: head.host,
    port: portOf(head, peer),
    target: head.target,
    prefixLength: x.prefixLength,
  });
  if (location === null) {
    x.detail = 'a redirect needs a Host';
    return REASON.badRequest;
  }
  x.answer = { status: to.status, lines: `Location: ${location}\r\n` };
  return REASON.none;
}

/** The port that the request came in on; a trusted proxy knows better than we do, anybody else is not asked. */
function portOf(head: RequestHead, peer: Peer): number {
  if (!peer.isTrusted) return peer.port;
  const said = head.fields.value(FIELD.xForwardedPort);
  if (said !== null && /^[1-9]\d{0,4}$/.test(said) && Number(said) <= 65_535) return Number(said);
  // A trusted proxy that ended TLS and says no port has taken it where HTTPS is served.
  return isHttps(head.fields, peer) ? 443 : peer.port;
}
