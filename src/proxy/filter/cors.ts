/**
 * Cross-origin requests: which origins may read responses, and preflights answered by the gateway.
 *
 * The upstream's own CORS fields are replaced. What is allowed is said only to origins that are allowed; all others get
 * no CORS field, and their browsers refuse by themselves. Unless every origin gets the same answer, responses say
 * `Vary: Origin`, also those to requests without one: a cache must not give one origin's answer to another.
 *
 * - `*` among the origins allows all; with credentials the origin itself is named, because browsers refuse `*` then.
 *   Likewise for `*` among methods and headers of a preflight.
 * - `https://*.example.com` allows any one or more labels in front, nothing that merely ends alike: an origin is taken
 *   apart into scheme, host and port, and what cannot be is not allowed. `null` is allowed by `*` only.
 * Source: Fetch, "CORS protocol"; RFC 6454 section 6.2; Gateway API HTTPCORSFilter.
 */

import type { CorsFilter } from '../../model/config.ts';
import type { FieldTable } from '../http1/fields/field-table.ts';
import { FIELD } from '../http1/fields/names.ts';

const ORIGIN = /^(https?):\/\/((?:[a-z0-9_-]{1,63}\.)*[a-z0-9_-]{1,63}|\[[0-9a-f:.]{2,45}\])(?::(\d{1,5}))?$/;
const ORIGIN_CHARS_MAX = 300;
/** A list of tokens, as browsers write it. */
const TOKENS = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+(?:[ \t]*,[ \t]*[!#$%&'*+\-.^_`|~0-9A-Za-z]+)*$/;
const TOKENS_CHARS_MAX = 4096;

const DEFAULT_PORTS: Readonly<Record<string, string>> = { http: '80', https: '443' };

/** Fields of a response that only this filter may write. */
export const CORS_FIELDS: readonly number[] = [
  FIELD.accessControlAllowOrigin,
  FIELD.accessControlAllowCredentials,
  FIELD.accessControlAllowMethods,
  FIELD.accessControlAllowHeaders,
  FIELD.accessControlExposeHeaders,
  FIELD.accessControlMaxAge,
];

/** `https://*.example.com:8443`, taken apart. */
interface Wildcard {
  readonly scheme: string;
  /** `.example.com` */
  readonly suffix: string;
  readonly port: string;
}

/** A compiled filter. */
export interface LinkedCors {
  readonly allowsAll: boolean;
  /** In canonical spelling. */
  readonly origins: ReadonlySet<string>;
  readonly wildcards: readonly Wildcard[];
  readonly credentials: boolean;
  /** `Access-Control-Expose-Headers` line and the like, for allowed origins. */
  readonly responseLines: string;
  /** `*`: whatever is asked for. */
  readonly methods: string;
  readonly headers: string;
  readonly maxAgeS: number;
}

/** Compiles a filter. */
export function linkCors(filter: CorsFilter): LinkedCors {
  const named = filter.allowOrigins.filter((origin) => origin !== '*').map((origin) => origin.toLowerCase());
  const credentials = filter.allowCredentials;
  const exposed = filter.exposeHeaders.join(', ');
  return {
    allowsAll: filter.allowOrigins.includes('*'),
    origins: new Set(named.filter((origin) => !origin.includes('*')).map(withoutOwnPort)),
    wildcards: named.filter((origin) => origin.includes('*')).map(wildcardOf),
    credentials,
    responseLines:
      (credentials ? 'Access-Control-Allow-Credentials: true\r\n' : '') +
      (exposed === '' ? '' : `Access-Control-Expose-Headers: ${exposed}\r\n`),
    methods: filter.allowMethods.join(', '),
    headers: filter.allowHeaders.join(', '),
    maxAgeS: filter.maxAgeS,
  };
}

/** `https://a:443` is `https://a`: browsers leave the scheme's own port out. */
function withoutOwnPort(origin: string): string {
  const parts = ORIGIN.exec(origin);
  return parts !== null && parts[3] === DEFAULT_PORTS[parts[1] as string] ? `${parts[1]}://${parts[2]}` : origin;
}

/** @param pattern `scheme://*.suffix`, with a port or without. */
function wildcardOf(pattern: string): Wildcard {
  const [scheme = '', rest = ''] = pattern.split('://*');
  const [suffix = '', port = DEFAULT_PORTS[scheme] ?? ''] = rest.split(':');
  return { scheme, suffix, port };
}

/** The origin as it is to be named, or empty when it may not read the response. */
export function allowedOrigin(cors: LinkedCors, origin: string): string {
  if (cors.allowsAll) {
    if (!cors.credentials) return '*';
    return origin === 'null' || partsOf(origin) !== null ? origin : '';
  }
  const parts = partsOf(origin);
  if (parts === null) return '';
  const [, scheme = '', host = '', port = DEFAULT_PORTS[scheme] ?? ''] = parts;
  if (cors.origins.has(port === DEFAULT_PORTS[scheme] ? `${scheme}://${host}` : `${scheme}://${host}:${port}`)) {
    return origin;
  }
  for (const wildcard of cors.wildcards) {
    // The suffix begins with a dot, and no host does.
    if (wildcard.scheme === scheme && wildcard.port === port && host.endsWith(wildcard.suffix)) return origin;
  }
  return '';
}

function partsOf(origin: string): RegExpExecArray | null {
  return origin.length > ORIGIN_CHARS_MAX ? null : ORIGIN.exec(origin.toLowerCase());
}

/** Lines for the response to a request that is no preflight; each with its CRLF. */
export function corsLines(cors: LinkedCors, fields: FieldTable): string {
  const vary = cors.allowsAll && !cors.credentials ? '' : 'Vary: Origin\r\n';
  if (fields.seen(FIELD.origin) !== 1) return vary;
  const origin = allowedOrigin(cors, fields.value(FIELD.origin) as string);
  return origin === '' ? vary : `Access-Control-Allow-Origin: ${origin}\r\n${cors.responseLines}${vary}`;
}

/** Is a request with method OPTIONS a preflight? */
export function isPreflight(fields: FieldTable): boolean {
  return fields.seen(FIELD.origin) === 1 && fields.seen(FIELD.accessControlRequestMethod) === 1;
}

/** Lines of the answer to a preflight, each with its CRLF. */
export function preflightLines(cors: LinkedCors, fields: FieldTable): string {
  const vary = 'Vary: Origin, Access-Control-Request-Method, Access-Control-Request-Headers\r\n';
  const origin = allowedOrigin(cors, fields.value(FIELD.origin) as string);
  if (origin === '') return vary;
  const methods = listFor(cors.methods, fields.value(FIELD.accessControlRequestMethod), cors.credentials);
  const headers = listFor(cors.headers, fields.value(FIELD.accessControlRequestHeaders), cors.credentials);
  return (
    `Access-Control-Allow-Origin: ${origin}\r\n` +
    (cors.credentials ? 'Access-Control-Allow-Credentials: true\r\n' : '') +
    (methods === '' ? '' : `Access-Control-Allow-Methods: ${methods}\r\n`) +
    (headers === '' ? '' : `Access-Control-Allow-Headers: ${headers}\r\n`) +
    `Access-Control-Max-Age: ${cors.maxAgeS}\r\n${vary}`
  );
}

/** What is configured; with credentials `*` means itself to browsers, so what was asked for is named instead. */
function listFor(configured: string, asked: string | null, credentials: boolean): string {
  if (!configured.split(', ').includes('*')) return configured;
  if (!credentials) return '*';
  return asked !== null && asked.length <= TOKENS_CHARS_MAX && TOKENS.test(asked) ? asked : '';
}
