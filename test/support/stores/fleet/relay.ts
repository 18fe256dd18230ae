/**
 * A TCP relay on loopback that can be cut: bytes stop in both directions, and connections stay open, as when a cable is out.
 */

import { connect, createServer, type Socket } from 'node:net';
import { listenLoopback } from '../../plane.ts';

export interface Relay {
  readonly port: number;
  /** Nothing gets through from now on, nor does anybody hear why. */
  cut(): void;
  /** What comes from now on gets through; connections of before are reset. */
  mend(): void;
  close(): Promise<void>;
}

/** Starts one in front of a port of this machine. */
export async function startRelay(target: number): Promise<Relay> {
  const sockets = new Set<Socket>();
  let isCut = false;
  const server = createServer((near) => {
    const far = connect(target, '127.0.0.1');
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.on('data', (bytes) => void (isCut || to.write(bytes)));
      from.on('error', () => to.destroy());
      from.on('close', () => {
        sockets.delete(from);
        if (!isCut) to.destroy();
      });
    }
  });
  const port = await listenLoopback(server);
  const reset = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port,
    cut: () => {
      isCut = true;
    },
    mend: () => {
      isCut = false;
      reset();
    },
    close: () => {
      reset();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
