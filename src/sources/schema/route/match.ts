/**
 * The shape of what a route matches: path, method, headers, query parameters, the client's certificate.
 */

import { z } from 'zod';
import type { Check } from '../../problems/fault.ts';
import { checkFieldValue, checkMethod, FIELD_VALUE_META, TOKEN_META } from '../../scalars/http.ts';
import { checkPath, PATH_META } from '../../scalars/path.ts';
import {
  checkPattern,
  checkQueryName,
  checkQueryValue,
  PATTERN_META,
  QUERY_NAME_META,
  QUERY_VALUE_META,
} from '../../scalars/pattern.ts';
import { type PartFault, scalar, text, token, unlessPattern, withRule, word } from '../fields.ts';

const valueType = word(['Exact', 'RegularExpression'], 'How the value is compared; default Exact').optional();

/** The rule of a mapping of `type` and `value`: a pattern for RegularExpression, else what `exact` says. */
function valueRule(exact: Check) {
  return ({ type, value }: { readonly type?: unknown; readonly value?: unknown }): PartFault[] => {
    if (value === undefined) return [];
    const fault = type === 'RegularExpression' ? checkPattern(value) : exact(value);
    return fault === null ? [] : [{ path: ['value'], fault }];
  };
}

const path = withRule(
  z.strictObject({
    type: word(
      ['Exact', 'PathPrefix', 'RegularExpression'],
      'PathPrefix matches whole segments, RegularExpression the whole path; default PathPrefix',
    ).optional(),
    value: text('a path that starts with /', 'Path that starts with /, or a pattern; default /').optional(),
  }),
  valueRule(checkPath),
  unlessPattern(PATTERN_META, PATH_META),
);

const header = withRule(
  z.strictObject({
    name: token('header name', 'Header name, any case'),
    type: valueType,
    value: text('a header value of visible ASCII characters', 'Exact value, or a pattern for the whole value'),
  }),
  valueRule(checkFieldValue),
  unlessPattern(PATTERN_META, FIELD_VALUE_META),
);

const queryParam = withRule(
  z.strictObject({
    name: scalar<string>(checkQueryName, QUERY_NAME_META, 'Parameter name, case-sensitive, decoded'),
    type: valueType,
    value: text('the value of a query parameter', 'Exact value, or a pattern for the whole value; decoded'),
  }),
  valueRule(checkQueryValue),
  unlessPattern(PATTERN_META, QUERY_VALUE_META),
);

const clientIdentity = withRule(
  z.strictObject({
    type: valueType,
    value: text('the identity in a client’s certificate', 'Exact value, or a pattern for the whole value'),
  }),
  valueRule(checkFieldValue),
  unlessPattern(PATTERN_META, FIELD_VALUE_META),
);

/** One match. */
export const match = z.strictObject({
  path: path.optional(),
  method: scalar<string>(checkMethod, TOKEN_META, 'Request method, case-sensitive').optional(),
  headers: z.array(header).optional(),
  queryParams: z.array(queryParam).optional(),
  clientIdentity: clientIdentity.optional(),
  scheme: word(
    ['http', 'https'],
    'What the client speaks, to the gateway or a trusted proxy; either without it',
  ).optional(),
});
