/**
 * The way into a listener with TLS: handshakes, from an accepted connection to a handle that a wire can be put on.
 *
 * One is made for each state of the listener's files; handshakes that a former one began end with it. What a client does can
 * end its own connection only: nothing here throws.
 * ```
 * accepted ─▸ handshake ─┬▸ secured: the lane that was agreed on takes it (ALPN: `h2`, `http/1.1`)
 *                        └▸ refused, failed, timed out: closed and counted
 * ```
 * Renegotiation and early data are off: the first is an attack on the processor and confuses who said what, the second can be
 * replayed. Cipher suites are those with forward secrecy and authenticated encryption.
 * Source: RFC 8446; RFC 7301 section 3.2; RFC 9325 sections 3.1, 4.2; docs/TLS.md.
 */

import { constants, hash } from 'node:crypto';
import { Socket, type SocketConstructorOpts } from 'node:net';
import { createSecureContext, createServer, type SecureContext, type Server, type TLSSocket } from 'node:tls';
import { bothClocks } from '../../../lib/clock.ts';
import { type DoorMaterial, HANDSHAKE, type Handshake } from '../../../model/threads/tls.ts';
import type { Handle } from '../binding.ts';
import { SecureHandle } from './handle.ts';
import { type ClientIdentity, identityOf } from './identity.ts';
import { CertificateNames, NO_CERTIFICATE } from './names.ts';
import { SecurePeer, UNTOLD } from './peer.ts';

/** Protocols that may be agreed on, the preferred one first. The lane is chosen where `secured` is heard. */
export const HTTP2 = 'h2';
const HTTP1 = 'http/1.1';
/** Mozilla's intermediate set without finite-field Diffie-Hellman. */
const CIPHERS = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':');
/** How long a session may be resumed; of one that is bound to a client certificate, as it is not looked at again then. */
const SESSION_S = 3600;
const SESSION_OF_CLIENT_S = 300;

/** A connection whose handshake is done. */
export interface Secured {
  readonly handle: SecureHandle;
  readonly peer: SecurePeer;
  /** As agreed by ALPN; `http/1.1` where the client offered nothing. */
  readonly protocol: string;
}

export interface DoorEvents {
  /** Counts what came of a connection. */
  count(result: Handshake): void;
}

/** The option is meant for other handles too; the types know one kind only. */
type Adopting = Omit<SocketConstructorOpts, 'handle'> & { readonly handle: Handle };

export class SecureDoor {
  readonly material: DoorMaterial;
  readonly #events: DoorEvents;
  readonly #protocols: string[];
  readonly #names: CertificateNames;
  readonly #contexts: readonly SecureContext[];
  readonly #server: Server;
  /** Handshakes under way, by the TCP socket, and whom to tell. */
  readonly #pending = new Map<Socket, (secured: Secured | null) => void>();

  /**
   * @param isHttp2 whether HTTP/2 is offered.
   * @throws Error when the material cannot be used, which the main thread has tried before
   */
  constructor(material: DoorMaterial, isHttp2: boolean, events: DoorEvents) {
    this.material = material;
    this.#protocols = isHttp2 ? [HTTP2, HTTP1] : [HTTP1];
    this.#events = events;
    const otherwise = material.unknownHost === 'default' ? 0 : NO_CERTIFICATE;
    const names = material.certificates.map((certificate) => certificate.names);
    this.#names = new CertificateNames(names, otherwise);
    this.#contexts = material.certificates.map((_, n) => createSecureContext(contextOf(material, n)));
    this.#server = this.#createServer();
  }

  /** Handshakes under way. */
  get size(): number {
    return this.#pending.size;
  }

  /** Begins a handshake. @param over called once: with the connection, or null when there is none any more */
  begin(client: Handle, over: (secured: Secured | null) => void): void {
    // Who sends no more within the handshake has gone; afterwards half of a connection may stay (`SecureHandle`).
    const options: Adopting = { handle: client };
    const raw = new Socket(options as unknown as SocketConstructorOpts);
    this.#pending.set(raw, over);
    // The TLS socket hears of its errors as well, and is closed with it.
    raw.on('error', () => undefined);
    this.#server.emit('connection', raw);
  }

