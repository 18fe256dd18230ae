/**
 * Why a TLS handshake failed that was begun here, in words, with what helps: Node's own name options of its command line.
 *
 * Source: Node's documentation, "X509 certificate error codes"; RFC 8446 section 6.2 (alerts).
 */

/** Of a connection. Errors of OpenSSL or of a certificate have a `reason`, or no `syscall`. */
export type Failure = NodeJS.ErrnoException & { readonly reason?: string };

/** How the configuration calls what may have to be mended; null: it has no such field. */
export interface TlsFields {
  readonly ca: string;
  readonly cert: string | null;
  readonly serverName: string | null;
}

const UNKNOWN_AUTHORITY: ReadonlySet<string> = new Set([
  'CERT_SIGNATURE_FAILURE',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);
const OTHER_NAME = 'ERR_TLS_CERT_ALTNAME_INVALID';
/** What else is wrong with a certificate. */
const FAULTS: ReadonlyMap<string, string> = new Map([
  ['CERT_HAS_EXPIRED', 'has expired; renew it there, or set the clock here'],
  ['CERT_NOT_YET_VALID', 'is not valid yet; set the clock here, or make it anew there'],
  ['INVALID_PURPOSE', 'is none for servers; make it anew there, for their authentication'],
]);
/** What is wrong with a chain in other ways, all of it on the server's side. */
const NOT_BELIEVED: ReadonlySet<string> = new Set([
  'CERT_CHAIN_TOO_LONG',
  'CERT_REJECTED',
  'CERT_REVOKED',
  'CERT_UNTRUSTED',
  'ERROR_IN_CERT_NOT_AFTER_FIELD',
  'ERROR_IN_CERT_NOT_BEFORE_FIELD',
  'HOSTNAME_MISMATCH',
  'INVALID_CA',
  'PATH_LENGTH_EXCEEDED',
  'UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY',
  'UNABLE_TO_DECRYPT_CERT_SIGNATURE',
]);
/** Alerts about the certificate of whoever began. */
const OF_CLIENT = /certificate|handshake failure|unknown ca|access denied/;

/** Whether the certificate of the server was not believed; then nothing was sent to it. @param code of an error */
export function isUnbelieved(code: string): boolean {
  return UNKNOWN_AUTHORITY.has(code) || code === OTHER_NAME || FAULTS.has(code) || NOT_BELIEVED.has(code);
}

/** What the handshake failed of; null: of nothing that is known of TLS. */
export function handshakeWords(failure: Failure, fields: TlsFields): string | null {
  // A number where somebody gave up waiting.
  const code = String(failure.code);
  if (isUnbelieved(code)) return `the server’s certificate ${faultOf(failure, fields)}`;
  if (code === 'ERR_SSL_WRONG_VERSION_NUMBER') return 'the server does not go on with it: is this a port for TLS?';
  if (!code.startsWith('ERR_SSL_')) return null;
  const reason = reasonOf(failure);
  if (!reason.includes('alert')) return reason;
  const isOfClient = fields.cert !== null && OF_CLIENT.test(reason);
  return `the server says ${reason}${isOfClient ? `: does it know the certificate of ${fields.cert}?` : ''}`;
}

function faultOf(failure: Failure, { ca, serverName }: TlsFields): string {
  const code = String(failure.code);
  if (UNKNOWN_AUTHORITY.has(code)) return `is of an unknown authority (${code}); ${ca} names its file`;
  if (NOT_BELIEVED.has(code)) return `or its chain is not one to believe (${code}); make it anew there`;
  if (code !== OTHER_NAME) return FAULTS.get(code) as string;
  const wanted = serverName === null ? 'ask for it by one that it has' : `${serverName} says which it must have`;
  // Last, as it may be long.
  return `has another name; ${wanted}: ${reasonOf(failure)}`;
}

/** What is wrong, without what OpenSSL says of itself. */
export function reasonOf({ reason, message }: Failure): string {
  return reason ?? message;
}
