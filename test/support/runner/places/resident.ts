/**
 * Lives in a network of its own and passes connections on, between there and the process that started it (networks.ts).
 *
 * It ends with the process that started it, whatever that ends of.
 */

import { writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { carry } from './carry.ts';

/** What it is told: to carry a connection that comes with it to a port, or to listen at one and pass on whatever comes. */
export interface ToResident {
  readonly kind: 'carry' | 'listen';
  readonly port: number;
}

/** What it says: that it listens, and each connection that came. */
export interface FromResident {
  readonly kind: 'listening' | 'came';
  readonly port: number;
}

// A packet for an address that is gone is to be lost, not sent back, whatever the machine does.
writeFileSync('/proc/sys/net/ipv4/ip_forward', '0');

const say = (message: FromResident, socket?: Socket): void => void process.send?.(message, socket);

function listen(port: number): void {
  const server = createServer({ pauseOnConnect: true }, (socket) => say({ kind: 'came', port }, socket));
  server.listen(port, '127.0.0.1', () => say({ kind: 'listening', port }));
}

process.on('message', (message: ToResident, socket?: Socket) => {
  if (message.kind === 'listen') listen(message.port);
  // One that was reset on its way does not arrive.
  else if (socket !== undefined) carry(socket, message.port);
});
process.once('disconnect', () => process.exit());
