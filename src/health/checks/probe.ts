/**
 * One health check: a GET whose status decides.
 *
 * 200 to 399 passes; a redirect is not followed. Every check has a connection of its own, so that it also tells whether
 * the endpoint still accepts any, and so that none is left over; it is closed as soon as the status is known, and no
 * byte of a body is waited for. The time limit covers everything from the connect on. Where connections begin with a header
 * of the PROXY protocol, that of a check says that it is for nobody.
 * Source: docs/adr/0015-undici.md.
 */

import { connect as connectTcp, type Socket } from 'node:net';
import { buildConnector, Client } from 'undici';
import { serverNameOf } from '../../lib/text/server-name.ts';
import type { EndpointTls } from '../../model/snapshot.ts';
import { FOR_NOBODY, type ProxyProtocolVersion } from '../../model/threads/proxied.ts';
import type { UpstreamMaterial } from '../../model/threads/tls.ts';
import { startHttp2Probe } from './http2.ts';
import { type CheckResult, wordOf } from './verdict.ts';

const HEAD_BYTES_MAX = 16_384;

export interface ProbeTarget {
  readonly host: string;
  readonly port: number;
  /** Absent: plain HTTP. */
  readonly tls?: EndpointTls;
  /** Absent: connections begin without a header. */
  readonly proxyProtocol?: ProxyProtocolVersion;
  /** It speaks HTTP/2. */
  readonly isHttp2?: boolean;
  /** It is asked as servers of gRPC are, for `grpcService` or, without one, as a whole. */
  readonly isGrpc?: boolean;
  readonly grpcService?: string;
  readonly path: string;
  /** `Host` of the request, null = the address. */
  readonly hostHeader: string | null;
  readonly timeoutMs: number;
}

export interface Probe {
  /** Never rejects. A probe that was cancelled has failed. */
  readonly result: Promise<CheckResult>;
  /** Closes the connection. Idempotent. */
  cancel(): void;
}

/** What endpoints are shown and believed of, by `EndpointTls.key`; null: it cannot be used. */
export type FindMaterial = (key: string) => UpstreamMaterial | null;

/** Ours is the only limit: the client's own are coarser. */
const OURS = { timeout: 0, allowH2: false };

/** Starts one check. */
export function startProbe(target: ProbeTarget, find: FindMaterial = () => null): Probe {
  const { host, port, timeoutMs, tls, proxyProtocol } = target;
  const material = tls === undefined ? null : find(tls.key);
  if (tls !== undefined && material === null) {
    return { result: Promise.resolve('its certificate files cannot be used'), cancel: () => undefined };
  }
  if (target.isHttp2 === true) {
    return startHttp2Probe(target, tls === undefined || material === null ? null : namedSecurity(tls, material));
  }
  const scheme = tls === undefined ? 'http' : 'https';
  const connector = tls === undefined || material === null ? buildConnector(OURS) : securely(tls, material);
  const announcer = proxyProtocol === undefined ? null : new Announcer(proxyProtocol, connector);
  const client = new Client(`${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`, {
    allowH2: false,
    maxHeaderSize: HEAD_BYTES_MAX,
    connect: announcer?.connect ?? connector,
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  let settle: (result: CheckResult) => void = () => undefined;
  const result = new Promise<CheckResult>((resolve) => {
    settle = resolve;
  });
  const timer = setTimeout(() => finish(`no answer in ${timeoutMs} ms`), timeoutMs);
  const finish = (outcome: CheckResult): void => {
    clearTimeout(timer);
    settle(outcome);
    announcer?.close();
    // What is still under way ends with an error that nobody waits for; destroying twice is harmless.
    client.destroy().catch(() => undefined);
  };
  try {
    dispatch(client, target, finish);
  } catch (error) {
    finish(wordOf(error));
  }
  return { result, cancel: () => finish('cancelled') };
}

function securityOf({ ca, cert, key, minVersion, isInsecure }: UpstreamMaterial) {
  return {
    minVersion,
    rejectUnauthorized: !isInsecure,
    ...(ca !== null && { ca }),
    ...(cert !== null && key !== null && { cert, key }),
  };
}

/** Without a name of its own the endpoint's counts. */
function namedSecurity({ serverName }: EndpointTls, material: UpstreamMaterial) {
  return { ...securityOf(material), ...(serverName !== null && serverNameOf(serverName)) };
}

/** Connects as requests do: the certificate is to be for the endpoint, or for `serverName`, whatever `Host` a check sends. */
function securely(tls: EndpointTls, material: UpstreamMaterial): buildConnector.connector {
  const security = namedSecurity(tls, material);
  const connect = buildConnector({ ...OURS, ...security });
  // An empty name: the one above, or else that of `host`, which is the endpoint's own, and nobody's where none is asked for.
  const asked = security.servername === '' ? { servername: '', host: '' } : { servername: '' };
  return (target, done) => connect({ ...target, ...asked }, done);
}

/** Connects and says first that nobody is spoken for. */
class Announcer {
  readonly #version: ProxyProtocolVersion;
  readonly #secure: buildConnector.connector;
  #socket: Socket | null = null;

  constructor(version: ProxyProtocolVersion, secure: buildConnector.connector) {
    this.#version = version;
    this.#secure = secure;
  }

  readonly connect: buildConnector.connector = (options, callback) => {
    const socket = connectTcp({ host: options.hostname, port: Number(options.port), noDelay: true });
    this.#socket = socket;
    const fail = (error: Error): void => callback(error, null);
    socket.once('error', fail);
    socket.once('connect', () => {
      socket.off('error', fail);
      socket.write(FOR_NOBODY[this.#version], 'latin1');
      if (options.protocol !== 'https:') return callback(null, socket);
      try {
        this.#secure({ ...options, httpSocket: socket }, callback);
      } catch (error) {
        callback(error as Error, null);
      }
    });
  };

  /** What the client does not know of yet, it does not close. */
  close(): void {
    this.#socket?.on('error', () => undefined);
    this.#socket?.destroy();
  }
}

function dispatch(client: Client, target: ProbeTarget, finish: (outcome: CheckResult) => void): void {
  const headers: Record<string, string> = { 'user-agent': 'sluice-health-check', accept: '*/*' };
  if (target.hostHeader !== null) headers['host'] = target.hostHeader;
  client.dispatch(
    { path: target.path, method: 'GET', headers, reset: true },
    {
      onRequestStart: () => undefined,
      onResponseStart: (_controller, status) => {
        if (status >= 200) finish(status < 400 ? null : `status ${status}`);
      },
      onResponseData: () => undefined,
      onResponseEnd: () => undefined,
      onResponseError: (_controller, error) => finish(wordOf(error)),
    },
  );
}
