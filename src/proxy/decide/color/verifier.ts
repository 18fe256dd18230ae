/**
 * Verifies JSON Web Tokens against a key set, by `jose`; what is wrong with one becomes a word to count.
 *
 * Only what the configuration lists is accepted: its algorithms, all of them asymmetric, whatever the token or its key say;
 * issuer, audience and an expiry are required. A token without `kid` counts only if one key alone of the set fits.
 * Source: RFC 7515, RFC 7519, RFC 8725 sections 3.1 to 3.9; docs/adr/0022-jose.md.
 */

import { hash } from 'node:crypto';
import type { JWTPayload, JWTVerifyOptions } from 'jose';
import type { ColorTokenConfig, TokenResult } from '../../../model/threads/color.ts';

/** What a token is good for. */
export interface TokenVerdict {
  readonly result: TokenResult;
  /** Colors that its claim names, in their order. */
  readonly colors: readonly string[];
  /** Digest of the user that it is about, so that memory holds no name; empty: none. */
  readonly user: string;
  /** Wall time from and until which that holds, leeway included; it is verified for the present only. */
  readonly fromMs: number;
  readonly untilMs: number;
}

/** Verifies one token. Never rejects. */
export type VerifyToken = (token: string, wallMs: number) => Promise<TokenVerdict>;

/** Values of a claim that is a list; further ones are not looked at. */
const COLORS_MAX = 16;
/** Source: RFC 7519 section 4.1.2. */
const USER_CLAIM = 'sub';

const RESULTS: Readonly<Record<string, TokenResult>> = {
  ERR_JWT_EXPIRED: 'expired',
  ERR_JOSE_ALG_NOT_ALLOWED: 'algorithm',
  ERR_JOSE_NOT_SUPPORTED: 'algorithm',
  ERR_JWKS_NO_MATCHING_KEY: 'unknown_key',
  ERR_JWKS_MULTIPLE_MATCHING_KEYS: 'unknown_key',
  ERR_JWS_SIGNATURE_VERIFICATION_FAILED: 'signature',
  ERR_JWS_INVALID: 'malformed',
  ERR_JWT_INVALID: 'malformed',
};
const CLAIMS: Readonly<Record<string, TokenResult>> = {
  iss: 'issuer',
  aud: 'audience',
  exp: 'expired',
  nbf: 'not_yet',
};

/**
 * Makes the verifier.
 * @param keySet JSON text of a JSON Web Key Set
 * @throws what is wrong with the key set
 */
export async function createVerifier(config: ColorTokenConfig, keySet: string): Promise<VerifyToken> {
  const { createLocalJWKSet, jwtVerify } = await import('jose');
  const keys = createLocalJWKSet(JSON.parse(keySet) as Parameters<typeof createLocalJWKSet>[0]);
  const { issuer, audience, algorithms, leewayMs } = config;
  const options: JWTVerifyOptions = {
    algorithms: [...algorithms],
    issuer,
    audience: [...audience],
    clockTolerance: leewayMs / 1000,
    requiredClaims: ['exp'],
  };
  return async (token, wallMs) => {
    try {
      const { payload } = await jwtVerify(token, keys, { ...options, currentDate: new Date(wallMs) });
      return verdictOn(payload, config);
    } catch (error) {
      return refused(resultOf(error));
    }
  };
}

/** Loads the package ahead of the first keys. What is wrong with it the first verifier says. */
export function preload(): void {
  import('jose').catch(() => undefined);
}

/** A token that is good for nothing. */
export function refused(result: TokenResult): TokenVerdict {
  return { result, colors: [], user: '', fromMs: 0, untilMs: Number.POSITIVE_INFINITY };
}

function verdictOn(payload: JWTPayload, { claim, userClaim = USER_CLAIM, leewayMs }: ColorTokenConfig): TokenVerdict {
  const value = claim === null ? undefined : claimOf(payload, claim);
  const values: readonly unknown[] = Array.isArray(value) ? value.slice(0, COLORS_MAX) : [value];
  const colors = values.filter((each) => typeof each === 'string');
  const user = userOf(claimOf(payload, userClaim));
  return {
    result: colors.length === 0 && user === '' ? 'claim' : 'verified',
    colors,
    user,
    fromMs: (payload.nbf ?? 0) * 1000 - leewayMs,
    untilMs: (payload.exp as number) * 1000 + leewayMs,
  };
}

function claimOf(payload: JWTPayload, name: string): unknown {
  return Object.hasOwn(payload, name) ? payload[name] : undefined;
}

/** A text or a number names a user. */
function userOf(value: unknown): string {
  const isName = (typeof value === 'string' && value !== '') || typeof value === 'number';
  return isName ? hash('sha256', String(value), 'base64') : '';
}

/** Any other failure is that of a key: too short, or not what it says. */
function resultOf(error: unknown): TokenResult {
  const { code = '', claim = '' } = error as { readonly code?: string; readonly claim?: string };
  if (code === 'ERR_JWT_CLAIM_VALIDATION_FAILED') return CLAIMS[claim] ?? 'claim';
  return RESULTS[code] ?? 'bad_key';
}
