/**
 * Which color a request names, where, and whose word counts. Hot path.
 *
 * The places in the order of precedence: header, query parameter, cookie, `baggage` member, then a token (bearer.ts). The
 * first whose color pins a version of the route decides, so a color that is meant for another service hides none. What a
 * stranger says in a place that anybody can write is taken out of the request before anything looks at it: routes, user
 * keys, colors, upstreams. Only a header that is signed (signatures.ts) stays.
 * Source: docs/routing.md "Color".
 */

import { bothClocks } from '../../../lib/clock.ts';
import { type ColorConfig, type ColorTokenConfig, SIGNATURE_RESULTS } from '../../../model/threads/color.ts';
import type { Exchange } from '../../exchange.ts';
import type { FieldTable } from '../../http1/fields/field-table.ts';
import { FIELD, type NameTable } from '../../http1/fields/names.ts';
import type { RequestHead } from '../../http1/request-head.ts';
import { QueryParameters, withoutParameter } from '../query.ts';
import type { LinkedRoute, LinkedSplit } from '../table.ts';
import { readMember, withMember, withoutMember } from './baggage.ts';
import { readCookie, withoutCookie } from './cookies.ts';

/** The places as a table has them. */
export interface LinkedColor {
  /** Id of the header. */
  readonly field: number;
  readonly isFromAnyone: boolean;
  /** Some place but the header may name a color. */
  readonly hasOthers: boolean;
  /** Names, empty where none is configured. */
  readonly query: string;
  readonly cookie: string;
  readonly member: string;
  /** Id of `baggage`, 0 where it is not looked at. */
  readonly baggageField: number;
  readonly parameters: QueryParameters;
  /** Id of the signature's header, 0 where colors are not signed. */
  readonly signatureField: number;
  readonly jwt: ColorTokenConfig | null;
}

/** Lower-case names of the fields that colors are read from. */
export function colorNames({ header, baggage, signature }: ColorConfig): string[] {
  return [header, ...(baggage === null ? [] : ['baggage']), ...(signature === null ? [] : [signature.header])];
}

/** Links the places; `names` must hold `colorNames`. */
export function linkColor(color: ColorConfig, names: NameTable): LinkedColor {
  const { header, acceptFrom, query, cookie, baggage, signature, jwt } = color;
  const parameters = new QueryParameters();
  if (query !== null) parameters.idOf(query);
  return {
    field: names.idOf(header),
    isFromAnyone: acceptFrom === 'anyone',
    hasOthers: query !== null || cookie !== null || baggage !== null,
    query: query ?? '',
    cookie: cookie ?? '',
    member: baggage ?? '',
    baggageField: baggage === null ? FIELD.unknown : names.idOf('baggage'),
    parameters,
    signatureField: signature === null ? FIELD.unknown : names.idOf(signature.header),
    jwt,
  };
}

/** Takes what is not believed out of the request. Cost: a few loads where only the header is looked at. */
export function siftColor(x: Exchange, head: RequestHead, isTrusted: boolean): void {
  const { color } = x.table;
  const isSigned = color.signatureField !== FIELD.unknown && hasSignature(x, head.fields);
  if (isTrusted || color.isFromAnyone) return;
  if (!isSigned) head.fields.forget(color.field);
  if (color.hasOthers) hideElsewhere(color, x, head);
}

/** Is the header's one color signed? A signature that is not right goes no further, whoever sends it. */
function hasSignature({ client, table }: Exchange, fields: FieldTable): boolean {
  const { field, signatureField } = table.color;
  const signature = fields.value(signatureField);
  if (signature === null) return false;
  const isOne = fields.seen(field) === 1 && fields.seen(signatureField) === 1;
  const { signatures, recorder } = client.lane;
  const result = isOne ? signatures.check(fields.value(field) as string, signature, bothClocks().wallMs) : 'forged';
  recorder.colorSigned(SIGNATURE_RESULTS.indexOf(result));
  if (result !== 'valid') fields.forget(signatureField);
  return result === 'valid';
}

