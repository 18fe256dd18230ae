/**
 * Traffic color: what the configuration says of it, and what the threads tell one another about its keys and counts.
 */

/** Where a color may be, and who is believed. Places that are null are not looked at. */
export interface ColorConfig {
  /** Lower-case header name. */
  readonly header: string;
  /** Whose unsigned color counts; anybody else's is removed before routing. */
  readonly acceptFrom: 'anyone' | 'trustedProxies';
  /** Name of a query parameter. */
  readonly query: string | null;
  /** Name of a cookie. */
  readonly cookie: string | null;
  /** Key of a member of W3C `baggage`. */
  readonly baggage: string | null;
  readonly signature: ColorSignatureConfig | null;
  readonly jwt: ColorTokenConfig | null;
}

/** Where a secret is: never in the configuration itself, which is hashed, compared and shown. */
export type SecretOrigin =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'variable'; readonly name: string };

/** Colors that gateways sign for one another. */
export interface ColorSignatureConfig {
  /** Lower-case name of the header that holds the signature. */
  readonly header: string;
  /** A signature is believed in the bucket of time that it names, the one before and the one after. */
  readonly bucketMs: number;
  /** The first one signs; all are believed. */
  readonly keys: readonly SecretOrigin[];
}

/** Where public keys are. `ca`: file with the certificates that the server's must be signed by; absent: the system's. */
export type KeySetOrigin =
  | { readonly kind: 'inline'; readonly text: string }
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'url'; readonly url: string; readonly intervalMs: number; readonly ca?: string };

/** Colors, and users, that are claims of a verified JWT. */
export interface ColorTokenConfig {
  /** Whose values are colors; null = none is. */
  readonly claim: string | null;
  /** Whose value is the user, where a route goes by it. Absent, not null: `sub`; so fingerprints stay. */
  readonly userClaim?: string;
  /** Cookie that holds the token where `Authorization` does not; null = only there. */
  readonly cookie: string | null;
  readonly issuer: string;
  readonly audience: readonly string[];
  /** Asymmetric ones only. */
  readonly algorithms: readonly string[];
  /** By so much clocks may differ. */
  readonly leewayMs: number;
  readonly keys: KeySetOrigin;
}

/** What a worker believes colors by. */
export interface ColorKeys {
  /** HMAC keys, in the order of `ColorSignatureConfig.keys`; those that cannot be read are left out. */
  readonly secrets: readonly string[];
  /** A JSON Web Key Set; null while there is none. */
  readonly keySet: string | null;
}

/** What came of a request's token, in the order of the words that count them; new ones go to the end. */
export const TOKEN_RESULTS = [
  'verified',
  'malformed',
  'algorithm',
  'unknown_key',
  'bad_key',
  'signature',
  'issuer',
  'audience',
  'expired',
  'not_yet',
  'claim',
  'no_keys',
  'busy',
  'late',
] as const;

export type TokenResult = (typeof TOKEN_RESULTS)[number];

/** What came of a color's signature, as above. */
export const SIGNATURE_RESULTS = ['valid', 'forged', 'stale', 'no_keys'] as const;

export type SignatureResult = (typeof SIGNATURE_RESULTS)[number];
