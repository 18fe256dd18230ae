/**
 * Where a request carries its token, the version that its claim pins, and the user that it is about.
 *
 * Source: RFC 6750 section 2.1; RFC 9110 section 11.1 (the scheme in any case).
 */

import type { Exchange } from '../../exchange.ts';
import { FIELD } from '../../http1/fields/names.ts';
import type { RequestHead } from '../../http1/request-head.ts';
import type { LinkedRoute } from '../table.ts';
import { joined, pin } from './color.ts';
import { readCookie } from './cookies.ts';

/** Looks for a split that the request's token pins, and takes it. False: the token is not known yet, see `Tokens.whenKnown`. */
export function pinByToken(x: Exchange, head: RequestHead, route: LinkedRoute): boolean {
  const { jwt } = x.table.color;
  // Where there is no choice no token is worth a look.
  if (jwt === null || jwt.claim === null || route.splits.length < 2) return true;
  const token = tokenOf(head, jwt.cookie);
  if (token === null) return true;
  const colors = x.client.lane.tokens.colorsOf(token, !route.isKeyedByToken);
  if (colors === null) return false;
  for (const color of colors) {
    x.split = pin(x, head.fields, color);
    if (x.split !== null) return true;
  }
  return true;
}

/** Puts the user of the request's token where user keys are read. False: the token is not known yet, see `Tokens.whenKnown`. */
export function tellUser(x: Exchange, head: RequestHead): boolean {
  const { color, tokenUserField } = x.table;
  const token = color.jwt === null ? null : tokenOf(head, color.jwt.cookie);
  if (token === null) return true;
  const user = x.client.lane.tokens.userOf(token);
  if (user !== null && user !== '') head.fields.replace(tokenUserField, user);
  return user !== null;
}

/** The token of `Authorization`, else that of the cookie; null without one. Two of the former are none. */
export function tokenOf({ fields }: RequestHead, cookie: string | null): string | null {
  if (fields.seen(FIELD.authorization) === 1) {
    const value = fields.value(FIELD.authorization) as string;
    if (/^bearer +/i.test(value)) return value.slice(7).trim();
  }
  if (cookie === null || fields.seen(FIELD.cookie) === 0) return null;
  return readCookie(joined(fields, FIELD.cookie, '; '), cookie);
}
