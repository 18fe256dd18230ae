/**
 * Nouns of TLS: what the configuration names, what workers are given of it, what is told of it.
 *
 * The configuration names files; it is hashed, kept and shown, and no place for keys. What stands in the files goes from the
 * main thread to the workers by message and nowhere else.
 */

import type { ListenAddress } from '../config.ts';
import type { UpstreamProtocol } from '../health.ts';
import type { ProxyProtocolMode, ProxyProtocolVersion } from './proxied.ts';

/** The oldest protocol that is spoken. */
export type TlsVersion = 'TLSv1.2' | 'TLSv1.3';

/** Files of one certificate: its chain, its key, and a stapled OCSP response (DER). */
export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
  readonly ocsp: string | null;
}

/** Whether clients must show a certificate, and who must have signed it. */
export interface ClientAuth {
  /** `optional`: without one they are served, with a wrong one they are not. */
  readonly mode: 'optional' | 'required';
  readonly ca: string;
}

/** TLS towards clients. */
export interface ListenerTls {
  /** Never empty; the first is what clients get that name no host, or an unknown one. */
  readonly certificates: readonly CertificateFiles[];
  /** What clients get that name a host which no certificate has: the first certificate, or nothing. */
  readonly unknownHost: 'default' | 'refuse';
  readonly minVersion: TlsVersion;
  /** null: clients are not asked for a certificate. */
  readonly clientAuth: ClientAuth | null;
  /** Longest handshake. */
  readonly handshakeMs: number;
  /** Most handshakes under way per worker; further connections are closed. */
  readonly handshakesMax: number;
}

/** A socket of the data plane. */
export interface ListenerConfig extends ListenAddress {
  /** Absent, not null, where it is plain: so fingerprints of such listeners stay. */
  readonly tls?: ListenerTls;
  /** Absent where connections begin without a header. */
  readonly proxyProtocol?: ProxyProtocolMode;
  /** Absent where nothing is said: then `speaksHttp2` (load/http2.ts) says what holds. */
  readonly http2?: boolean;
}

/** TLS towards the endpoints of a version. */
export interface UpstreamTls {
  /** File with the certificates that theirs must be signed by; null = the system's. */
  readonly ca: string | null;
  /** Name that is asked for and that their certificate must have; null = the endpoint's own. */
  readonly serverName: string | null;
  /** A certificate of our own. */
  readonly cert: string | null;
  readonly key: string | null;
  readonly minVersion: TlsVersion;
  /** Their certificate is not verified at all. */
  readonly isInsecure: boolean;
}

/** How the endpoints of a version are spoken to besides HTTP. Absent, not null: so fingerprints of other versions stay. */
export interface UpstreamTerms {
  /** Absent where they speak plain HTTP. */
  readonly tls?: UpstreamTls;
  /** Absent where they speak HTTP/1.1. */
  readonly protocol?: UpstreamProtocol;
  /** Which header of the PROXY protocol connections begin with; absent: none. */
  readonly proxyProtocol?: ProxyProtocolVersion;
  /** Codes of gRPC that are errors of the version, as bits; absent: `GRPC_ERRORS`. */
  readonly grpcErrors?: number;
}

/** A certificate as workers have it. */
export interface ServerCertificate {
  /** PEM: the leaf, then its issuers. */
  readonly cert: string;
  readonly key: string;
  /** Lower-case DNS names and addresses that it is for, `*.example.com` among them. */
  readonly names: readonly string[];
  /** SHA-256 of the leaf, hex. */
  readonly digest: string;
  readonly ocsp: Uint8Array | null;
}

/** All that a worker needs to speak TLS on one listener. */
export interface DoorMaterial {
  readonly certificates: readonly ServerCertificate[];
  readonly unknownHost: ListenerTls['unknownHost'];
  readonly minVersion: TlsVersion;
  readonly clientAuth: { readonly mode: ClientAuth['mode']; readonly ca: string } | null;
  readonly handshakeMs: number;
  readonly handshakesMax: number;
  /** 48 bytes; the same in all workers, so that each resumes the sessions of any. */
  readonly ticketKeys: Uint8Array;
  /** What sessions belong to: another one for other rules of client certificates. */
  readonly sessionContext: string;
}

/** A listener: without TLS, with it, or with it and nothing to speak it with. */
export type Door = DoorMaterial | 'plain' | 'shut';

/** What a worker shows endpoints, and believes of them; PEM. */
export interface UpstreamMaterial {
  readonly ca: string | null;
  readonly cert: string | null;
  readonly key: string | null;
  readonly minVersion: TlsVersion;
  readonly isInsecure: boolean;
}

/** Everything that workers are told about TLS. */
export interface TlsMaterial {
  /** The main listener's, then those of the others in their order. */
  readonly doors: readonly Door[];
  /** By `EndpointTls.key`; null: its files cannot be used. */
  readonly upstreams: ReadonlyMap<string, UpstreamMaterial | null>;
}

/** Nothing speaks TLS. */
export const NO_TLS: TlsMaterial = { doors: ['plain'], upstreams: new Map() };

/**
 * What came of connections to a listener with TLS. `resumed`: of a session from before. `refused_client`: the client's
 * certificate is missing, or not one that is believed. `refused_host`: no certificate for the host, and none else is to be
 * shown. `refused_many`: too many handshakes were under way. `shut`: the listener's files cannot be used. The order is that
 * of the words in shared memory; new ones go to the end.
 */
export const HANDSHAKE_RESULTS = [
  'full',
  'resumed',
  'failed',
  'timed_out',
  'refused_client',
  'refused_host',
  'refused_many',
  'shut',
] as const;

/** Numbers of `HANDSHAKE_RESULTS` by name. */
export const HANDSHAKE = {
  full: 0,
  resumed: 1,
  failed: 2,
  timedOut: 3,
  refusedClient: 4,
  refusedHost: 5,
  refusedMany: 6,
  shut: 7,
} as const;

export type Handshake = (typeof HANDSHAKE)[keyof typeof HANDSHAKE];

/** Name under which a client certificate's identity is matched and hashed; no header can have it. */
export const CLIENT_IDENTITY = ':client-identity';

/** Name under which the user of a verified token is hashed; no header can have it. */
export const TOKEN_USER = ':token-user';

/** Name under which `http` or `https` is matched, as the client spoke it; no header can have it. */
export const SCHEME = ':scheme';

/** A certificate that is in force. */
export interface CertificateStatus {
  readonly names: readonly string[];
  /** ISO 8601. */
  readonly notAfter: string;
  readonly expiresInMs: number;
  /** Its OCSP response; null: none is configured. */
  readonly staple: StapleStatus | null;
}

/** An OCSP response as it is. */
export interface StapleStatus {
  /** ISO 8601; null: it names no end. */
  readonly nextUpdate: string | null;
  /** Why it is not stapled now; empty when it is. */
  readonly because: string;
}

export interface ListenerTlsStatus {
  /** `host:port` as configured. */
  readonly address: string;
  /** `kept`: what its files hold now cannot be used, and what they held before is. `shut`: nobody can connect. */
  readonly state: 'serving' | 'kept' | 'shut';
  /** What is wrong with the files; empty when nothing is. */
  readonly because: string;
  readonly clientAuth: 'off' | ClientAuth['mode'];
  readonly certificates: readonly CertificateStatus[];
}

export interface TlsStatus {
  readonly listeners: readonly ListenerTlsStatus[];
  /** Settings of versions whose files cannot be used: why, each. */
  readonly upstreamsFailed: readonly string[];
  /** How often files were found changed: put into force, and not usable. */
  readonly reloads: { readonly done: number; readonly failed: number };
}
