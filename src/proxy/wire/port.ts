/**
 * Whether a port is free to listen on, and in words why not.
 */

import { createServer } from 'node:net';
import { addressOf } from '../../lib/text/address.ts';
import { SluiceError } from '../../model/problem.ts';
import type { ListenerConfig } from '../../model/threads/tls.ts';

/**
 * Makes sure that nobody else listens there.
 * @throws SluiceError SLU_PORT_IN_USE, SLU_LISTEN_FAILED
 */
export function assertFree(host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', (error: NodeJS.ErrnoException) => {
      reject(listenError(host, port, { code: error.code ?? '', message: error.message }));
    });
    probe.listen({ host, port, exclusive: true }, () => probe.close(() => resolve()));
  });
}

/** `http://host:port` or `https://host:port` of each listener. @param ports where they really listen */
export function urlsOf(listeners: readonly ListenerConfig[], ports: readonly number[]): string[] {
  return listeners.map(({ host, tls }, n) => {
    return `http${tls === undefined ? '' : 's'}://${addressOf(host, ports[n] ?? 0)}`;
  });
}

/** Turns the system's listen error into one that says which address and how to mend it. */
export function listenError(host: string, port: number, cause: { code: string; message: string }): SluiceError {
  const address = addressOf(host, port);
  if (cause.code === 'EADDRINUSE') {
    const hint = 'stop what listens there, or set `listen` to another port (0 picks a free one)';
    return new SluiceError('SLU_PORT_IN_USE', `${address} is in use: ${hint}`, { cause });
  }
  const hint = cause.code === 'EACCES' ? ': ports below 1024 need a privilege (CAP_NET_BIND_SERVICE)' : '';
  return new SluiceError('SLU_LISTEN_FAILED', `cannot listen on ${address}: ${cause.message}${hint}`, { cause });
}