function hideElsewhere({ query, cookie, member, baggageField }: LinkedColor, x: Exchange, head: RequestHead): void {
  const { fields } = head;
  if (query !== '') {
    const target = withoutParameter(head.target, query);
    if (target !== head.target) {
      head.target = target;
      head.isVerbatim = false;
      x.target = target;
    }
  }
  if (cookie !== '' && fields.seen(FIELD.cookie) !== 0) {
    const cookies = joined(fields, FIELD.cookie, '; ');
    const kept = withoutCookie(cookies, cookie);
    if (kept !== cookies) fields.replace(FIELD.cookie, kept);
  }
  if (baggageField !== FIELD.unknown && fields.seen(baggageField) !== 0) {
    const members = joined(fields, baggageField, ',');
    const kept = withoutMember(members, member);
    if (kept !== members) fields.replace(baggageField, kept);
  }
}

/** The split that the request's color pins, or null. What strangers say must be hidden before. */
export function pinnedBy(x: Exchange, head: RequestHead, route: LinkedRoute): LinkedSplit | null {
  const { color } = x.table;
  const named = head.fields.value(color.field);
  const pinned = named === null ? undefined : route.byColor.get(named);
  if (pinned !== undefined) return pinned;
  return color.hasOthers ? pinnedElsewhere(color, x, head) : null;
}

function pinnedElsewhere(color: LinkedColor, x: Exchange, head: RequestHead): LinkedSplit | null {
  const { fields } = head;
  let pinned: LinkedSplit | null = null;
  if (color.query !== '') {
    color.parameters.start(head.target);
    pinned = pin(x, fields, color.parameters.value(0));
  }
  if (pinned === null && color.cookie !== '' && fields.seen(FIELD.cookie) !== 0) {
    pinned = pin(x, fields, readCookie(joined(fields, FIELD.cookie, '; '), color.cookie));
  }
  if (pinned === null && fields.seen(color.baggageField) !== 0) {
    pinned = pin(x, fields, readMember(joined(fields, color.baggageField, ','), color.member));
  }
  return pinned;
}

/** Whether the request says a color anywhere but in a token, whatever it pins. What strangers say must be hidden before. */
export function namesColor({ table: { color } }: Exchange, { fields, target }: RequestHead): boolean {
  if (fields.value(color.field) !== null) return true;
  if (!color.hasOthers) return false;
  if (color.query !== '') {
    color.parameters.start(target);
    if (color.parameters.value(0) !== null) return true;
  }
  if (color.cookie !== '' && fields.seen(FIELD.cookie) !== 0) {
    if (readCookie(joined(fields, FIELD.cookie, '; '), color.cookie) !== null) return true;
  }
  return (
    fields.seen(color.baggageField) !== 0 && readMember(joined(fields, color.baggageField, ','), color.member) !== null
  );
}

/** The split of a color, if the route has one; then the header says it from here on. */
export function pin(x: Exchange, fields: FieldTable, color: string | null): LinkedSplit | null {
  const split = color === null ? undefined : (x.route as LinkedRoute).byColor.get(color);
  if (split === undefined) return null;
  fields.replace(x.table.color.field, color as string);
  return split;
}

/**
 * Sees to it that upstreams are told the color that pinned the request: the only one that goes on in the header, as they
 * may read the last of several, in `baggage` the same, and signed where colors are.
 */
export function tellColor({ client, table }: Exchange, fields: FieldTable): void {
  const { color } = table;
  const value = fields.value(color.field) as string;
  if (fields.seen(color.field) > 1) fields.replace(color.field, value);
  if (color.signatureField !== FIELD.unknown) {
    fields.replace(color.signatureField, client.lane.signatures.sign(value, bothClocks().wallMs));
  }
  if (color.baggageField === FIELD.unknown) return;
  const members = fields.seen(color.baggageField) === 0 ? '' : joined(fields, color.baggageField, ',');
  const kept = withMember(members, color.member, value);
  if (kept !== members) fields.replace(color.baggageField, kept);
}

/** All values of a list field in one text. */
export function joined(fields: FieldTable, id: number, separator: string): string {
  return fields.seen(id) === 1 ? (fields.value(id) as string) : fields.values(id).join(separator);
}
