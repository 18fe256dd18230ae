/**
 * Sends WebSocket messages back: `node echo-child.ts PORT`. What is no upgrade is answered 200, so that its start can be seen.
 */

import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';

const server = createServer((_request, response) => response.end());
const sockets = new WebSocketServer({ server });
sockets.on('connection', (socket) => {
  socket.on('message', (message, isBinary) => socket.send(message, { binary: isBinary }));
  // A load that ends cuts its connections off.
  socket.on('error', () => socket.terminate());
});
server.listen(Number(process.argv[2]), '127.0.0.1');
