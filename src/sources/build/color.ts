/**
 * Builds what the configuration says of colors from a sound document: defaults filled in, header names in lower case.
 */

import type {
  ColorConfig,
  ColorSignatureConfig,
  ColorTokenConfig,
  KeySetOrigin,
  SecretOrigin,
} from '../../model/threads/color.ts';
import {
  DEFAULT_COLOR,
  DEFAULT_COLOR_BUCKET_MS,
  DEFAULT_KEY_SET_INTERVAL_MS,
  DEFAULT_TOKEN_ALGORITHMS,
  DEFAULT_TOKEN_LEEWAY_MS,
} from '../defaults.ts';
import type { ColorInput } from '../schema.ts';
import { toMs } from './values.ts';

/** Builds the settings. `input` must have passed the schema. */
export function buildColor(input: ColorInput = {}): ColorConfig {
  const header = (input.header ?? DEFAULT_COLOR.header).toLowerCase();
  return {
    header,
    acceptFrom: input.acceptFrom ?? DEFAULT_COLOR.acceptFrom,
    query: input.query ?? DEFAULT_COLOR.query,
    cookie: input.cookie ?? DEFAULT_COLOR.cookie,
    baggage: input.baggage ?? DEFAULT_COLOR.baggage,
    signature: input.signature === undefined ? DEFAULT_COLOR.signature : buildSignature(input.signature, header),
    jwt: input.jwt === undefined ? DEFAULT_COLOR.jwt : buildToken(input.jwt),
  };
}

function buildSignature(input: NonNullable<ColorInput['signature']>, header: string): ColorSignatureConfig {
  return {
    header: (input.header ?? `${header}-signature`).toLowerCase(),
    bucketMs: toMs(input.bucket, DEFAULT_COLOR_BUCKET_MS),
    keys: input.keys.map(buildSecret),
  };
}

function buildSecret({ file, variable }: NonNullable<ColorInput['signature']>['keys'][number]): SecretOrigin {
  return file === undefined ? { kind: 'variable', name: variable as string } : { kind: 'file', path: file };
}

function buildToken(input: NonNullable<ColorInput['jwt']>): ColorTokenConfig {
  return {
    claim: input.claim ?? null,
    ...(input.userClaim === undefined ? {} : { userClaim: input.userClaim }),
    cookie: input.cookie ?? null,
    issuer: input.issuer,
    audience: input.audience,
    algorithms: input.algorithms ?? DEFAULT_TOKEN_ALGORITHMS,
    leewayMs: toMs(input.leeway, DEFAULT_TOKEN_LEEWAY_MS),
    keys: buildKeySet(input.jwks),
  };
}

function buildKeySet({ keys, file, url, interval, ca }: NonNullable<ColorInput['jwt']>['jwks']): KeySetOrigin {
  if (keys !== undefined) return { kind: 'inline', text: JSON.stringify({ keys }) };
  if (file !== undefined) return { kind: 'file', path: file };
  const intervalMs = toMs(interval, DEFAULT_KEY_SET_INTERVAL_MS);
  return { kind: 'url', url: url as string, intervalMs, ...(ca === undefined ? {} : { ca }) };
}
