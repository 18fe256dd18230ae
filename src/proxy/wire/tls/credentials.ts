/**
 * TLS towards endpoints: what is shown to them and believed of them, and the sessions that they let us resume.
 *
 * A session is one endpoint's, and ends with the files that it was made under: an endpoint that would not be believed any more
 * is not believed by an old session.
 * Source: RFC 8446 section 4.6.1; RFC 9525 section 6.
 */

import { isIP, Socket, type SocketConstructorOpts } from 'node:net';
import { connect, createSecureContext, type SecureContext } from 'node:tls';
import { beginTurn } from '../../../lib/clock.ts';
import type { EndpointTls } from '../../../model/snapshot.ts';
import type { TlsMaterial, UpstreamMaterial } from '../../../model/threads/tls.ts';
import type { Handle, WireHandle } from '../binding.ts';
import type { Connecting } from '../connect.ts';
import { SecureHandle } from './handle.ts';

/** What is spoken over TLS, by its name in ALPN. */
export type Alpn = 'http/1.1' | 'h2';

/** Settings as they are used. */
interface Usable {
  readonly material: UpstreamMaterial;
  readonly context: SecureContext;
}

/** What a worker has for all its endpoints. */
export class Credentials {
  #usable = new Map<string, Usable | null>();

  /** Takes what the files hold now; settings that are the same stay, and sessions with them. */
  learn(upstreams: TlsMaterial['upstreams']): void {
    const before = this.#usable;
    this.#usable = new Map();
    for (const [key, material] of upstreams) {
      const known = before.get(key) ?? null;
      const isSame = known !== null && material !== null && JSON.stringify(known.material) === JSON.stringify(material);
      this.#usable.set(key, isSame ? known : usableOf(material));
    }
  }

  /** Null: their files cannot be used. Undefined: no configuration in force has such settings. */
  of(key: string): Usable | null | undefined {
    return this.#usable.get(key);
  }
}

function usableOf(material: UpstreamMaterial | null): Usable | null {
  if (material === null) return null;
  const { ca, cert, key, minVersion } = material;
  const context = createSecureContext({
    minVersion,
    ...(ca !== null && { ca }),
    ...(cert !== null && key !== null && { cert, key }),
  });
  return { material, context };
}

/** The connected handle, or null and what went wrong. */
export type Done = (handle: WireHandle | null, detail: string) => void;

/** How one endpoint is spoken to. */
export class EndpointSecurity {
  readonly #tls: EndpointTls;
  readonly #host: string;
  readonly #credentials: Credentials;
  readonly #alpn: Alpn;
  #session: Buffer | undefined;
  /** What the session was made under; what is believed, too, once the settings are nobody's any more. */
  #madeWith: Usable | null;

  constructor(tls: EndpointTls, host: string, credentials: Credentials, alpn: Alpn = 'http/1.1') {
    this.#alpn = alpn;
    this.#tls = tls;
    this.#host = host;
    this.#credentials = credentials;
    this.#madeWith = credentials.of(tls.key) ?? null;
  }

  /**
   * Does the handshake on a connection that is just open. Time limits are the caller's, by `cancel`.
   * @param done called later, once
   */
  secure(handle: Handle, done: Done): Connecting {
    // Requests that began under a former configuration are finished under it.
    const known = this.#credentials.of(this.#tls.key);
    const usable = known === undefined ? this.#madeWith : known;
    const raw = new Socket({ handle } as unknown as SocketConstructorOpts);
    raw.on('error', () => undefined);
    if (usable === null) return refuse(raw, done);
    if (this.#madeWith !== usable) this.#session = undefined;
    this.#madeWith = usable;
    const { serverName } = this.#tls;
    const name = serverName ?? this.#host;
    const socket = connect({
      socket: raw,
      secureContext: usable.context,
      host: name,
      // An address is verified, but not asked for (RFC 6066 section 3).
      servername: isIP(name) === 0 ? name : '',
      ALPNProtocols: [this.#alpn],
      rejectUnauthorized: !usable.material.isInsecure,
      session: this.#session,
    });
    let isOver = false;
    const finish = (tell: () => void): void => {
      if (isOver) return;
      isOver = true;
      beginTurn();
      tell();
    };
    const fail = (detail: string): void =>
      finish(() => {
        this.#session = undefined;
        socket.destroy();
        raw.destroy();
        done(null, detail);
      });
    socket.on('session', (session) => {
      if (this.#madeWith === usable) this.#session = session;
    });
    socket.on('error', (error: NodeJS.ErrnoException) => fail(error.code ?? error.message));
    socket.once('close', () => fail('closed'));
    socket.once('secureConnect', () => {
      // Only HTTP/1.1 goes without saying.
      if (this.#alpn === 'h2' && socket.alpnProtocol !== 'h2') fail('no agreement on h2 (ALPN)');
      else finish(() => done(new SecureHandle(socket, raw), ''));
    });
    return {
      cancel: () => {
        if (isOver) return;
        isOver = true;
        socket.destroy();
        raw.destroy();
      },
    };
  }
}

/** Told later, as every outcome is. */
function refuse(raw: Socket, done: Done): Connecting {
  raw.destroy();
  let isCancelled = false;
  setImmediate(() => {
    if (!isCancelled) done(null, 'its certificate files cannot be used');
  });
  return {
    cancel: () => {
      isCancelled = true;
    },
  };
}
