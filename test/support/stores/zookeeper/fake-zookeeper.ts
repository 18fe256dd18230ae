/**
 * A ZooKeeper server in this process that answers as a test says, for what no real one can be made to do.
 */

import { createServer, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { JuteReader, JuteWriter } from '#src/sources/stores/zookeeper/jute.ts';
import { listenLoopback } from '../../plane.ts';

const XID_EVENT = -1;
const CONNECT_MS = 4000;

export interface FakeZooKeeper {
  readonly port: number;
  /** `operation path` of every request so far, without pings. */
  readonly asked: readonly string[];
}

/** What a fake may do with a request: `say` answers, `tell` sends an event, `raw` whatever it is given, `hangUp` nothing any more. */
export interface Turn {
  readonly operation: number;
  readonly path: string;
  /** What follows the path. */
  readonly rest: JuteReader;
  readonly say: (fault: number, body?: (writer: JuteWriter) => unknown) => void;
  readonly tell: (path: string) => void;
  readonly raw: (bytes: Buffer) => void;
  readonly hangUp: () => void;
}

/** Writes a Stat: made by transaction 1, changed last by 5 and set once, unless it is said otherwise. */
export function stat(writer: JuteWriter, { created = 1n, revision = 5n, version = 1 } = {}): JuteWriter {
  writer.long(created).long(revision).long(0n).long(0n);
  return writer.int(version).int(0).int(0).long(0n).int(0).int(0).long(revision);
}

export async function startFakeZooKeeper(
  t: TestContext,
  answer: (turn: Turn) => void,
  welcome: (socket: Socket) => void = greet,
): Promise<FakeZooKeeper> {
  const asked: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    let rest = Buffer.alloc(0);
    let isGreeted = false;
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk]);
      while (rest.length >= 4 && rest.length >= 4 + rest.readInt32BE()) {
        const frame = rest.subarray(4, 4 + rest.readInt32BE());
        rest = rest.subarray(4 + frame.length);
        if (isGreeted) take(socket, new JuteReader(frame), answer, asked);
        else welcome(socket);
        isGreeted = true;
      }
    });
  });
  const port = await listenLoopback(server);
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port, asked };
}

/** Gives a session. */
export function greet(socket: Socket): void {
  socket.write(new JuteWriter().int(0).int(CONNECT_MS).long(1n).bytes(Buffer.alloc(16)).boolean(false).frame());
}

function take(socket: Socket, frame: JuteReader, answer: (turn: Turn) => void, asked: string[]): void {
  const xid = frame.int();
  const operation = frame.int();
  const say = (fault: number, body: (writer: JuteWriter) => unknown = () => undefined): void => {
    const writer = new JuteWriter().int(xid).long(7n).int(fault);
    body(writer);
    socket.write(writer.frame());
  };
  if (xid < 0 || operation < 0) {
    say(0);
    return;
  }
  const path = frame.text();
  asked.push(`${operation} ${path}`);
  const tell = (node: string): void => {
    socket.write(new JuteWriter().int(XID_EVENT).long(-1n).int(0).int(3).int(3).text(node).frame());
  };
  const raw = (bytes: Buffer): void => void socket.write(bytes);
  answer({ operation, path, rest: frame, say, tell, raw, hangUp: () => void socket.destroy() });
}
