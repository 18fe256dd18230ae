/**
 * Raw bytes against the proxy: a client that says exactly what it is told, and an upstream that answers exactly so.
 */
import { connect, createServer, type Server, type Socket } from 'node:net';
import { listenLoopback } from './plane.ts';

/** Bounds every wait of a test: reached only when something hangs. */
const HANG_MS = 60_000;

/** A client connection that collects what it receives. */
export interface RawClient {
  readonly socket: Socket;
  /** Everything received so far, as Latin-1. */
  received(): string;
  send(bytes: string | Buffer): void;
  /** Resolves with what was received once `done(received)` holds; rejects if the connection ends or hangs before. */
  until(done: (received: string) => boolean): Promise<string>;
  /** Resolves with all that was received when the connection is closed by the other side. */
  closed(): Promise<string>;
}

/** @param localAddress of the client; another loopback address makes another client of it */
export function rawClient(port: number, localAddress = '127.0.0.1'): RawClient {
  const socket = connect({ host: '127.0.0.1', port, localAddress, noDelay: true, allowHalfOpen: true });
  let text = '';
  let isClosed = false;
  let changed: (() => void) | null = null;
  const onChange = (): void => changed?.();
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
    onChange();
  });
  const close = (): void => {
    isClosed = true;
    socket.destroy();
    onChange();
  };
  socket.on('end', close);
  socket.on('error', close);
  socket.on('close', close);
  const wait = (what: string, done: () => boolean, failed: () => boolean): Promise<string> =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`hangs waiting for ${what}; received: ${JSON.stringify(text)}`)),
        HANG_MS,
      );
      changed = (): void => {
        if (!done() && !failed()) return;
        clearTimeout(timer);
        changed = null;
        if (done()) resolve(text);
        else reject(new Error(`closed waiting for ${what}; received: ${JSON.stringify(text)}`));
      };
      changed();
    });
  return {
    socket,
    received: () => text,
    send: (bytes) => void socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes),
    until: (done) =>
      wait(
        'bytes',
        () => done(text),
        () => isClosed,
      ),
    closed: () =>
      wait(
        'the end',
        () => isClosed,
        () => false,
      ),
  };
}

/** Sends all bytes on a new connection and resolves with everything received until the other side closes. */
export async function sendAndClose(port: number, bytes: string | Buffer): Promise<string> {
  const client = rawClient(port);
  client.send(bytes);
  return client.closed();
}

/** Status codes of all (non-interim) responses in a received text. */
export function statusesOf(received: string): number[] {
  return [...received.matchAll(/HTTP\/1\.1 ([2-5]\d\d) /g)].map((match) => Number(match[1]));
}

/** An upstream on raw sockets. */
export interface RawUpstream {
  readonly port: number;
  /** Everything each connection has received, as Latin-1, in order of accept. */
  readonly received: string[];
  readonly sockets: Socket[];
  close(): Promise<void>;
}

/** @param onData called with what a connection has received so far, each time more arrives. */
export async function rawUpstream(
  onData: (socket: Socket, received: string, nth: number) => void,
): Promise<RawUpstream> {
  const received: string[] = [];
  const sockets: Socket[] = [];
  const server: Server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
    const nth = sockets.push(socket) - 1;
    received.push('');
    socket.on('data', (chunk: Buffer) => {
      received[nth] += chunk.toString('latin1');
      onData(socket, received[nth] as string, nth);
    });
    socket.on('end', () => socket.end());
    // A reset by the gateway is part of many tests; what it does to the exchange is asserted there.
    socket.on('error', () => socket.destroy());
  });
  const port = await listenLoopback(server);
  return {
    port,
    received,
    sockets,
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** An upstream that answers every complete head (requests without bodies) with the same bytes. */
export function answering(response: string): Promise<RawUpstream> {
  const answered = new Map<Socket, number>();
  return rawUpstream((socket, received) => {
    const heads = received.split('\r\n\r\n').length - 1;
    for (let n = answered.get(socket) ?? 0; n < heads; n++) socket.write(Buffer.from(response, 'latin1'));
    answered.set(socket, heads);
  });
}
