/**
 * Tokens as an identity provider makes them, and ones as an attacker does; and a provider that serves its keys.
 */

import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { TestContext } from 'node:test';
import type { ColorTokenConfig } from '#src/model/threads/color.ts';
import { listenLoopback, type PlaneSketch, type TestPlane } from '../plane.ts';
import { OK, perHead, planeOf, upstreamOf } from '../proxy/running.ts';
import type { RawUpstream } from '../raw.ts';

export const ISSUER = 'https://id.test';
export const AUDIENCE = 'shop';

/** A key pair by name, made once: RSA takes a while. */
export interface TestKey {
  readonly kid: string;
  readonly alg: 'RS256' | 'ES256' | 'EdDSA';
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

export function keyOf(kid: string, alg: TestKey['alg'] = 'ES256'): TestKey {
  if (alg === 'RS256') return { kid, alg, ...generateKeyPairSync('rsa', { modulusLength: 2048 }) };
  if (alg === 'EdDSA') return { kid, alg, ...generateKeyPairSync('ed25519') };
  return { kid, alg, ...generateKeyPairSync('ec', { namedCurve: 'P-256' }) };
}

/** A key set with the public halves. */
export function keySetOf(...keys: readonly TestKey[]): string {
  const jwks = keys.map(({ kid, alg, publicKey }) => ({
    ...publicKey.export({ format: 'jwk' }),
    kid,
    alg,
    use: 'sig',
  }));
  return JSON.stringify({ keys: jwks });
}

export function encoded(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

/** Claims of a token that is good for an hour from `nowMs` on. */
export function claimsOf(nowMs: number, more: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  const now = Math.floor(nowMs / 1000);
  return { iss: ISSUER, aud: AUDIENCE, sub: 'user', iat: now, exp: now + 3600, ...more };
}

/** Signs claims as the key's algorithm has it. @param header overrides */
export function signed(key: TestKey, claims: unknown, header: Readonly<Record<string, unknown>> = {}): string {
  const data = `${encoded({ alg: key.alg, kid: key.kid, typ: 'JWT', ...header })}.${encoded(claims)}`;
  const digest = key.alg === 'EdDSA' ? null : 'sha256';
  const signer = key.alg === 'ES256' ? { key: key.privateKey, dsaEncoding: 'ieee-p1363' as const } : key.privateKey;
  return `${data}.${sign(digest, Buffer.from(data), signer).toString('base64url')}`;
}

/** Signs with HMAC, whatever the secret was meant for. */
export function signedByHmac(
  secret: string | Buffer,
  claims: unknown,
  header: Readonly<Record<string, unknown>>,
): string {
  const data = `${encoded({ alg: 'HS256', typ: 'JWT', ...header })}.${encoded(claims)}`;
  return `${data}.${createHmac('sha256', secret).update(data).digest('base64url')}`;
}

/** What tokens of this file are verified by. */
export function tokenConfig(more: Partial<ColorTokenConfig> = {}): ColorTokenConfig {
  return {
    claim: 'stage',
    cookie: null,
    issuer: ISSUER,
    audience: [AUDIENCE],
    algorithms: ['RS256', 'ES256', 'EdDSA'],
    leewayMs: 30_000,
    keys: { kind: 'inline', text: '{}' },
    ...more,
  };
}

/** An identity provider: serves whatever key set it was given last, or holds its answers. */
export interface KeyServer {
  readonly url: string;
  asked: number;
  keySet: string;
  /** Answers are held while it is. */
  isFrozen: boolean;
  stop(): Promise<void>;
}

export async function startKeyServer(keySet: string): Promise<KeyServer> {
  const held: ServerResponse[] = [];
  const server: Server = createServer((_request, response) => {
    state.asked++;
    if (state.isFrozen) held.push(response);
    else response.setHeader('content-type', 'application/jwk-set+json').end(state.keySet);
  });
  const port = await listenLoopback(server);
  const state: KeyServer = {
    url: `http://127.0.0.1:${port}/jwks.json`,
    asked: 0,
    keySet,
    isFrozen: false,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return state;
}

/** A plane whose canary only tokens choose, and the header line of one that does. */
export async function tokenPlaneOf(
  t: TestContext,
  timeouts: NonNullable<PlaneSketch['timeouts']> = {},
): Promise<{ readonly plane: TestPlane; readonly canary: RawUpstream; readonly tokenOf: (n: number) => string }> {
  const key = keyOf('k1');
  const answer = perHead((socket) => socket.write(OK));
  const [stable, canary] = [await upstreamOf(t, answer), await upstreamOf(t, answer)];
  const versions = [
    { name: 'stable', ports: [stable.port], weight: 1 },
    { name: 'canary', ports: [canary.port], weight: 0 },
  ];
  const color = { acceptFrom: 'trustedProxies', jwt: tokenConfig() } as const;
  const plane = await planeOf(t, { routes: [{ versions }], color, timeouts });
  plane.plane.learn({ secrets: [], keySet: keySetOf(key) });
  const tokenOf = (n: number): string =>
    `Authorization: Bearer ${signed(key, claimsOf(Date.now(), { stage: 'canary', n }))}\r\n`;
  return { plane, canary, tokenOf };
}
