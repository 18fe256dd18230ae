/**
 * The shape of a route's filters. Source: Gateway API, HTTPRouteFilter.
 */

import { z } from 'zod';
import { portFrom } from '../../scalars/address.ts';
import { checkPreciseHostname, HOSTNAME_META } from '../../scalars/host.ts';
import { checkFieldValue, checkHeaderWritten, checkMethod, FIELD_VALUE_META, TOKEN_META } from '../../scalars/http.ts';
import { checkRedirectStatus, REDIRECT_STATUSES } from '../../scalars/number.ts';
import { checkOrigin, ORIGIN_META } from '../../scalars/origin.ts';
import { checkPathSent, PATH_META } from '../../scalars/path.ts';
import { byType, flag, integer, MIB, name, scalar, size, token, word } from '../fields.ts';

/** Gateway API's and Kubernetes' `int32`. */
const INT32_MAX = 2_147_483_647;

function headerName(description: string): z.ZodType<string, string> {
  return scalar<string>(checkHeaderWritten, TOKEN_META, description);
}

/** A header that is written. */
export const field = z.strictObject({
  name: headerName('Header name, as it is to be written'),
  value: scalar<string>(checkFieldValue, FIELD_VALUE_META, 'Value to write'),
});

const headerModifier = z.strictObject({
  set: z.array(field).optional(),
  add: z.array(field).optional(),
  remove: z.array(headerName('Header name, any case')).optional(),
});

const hostname = scalar<string>(checkPreciseHostname, HOSTNAME_META, 'Host name to put in place of the request’s');
const pathSent = (description: string): z.ZodType<string, string> =>
  scalar<string>(checkPathSent, PATH_META, description);

const pathModifier = byType(
  z.strictObject({
    type: word(['ReplaceFullPath', 'ReplacePrefixMatch'], 'What of the path is replaced'),
    replaceFullPath: pathSent('The new path').optional(),
    replacePrefixMatch: pathSent('What stands in place of the matched prefix').optional(),
  }),
  { ReplaceFullPath: 'replaceFullPath', ReplacePrefixMatch: 'replacePrefixMatch' },
);

const rewrite = z.strictObject({ hostname: hostname.optional(), path: pathModifier.optional() });

const redirect = z.strictObject({
  scheme: word(['http', 'https'], 'Scheme of the location; default: the request’s').optional(),
  hostname: hostname.optional(),
  path: pathModifier.optional(),
  port: scalar<number>(
    portFrom(1),
    { type: 'integer', minimum: 1, maximum: 65_535 },
    'Port of the location; default: that of the scheme if one is given, else the one the request came in on',
  ).optional(),
  statusCode: scalar<301 | 302 | 303 | 307 | 308>(
    checkRedirectStatus,
    { enum: REDIRECT_STATUSES },
    'Status of the answer; default 302',
  ).optional(),
});

const cors = z.strictObject({
  allowOrigins: z.array(scalar<string>(checkOrigin, ORIGIN_META, 'Origin that may read responses, or *')).min(1),
  allowMethods: z.array(scalar<string>(checkMethod, TOKEN_META, 'Method besides GET, HEAD and POST, or *')).optional(),
  allowHeaders: z.array(token('header name', 'Request header that scripts may set, or *')).optional(),
  exposeHeaders: z.array(token('header name', 'Response header that scripts may read, or *')).optional(),
  allowCredentials: flag('Requests with cookies may be read; default false').optional(),
  maxAge: integer(0, INT32_MAX, 'Seconds for which a preflight answer holds; default 5').optional(),
});

const mirror = z.strictObject({
  backendRef: z.strictObject({
    name: name('Service that gets the copies'),
    version: name('Version of the service; may be left out when it has exactly one').optional(),
  }),
  percent: integer(0, 100, 'Percentage of requests that are copied; default 100').optional(),
  fraction: z
    .strictObject({
      numerator: integer(0, INT32_MAX, 'Requests that are copied, out of the denominator'),
      denominator: integer(1, INT32_MAX, 'Out of how many; default 100').optional(),
    })
    .optional(),
  compare: z
    .strictObject({
      bodyBytesMax: size(1, MIB, 'Longest body of an answer that is compared; default 64KiB').optional(),
      ignoreHeaders: z.array(token('header name', 'Response header that may differ, any case')).optional(),
    })
    .meta({ description: 'Compare its answers to GET and HEAD with those that clients get' })
    .optional(),
});

/** The field of each type of filter. */
export const FILTER_FIELDS = {
  RequestHeaderModifier: 'requestHeaderModifier',
  ResponseHeaderModifier: 'responseHeaderModifier',
  URLRewrite: 'urlRewrite',
  RequestRedirect: 'requestRedirect',
  CORS: 'cors',
  RequestMirror: 'requestMirror',
} as const;

/** The type of a filter. */
export type FilterType = keyof typeof FILTER_FIELDS;

/** One filter: a type, and the field of that name. */
export const filter = byType(
  z.strictObject({
    type: word(Object.keys(FILTER_FIELDS) as FilterType[], 'Which of the fields beside it is there'),
    requestHeaderModifier: headerModifier.optional(),
    responseHeaderModifier: headerModifier.optional(),
    urlRewrite: rewrite.optional(),
    requestRedirect: redirect.optional(),
    cors: cors.optional(),
    requestMirror: mirror.optional(),
  }),
  FILTER_FIELDS,
);
