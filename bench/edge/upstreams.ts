/**
 * What stands behind every gateway: nginx that answers over HTTP/1.1 (bench/macro), a server of gRPC, and an echo of WebSocket
 * messages.
 */

import { once } from 'node:events';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { type Child, type Children, freePort, untilReady } from '../macro/children.ts';
import { upstreamCommand } from '../macro/upstream.ts';

export const GRPC_SERVICE = 'shop.Catalog';
export const GRPC_PATH = `/${GRPC_SERVICE}/Get`;
export const SOCKET_PATH = '/socket';
const MESSAGE_BYTES = 100;

export interface UpstreamPorts {
  readonly http: number;
  readonly grpc: number;
  readonly socket: number;
}

export type UpstreamKind = keyof UpstreamPorts;

export interface Upstreams {
  readonly ports: UpstreamPorts;
  readonly children: Readonly<Record<UpstreamKind, Child>>;
}

/** One message of gRPC without compression, as calls and answers carry it. */
export function grpcMessage(): Buffer {
  const message = Buffer.alloc(5 + MESSAGE_BYTES, 'sluice ');
  message[0] = 0;
  message.writeUInt32BE(MESSAGE_BYTES, 1);
  return message;
}

/** Starts all three; resolves when they serve. */
export async function startUpstreams(
  children: Children,
  cores: readonly number[],
  folder: string,
  nginx: string,
): Promise<Upstreams> {
  const ports = { http: await freePort(), grpc: await freePort(), socket: await freePort() };
  const script = (name: string, port: number): string[] => [
    process.execPath,
    join(import.meta.dirname, name),
    String(port),
  ];
  const started = {
    http: children.start('upstream', cores, upstreamCommand(folder, ports.http, nginx)),
    grpc: children.start('grpc', cores, script('grpc-child.ts', ports.grpc)),
    socket: children.start('echo', cores, script('echo-child.ts', ports.socket)),
  };
  await untilReady(started.http, `http://127.0.0.1:${ports.http}/`);
  await untilReady(started.socket, `http://127.0.0.1:${ports.socket}/`);
  while (!started.grpc.output().includes('serves')) await once(started.grpc.process.stdout as Readable, 'data');
  return { ports, children: started };
}
