/**
 * The connection to one ZooKeeper server, plain or with TLS (to its `secureClientPort`), and in words why there is none.
 */

import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { type Failure, handshakeWords, reasonOf } from '../../../lib/text/handshake.ts';
import { TLS_FIELDS, type TlsOptions } from '../client.ts';

export interface Place {
  readonly host: string;
  readonly port: number;
  /** Null: without TLS. */
  readonly tls: TlsOptions | null;
}

/** What becomes of it. */
export interface Dialing {
  /** The server, which is whom the certificate says it is, can be written to. Said at most once. */
  readonly onReady: () => void;
  /** The connection is of no use; before it was ready or later. */
  readonly onFailure: (why: string) => void;
}

/** Begins to connect. @throws Error in words when the files of `tls` are of no use */
export function dial({ host, port, tls }: Place, { onReady, onFailure }: Dialing): Socket {
  const socket = tls === null ? connect({ host, port }) : dialTls(host, port, tls);
  let isReady = false;
  socket.once(tls === null ? 'connect' : 'secureConnect', () => {
    isReady = true;
    socket.setNoDelay(true);
    onReady();
  });
  socket.on('error', (error) => {
    // A name may have several addresses.
    const failure = (error instanceof AggregateError ? error.errors[0] : error) as Failure;
    onFailure(
      tls !== null && isOfTls(failure, isReady) ? `TLS handshake failed: ${wordsOf(failure)}` : systemWord(failure),
    );
  });
  return socket;
}

function dialTls(host: string, port: number, tls: TlsOptions): Socket {
  // Only a name can be asked for; the certificate is compared with an address too.
  const asked = isIP(host) === 0 ? { servername: host } : {};
  try {
    return connectTls({ ...asked, ...tls, host, port });
  } catch (error) {
    throw new Error(`the files of tls cannot be used: ${(error as Error).message}`, { cause: error });
  }
}

/** Before the first byte of TLS. */
const FINDING: ReadonlySet<string> = new Set(['connect', 'getaddrinfo']);

/** A server that knows no client without a certificate may say so after the client has taken the connection for ready. */
function isOfTls({ code = '', syscall = '' }: Failure, isReady: boolean): boolean {
  return code.startsWith('ERR_') || (!isReady && !FINDING.has(syscall));
}

/** A plain port of ZooKeeper ends the connection; another server may answer. */
const NO_TLS: ReadonlySet<string> = new Set(['ECONNRESET', 'EPROTO', 'ERR_SSL_WRONG_VERSION_NUMBER']);

function wordsOf(failure: Failure): string {
  if (NO_TLS.has(failure.code ?? '')) return 'the server does not go on with it: is this its secureClientPort?';
  return handshakeWords(failure, TLS_FIELDS) ?? reasonOf(failure);
}

function systemWord({ code = '', syscall = 'socket' }: Failure): string {
  return `${syscall} ${code}`;
}
