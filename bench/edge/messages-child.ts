/**
 * Sends WebSocket messages over TLS, the next when the one before has come back: `node messages-child.ts PORT CONNECTIONS SECONDS`.
 * Prints `{"units":…,"bad":…}`; a unit is a message there and back.
 */

import { WebSocket } from 'ws';
import { SOCKET_PATH } from './upstreams.ts';

const [port = 0, connections = 1, seconds = 1] = process.argv.slice(2).map(Number);
const MESSAGE = Buffer.alloc(100, 'sluice ');

let units = 0;
let bad = 0;
let isOver = false;

function open(): Promise<WebSocket> {
  const socket = new WebSocket(`wss://127.0.0.1:${port}${SOCKET_PATH}`, {
    rejectUnauthorized: false,
    perMessageDeflate: false,
  });
  socket.on('message', (message: Buffer) => {
    if (message.length === MESSAGE.length) units++;
    else bad++;
    if (!isOver) socket.send(MESSAGE);
  });
  socket.on('close', () => {
    if (!isOver) bad++;
  });
  return new Promise((resolve, reject) => {
    socket.once('open', () => resolve(socket));
    socket.on('error', reject);
  });
}

const sockets = await Promise.all(Array.from({ length: connections }, open));
for (const socket of sockets) socket.send(MESSAGE);
await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
isOver = true;
for (const socket of sockets) socket.terminate();
process.stdout.write(`${JSON.stringify({ units, bad })}\n`);
