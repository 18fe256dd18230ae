/**
 * Makes TLS 1.3 handshakes, one after the other on each of some lanes: `node handshake-child.ts PORT full|resumed LANES SECONDS`.
 * Prints `{"units":…,"bad":…}`.
 *
 * Each is over when the gateway has closed as well, which it does when it has read the client's last words and its goodbye. A
 * resumed one takes the ticket of a first connection, and is bad if the gateway did not resume; a full one if it did.
 */

import { connect, createSecureContext, type TLSSocket } from 'node:tls';
import { HOST } from './certificate.ts';

const [port = 0, , lanes = 1, seconds = 1] = process.argv.slice(2).map(Number);
const isResumed = process.argv[3] === 'resumed';
const secureContext = createSecureContext({ minVersion: 'TLSv1.3' });

let units = 0;
let bad = 0;

/** One connection, until it is closed; without a session it waits for a ticket if it is to have one. @returns whether all was well */
function handshake(session: Buffer | null, keep: ((ticket: Buffer) => void) | null = null): Promise<boolean> {
  return new Promise((resolve) => {
    let isFine = false;
    const socket: TLSSocket = connect({
      host: '127.0.0.1',
      port,
      servername: HOST,
      rejectUnauthorized: false,
      ALPNProtocols: ['http/1.1'],
      secureContext,
      ...(session !== null && { session }),
    });
    socket.once('secureConnect', () => {
      isFine = socket.isSessionReused() === (session !== null);
      if (keep === null) socket.end();
    });
    if (keep !== null) {
      socket.once('session', (ticket) => {
        keep(ticket);
        socket.end();
      });
    }
    socket.on('error', () => socket.destroy());
    socket.resume();
    socket.once('close', () => resolve(isFine));
  });
}

let first: Buffer | null = null;
if (isResumed) {
  await handshake(null, (ticket) => {
    first = ticket;
  });
}
const endsAtMs = performance.now() + seconds * 1000;

async function lane(): Promise<void> {
  while (performance.now() < endsAtMs) {
    if (await handshake(first)) units++;
    else bad++;
  }
}

await Promise.all(Array.from({ length: lanes }, lane));
process.stdout.write(`${JSON.stringify({ units, bad })}\n`);
