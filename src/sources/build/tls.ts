/**
 * Builds the settings of TLS from a sound document.
 */

import type { ListenerTls, TlsVersion, UpstreamTls } from '../../model/threads/tls.ts';
import { DEFAULT_LISTENER_TLS } from '../defaults.ts';
import type { ListenInput, ServiceInput } from '../schema.ts';
import { toMs } from './values.ts';

type ListenerTlsInput = NonNullable<Extract<ListenInput, object>['tls']>;
type UpstreamTlsInput = NonNullable<ServiceInput['tls']>;

/** TLS of a listener with its defaults. */
export function buildListenerTls(input: ListenerTlsInput): ListenerTls {
  const { mode = 'required', ca } = input.clientAuth ?? { mode: 'off' };
  return {
    certificates: input.certificates.map(({ cert, key, ocsp = null }) => ({ cert, key, ocsp })),
    unknownHost: input.unknownHost ?? DEFAULT_LISTENER_TLS.unknownHost,
    minVersion: buildVersion(input.minVersion),
    clientAuth: mode === 'off' || ca === undefined ? null : { mode, ca },
    handshakeMs: toMs(input.handshakeTimeout, DEFAULT_LISTENER_TLS.handshakeMs),
    handshakesMax: input.handshakesMax ?? DEFAULT_LISTENER_TLS.handshakesMax,
  };
}

/** TLS of endpoints with its defaults. */
export function buildUpstreamTls(input: UpstreamTlsInput): UpstreamTls {
  const { ca = null, serverName, cert = null, key = null, insecure = false } = input;
  return {
    ca,
    serverName: serverName?.toLowerCase() ?? null,
    cert,
    key,
    minVersion: buildVersion(input.minVersion),
    isInsecure: insecure,
  };
}

function buildVersion(version: '1.2' | '1.3' = DEFAULT_LISTENER_TLS.minVersion): TlsVersion {
  return `TLSv${version}`;
}