  /** Ends what is under way. */
  destroy(): void {
    for (const raw of [...this.#pending.keys()]) raw.destroy();
  }

  #createServer(): Server {
    const { clientAuth, handshakeMs, ticketKeys, sessionContext } = this.material;
    const server = createServer({
      ...contextOf(this.material, 0),
      ALPNProtocols: this.#protocols,
      SNICallback: (name, done) => this.#choose(name, done),
      requestCert: clientAuth !== null,
      rejectUnauthorized: clientAuth?.mode === 'required',
      handshakeTimeout: handshakeMs,
      ticketKeys: Buffer.from(ticketKeys),
      sessionIdContext: sessionContext,
    });
    server.on('secureConnection', (socket) => this.#secured(socket));
    server.on('tlsClientError', (error, socket) => this.#failed(error, socket));
    const responses = new Map(this.material.certificates.map(({ digest, ocsp }) => [digest, ocsp]));
    if ([...responses.values()].some((ocsp) => ocsp !== null)) this.#staple(server, responses);
    return server;
  }

  #choose(name: string, done: (error: Error | null, context?: SecureContext) => void): void {
    const context = this.#contexts[this.#names.find(name)];
    if (context === undefined) done(Object.assign(new Error('no certificate for this host'), { code: REFUSED_HOST }));
    else done(null, context);
  }

  #staple(server: Server, responses: ReadonlyMap<string, Uint8Array | null>): void {
    server.on('OCSPRequest', (certificate, _issuer, done) => {
      const response = responses.get(hash('sha256', certificate)) ?? null;
      done(null, response === null ? null : Buffer.from(response));
    });
  }

  #secured(socket: TLSSocket): void {
    const raw = rawUnder(socket);
    const shown = isUntold(socket) ? UNTOLD : this.#names.find(asked(socket));
    const client = this.#clientOf(socket);
    if (shown === NO_CERTIFICATE || client === REFUSED) {
      this.#drop(socket, raw, shown === NO_CERTIFICATE ? HANDSHAKE.refusedHost : HANDSHAKE.refusedClient);
      return;
    }
    this.#events.count(socket.isSessionReused() ? HANDSHAKE.resumed : HANDSHAKE.full);
    const peer = new SecurePeer(this.#names, shown, client, this.material.clientAuth !== null);
    const protocol = typeof socket.alpnProtocol === 'string' ? socket.alpnProtocol : HTTP1;
    this.#tell(raw, { handle: new SecureHandle(socket, raw), peer, protocol });
  }

  /** A session that is resumed brings its certificate along, which may have expired since. */
  #clientOf(socket: TLSSocket): ClientIdentity | null | typeof REFUSED {
    const { clientAuth } = this.material;
    if (clientAuth === null) return null;
    const certificate = socket.getPeerX509Certificate();
    if (certificate === undefined) return clientAuth.mode === 'required' ? REFUSED : null;
    const isCurrent = bothClocks().wallMs < certificate.validToDate.getTime();
    return socket.authorized && isCurrent ? identityOf(certificate) : REFUSED;
  }

  #failed(error: NodeJS.ErrnoException, socket: TLSSocket): void {
    // A certificate that is not believed ends the connection without an error of its own.
    const isRefused = Boolean(socket.authorizationError);
    this.#drop(socket, rawUnder(socket), isRefused ? HANDSHAKE.refusedClient : resultOf(error));
  }

  #drop(socket: TLSSocket, raw: Socket, result: Handshake): void {
    const isPending = this.#pending.has(raw);
    socket.on('error', () => undefined);
    socket.destroy();
    raw.destroy();
    // One that was told of already, and broke afterwards, is somebody else's.
    if (!isPending) return;
    this.#events.count(result);
    this.#tell(raw, null);
  }

  #tell(raw: Socket, secured: Secured | null): void {
    const over = this.#pending.get(raw);
    this.#pending.delete(raw);
    over?.(secured);
  }
}

const REFUSED = 'refused';
const REFUSED_HOST = 'SLU_REFUSED_HOST';

function contextOf({ certificates, clientAuth, minVersion }: DoorMaterial, n: number) {
  const { cert = '', key = '' } = certificates[n] ?? {};
  return {
    cert,
    key,
    // Without issuers of its own, the system's would be believed.
    ...(clientAuth !== null && { ca: clientAuth.ca }),
    minVersion,
    ciphers: CIPHERS,
    honorCipherOrder: true,
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
    sessionTimeout: clientAuth === null ? SESSION_S : SESSION_OF_CLIENT_S,
  };
}

/** What came of a handshake that failed. */
export function resultOf({ code = '' }: NodeJS.ErrnoException): Handshake {
  if (code === REFUSED_HOST) return HANDSHAKE.refusedHost;
  if (code === 'ERR_TLS_HANDSHAKE_TIMEOUT') return HANDSHAKE.timedOut;
  if (code === 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE') return HANDSHAKE.refusedClient;
  return HANDSHAKE.failed;
}

/** The host that the client named; empty when it named none. */
function asked(socket: TLSSocket): string {
  const { servername } = socket as { readonly servername?: string | false };
  return typeof servername === 'string' ? servername : '';
}

/** With TLS 1.2 the runtime knows the host of a resumed session no more, whatever the client named. */
function isUntold(socket: TLSSocket): boolean {
  return socket.isSessionReused() && asked(socket) === '' && socket.getProtocol() === 'TLSv1.2';
}

/** The runtime keeps it there since there are TLS sockets over others; test/unit pins it. */
function rawUnder(socket: TLSSocket): Socket {
  return (socket as unknown as { readonly _parent: Socket })._parent;
}
