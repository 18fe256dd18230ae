/**
 * TLS towards a plane in this process: what it is given, and clients that say what came of their handshake.
 */

import { randomBytes } from 'node:crypto';
import type { TestContext } from 'node:test';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { CELL, GATEWAY_CELL } from '#src/model/tallies.ts';
import {
  type CertificateFiles,
  type DoorMaterial,
  HANDSHAKE_RESULTS,
  type ListenerTls,
  type TlsMaterial,
} from '#src/model/threads/tls.ts';
import { readListener } from '#src/sources/follow/certificates/read.ts';
import type { TestPlane } from '../plane.ts';
import type { Issued } from './certificates.ts';

export const LISTENER_TLS: ListenerTls = {
  certificates: [],
  unknownHost: 'default',
  minVersion: 'TLSv1.2',
  clientAuth: null,
  handshakeMs: 60_000,
  handshakesMax: 100,
};

/** Files of certificates as a configuration names them. */
export function filesOf(...issued: readonly Issued[]): CertificateFiles[] {
  return issued.map(({ cert, key }) => ({ cert, key, ocsp: null }));
}

/** What a worker is given of a listener's files, which must be sound. */
export function doorOf(tls: Partial<ListenerTls>, change: Partial<DoorMaterial> = {}): DoorMaterial {
  const { door, faults } = readListener({ ...LISTENER_TLS, ...tls });
  if (door === null) throw new Error(JSON.stringify(faults));
  return { ...door, ticketKeys: new Uint8Array(randomBytes(48)), sessionContext: 'test', ...change };
}

export function materialOf(door: TlsMaterial['doors'][number]): TlsMaterial {
  return { doors: [door], upstreams: new Map() };
}

/** What came of handshakes so far, without what did not. */
export function handshakesOf({ count }: Pick<TestPlane, 'count'>): Record<string, number> {
  const counts = HANDSHAKE_RESULTS.map((result, n) => [result, count(GATEWAY_CELL, CELL.handshakes + n)] as const);
  return Object.fromEntries(counts.filter(([, number]) => number > 0));
}

export interface SecureClient {
  readonly socket: TLSSocket;
  /** Everything that was received. */
  readonly text: () => string;
  /** Sends a request and resolves with its whole answer, which has a length. */
  ask(request: string): Promise<string>;
  readonly closed: Promise<void>;
}

export interface ClientOptions extends ConnectionOptions {
  /** Called before anything happens. */
  readonly listening?: (socket: TLSSocket) => void;
}

/** A client whose handshake is done; rejects with the error's code when it fails. */
export function secureClient(
  t: TestContext,
  port: number,
  { listening, ...options }: ClientOptions,
): Promise<SecureClient> {
  const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ...options });
  listening?.(socket);
  t.after(() => socket.destroy());
  let text = '';
  let heard: () => void = () => undefined;
  const closed = new Promise<void>((resolve) => {
    socket.once('close', () => {
      resolve();
      heard();
    });
  });
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
    heard();
  });
  const ask = async (request: string): Promise<string> => {
    text = '';
    socket.write(request, 'latin1');
    while (!isWhole(text)) {
      if (socket.destroyed) throw new Error(`closed after ${JSON.stringify(text)}`);
      await new Promise<void>((resolve) => {
        heard = resolve;
      });
    }
    return text;
  };
  return new Promise((resolve, reject) => {
    socket.on('error', reject);
    socket.once('secureConnect', () => resolve({ socket, text: () => text, ask, closed }));
  });
}

function isWhole(text: string): boolean {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return false;
  const length = Number(/^content-length: (\d+)/im.exec(text)?.[1] ?? 0);
  return text.length >= end + 4 + length;
}
