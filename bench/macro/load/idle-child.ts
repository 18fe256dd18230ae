/**
 * The process behind idle connections: `node idle-child.ts PORT CONNECTIONS`.
 *
 * Opens keep-alive connections, has one request answered on each, prints `held` and keeps them until it is ended. A lost
 * connection ends it with 1.
 */

import { openLines, type SocketLine } from './lines.ts';
import { requestOf, SMALL_GET, USERS } from './request.ts';

/** Connections that have a request under way at a time. */
const ASKING = 64;

const [port = 0, connections = 0] = process.argv.slice(2).map(Number);
let answered = 0;
let asked = 0;
const lines: SocketLine[] = await openLines(port, connections, (index) => requestOf(SMALL_GET, index % USERS, port), {
  onAnswer: () => {
    answered += 1;
    lines[asked++]?.send();
    if (answered === connections) process.stdout.write('held\n');
  },
  onFault: (message) => {
    process.stderr.write(`${message}\n`);
    process.exit(1);
  },
});
for (const line of lines.slice(0, ASKING)) {
  asked += 1;
  line.send();
}
