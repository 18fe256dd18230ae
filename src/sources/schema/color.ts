/**
 * The shape of `color`: where a request names the version that it wants, and who is believed.
 */

import { z } from 'zod';
import { checkFile, FILE_PATH_META } from '../scalars/directory.ts';
import { checkColorHeader, TOKEN_META } from '../scalars/http.ts';
import {
  ALGORITHMS,
  checkKeySetUrl,
  checkPublicKey,
  checkTokenText,
  checkVariable,
  KEY_META,
  TEXT_META,
  VARIABLE_META,
} from '../scalars/keys.ts';
import { URL_META } from '../scalars/store.ts';
import { duration, type PartFault, scalar, token, withRule, word } from './fields.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

function file(description: string): z.ZodType<string, string> {
  return scalar<string>(checkFile, FILE_PATH_META, description);
}

function text(description: string): z.ZodType<string, string> {
  return scalar<string>(checkTokenText, TEXT_META, description);
}

function header(description: string): z.ZodType<string, string> {
  return scalar<string>(checkColorHeader, TOKEN_META, description);
}

/** Exactly one of these fields. */
function oneOf(fields: readonly string[]) {
  return (value: Readonly<Record<string, unknown>>): PartFault[] => {
    const count = fields.filter((field) => value[field] !== undefined).length;
    const expected = `exactly one of ${fields.join(', ')}`;
    return count === 1 ? [] : [{ path: [], fault: { kind: 'keyOrigin', expected, got: String(count) } }];
  };
}

/** Only of a server. */
function caOfUrl({ ca, url }: Readonly<Record<string, unknown>>): PartFault[] {
  if (ca === undefined || (typeof url === 'string' && url.startsWith('https:'))) return [];
  return [{ path: ['ca'], fault: { kind: 'keyOrigin', expected: 'no ca, as there is no url of https', got: 'one' } }];
}

const signingKey = withRule(
  z.strictObject({
    file: file('File with the key').optional(),
    variable: scalar<string>(checkVariable, VARIABLE_META, 'Environment variable with the key').optional(),
  }),
  oneOf(['file', 'variable']),
  { minProperties: 1, maxProperties: 1 },
);

const signature = z.strictObject({
  header: header('Header with the signature; default the color’s with -signature').optional(),
  keys: z.array(signingKey).min(1).max(2),
  bucket: duration(1000, HOUR_MS, 'How long one signature is made; default 60s').optional(),
});

const keySet = withRule(
  z.strictObject({
    keys: z
      .array(scalar<Record<string, unknown>>(checkPublicKey, KEY_META, 'Public key'))
      .min(1)
      .max(64)
      .optional(),
    file: file('File with a JSON Web Key Set').optional(),
    url: scalar<string>(checkKeySetUrl, URL_META, 'URL of a JSON Web Key Set').optional(),
    interval: duration(1000, 24 * HOUR_MS, 'Time between two looks at the URL; default 5m').optional(),
    ca: file('File with the certificates that the server’s must be signed by; default the system’s').optional(),
  }),
  (value) => [...oneOf(['keys', 'file', 'url'])(value), ...caOfUrl(value)],
  {},
);

const jwt = z.strictObject({
  claim: text('Claim whose value, or one of whose values, pins a version').optional(),
  userClaim: text('Claim that tells users apart, where a user key says jwt; default sub').optional(),
  issuer: text('What iss must be'),
  audience: z.array(text('One of which aud must name')).min(1).max(16),
  jwks: keySet,
  cookie: token('cookie name', 'Cookie with the token, where Authorization has none').optional(),
  algorithms: z.array(word(ALGORITHMS, 'Algorithm; default RS256, PS256, ES256, EdDSA')).min(1).max(11).optional(),
  leeway: duration(0, 10 * MINUTE_MS, 'By how much clocks may differ; default 30s').optional(),
});

export const color = z.strictObject({
  header: header('Header that pins a version; default x-release-stage').optional(),
  acceptFrom: word(['anyone', 'trustedProxies'], 'Whose unsigned color counts; default trustedProxies').optional(),
  query: token('query parameter name', 'Query parameter that pins a version').optional(),
  cookie: token('cookie name', 'Cookie that pins a version').optional(),
  baggage: token('baggage key', 'Key of the member of W3C baggage that pins a version').optional(),
  signature: signature.optional(),
  jwt: jwt.optional(),
});
