/**
 * Redirects that a route answers with: where to.
 *
 * The location is absolute and made of configuration and of what was validated in the request, in this order: scheme,
 * host, port, path, query. Nothing that a client wrote can change the authority: its host counts only where none is
 * configured, because it is what the route matched; its port never counts; and what follows is a path that begins with a
 * slash behind a complete authority, so `//evil` or `\evil` lead nowhere else.
 *
 * | port | scheme | Location's port |
 * |---|---|---|
 * | configured | any | that one |
 * | not | configured | the scheme's own: none is written |
 * | not | not | the port that the request came in on |
 *
 * 80 for http and 443 for https are not written.
 * Source: Gateway API v1 HTTPRequestRedirectFilter; RFC 9110 sections 10.2.2, 15.4.
 */

import type { RedirectFilter } from '../../model/config.ts';
import { type LinkedPathRewrite, linkPathRewrite, rewriteTarget } from './rewrite.ts';

/** A compiled redirect. */
export interface LinkedRedirect {
  readonly status: RedirectFilter['status'];
  /** Empty: the request's. */
  readonly scheme: '' | 'http' | 'https';
  /** As it stands in a URL; empty: the request's. */
  readonly host: string;
  /** 0: by the table above. */
  readonly port: number;
  readonly path: LinkedPathRewrite | null;
}

/** What a redirect takes from a request. */
export interface Redirected {
  readonly isHttps: boolean;
  /** Lower-case, without port; empty when the request named none. */
  readonly host: string;
  /** The port it came in on, as far as that is known for certain. */
  readonly port: number;
  readonly target: string;
  readonly prefixLength: number;
}

/** Compiles a redirect. */
export function linkRedirect(filter: RedirectFilter): LinkedRedirect {
  return {
    status: filter.status,
    scheme: filter.scheme ?? '',
    host: filter.hostname ?? '',
    port: filter.port ?? 0,
    path: filter.path === null ? null : linkPathRewrite(filter.path),
  };
}

/** The value of `Location`, or null when nobody said which host. */
export function locationOf(redirect: LinkedRedirect, request: Redirected): string | null {
  const host = redirect.host === '' ? request.host : redirect.host;
  if (host === '') return null;
  const scheme = redirect.scheme === '' ? (request.isHttps ? 'https' : 'http') : redirect.scheme;
  const own = scheme === 'https' ? 443 : 80;
  const port = redirect.port > 0 ? redirect.port : redirect.scheme === '' ? request.port : own;
  const target =
    redirect.path === null ? request.target : rewriteTarget(redirect.path, request.target, request.prefixLength);
  return `${scheme}://${host}${port === own ? '' : `:${port}`}${target}`;
}
