/**
 * More requests under way than a gateway can turn over: a closed loop without pause on each of many connections.
 *
 * Whoever is answered, or refused, asks again at once, and whoever is turned away at the door comes back: clients as bad as
 * they get. One connection in ten is of critical priority, the others are of the three below it in turn.
 */

import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { Worker } from 'node:worker_threads';
import { PRIORITIES, type Priority } from '#src/model/overload.ts';
import { listenLoopback } from '../../test/support/plane.ts';

/** A gateway looks at each field, who asks does not: so it is the gateway that is short, not who asks it. */
const FIELDS = Array.from({ length: 80 }, (_, n) => `x-field-${n}: ${'v'.repeat(40)}\r\n`).join('');
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
/** Pause of a client whose connection was closed. */
const RETURN_MS = 100;
/** Connections that are opened in one go. */
const OPENING = 50;
const OPENING_MS = 5;

/** Answers of one priority, by what they were. */
export interface Answers {
  ok: number;
  shed: number;
  other: number;
}

export interface Overload {
  readonly answers: Readonly<Record<Priority, Answers>>;
  /** Connections that were closed before an answer. */
  readonly closed: () => number;
  readonly stop: () => void;
}

/** What came of a load. */
export interface Outcome {
  readonly answers: Readonly<Record<Priority, Answers>>;
  /** Connections that were closed before an answer. */
  closed: number;
}

/** So many share the connections: one alone asks less than a gateway on a core of its own answers. */
const THREADS = 3;

/** Begins it in threads. `stop` resolves with what came of it. */
export function startOverloadThreads(port: number, connections: number): { stop(): Promise<Outcome> } {
  const workers = Array.from({ length: THREADS }, (_, first) => {
    const workerData = { port, connections, first, step: THREADS };
    return new Worker(new URL('./thread.ts', import.meta.url), { workerData });
  });
  return {
    async stop() {
      const told = workers.map((worker) => once(worker, 'message') as Promise<[Outcome]>);
      for (const worker of workers) worker.postMessage('stop');
      const sum: Outcome = { answers: noAnswers(), closed: 0 };
      for (const [{ answers, closed }] of await Promise.all(told)) {
        sum.closed += closed;
        for (const name of PRIORITIES) {
          for (const kind of ['ok', 'shed', 'other'] as const) sum.answers[name][kind] += answers[name][kind];
        }
      }
      return sum;
    },
  };
}

function noAnswers(): Record<Priority, Answers> {
  const none = PRIORITIES.map((name) => [name, { ok: 0, shed: 0, other: 0 }]);
  return Object.fromEntries(none) as Record<Priority, Answers>;
}

/** An upstream that answers every head at once. */
export async function startUpstream(): Promise<{ readonly port: number; close(): void }> {
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
    socket.on('data', (bytes: Buffer) => {
      for (let at = bytes.indexOf('\r\n\r\n'); at >= 0; at = bytes.indexOf('\r\n\r\n', at + 4)) socket.write(OK);
    });
  });
  const port = await listenLoopback(server);
  return {
    port,
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

function priorityOf(index: number): Priority {
  const [first, ...others] = PRIORITIES;
  return index % 10 === 0 ? first : (others[index % others.length] as Priority);
}

/** Begins it. @param first @param step of the connections' numbers: those of one thread */
export function startOverload(port: number, connections: number, first = 0, step = 1): Overload {
  const answers = noAnswers();
  const sockets = new Set<Socket>();
  let closed = 0;
  let isOver = false;
  const join = (index: number): void => {
    if (isOver) return;
    const priority = priorityOf(index);
    const counts = answers[priority];
    const request = `GET / HTTP/1.1\r\nHost: a\r\nx-priority: ${priority}\r\nx-user-id: user-${index}\r\n${FIELDS}\r\n`;
    const socket = connect({ host: '127.0.0.1', port, noDelay: true }, () => void socket.write(request));
    sockets.add(socket);
    socket.on('data', (bytes: Buffer) => {
      // A whole answer is one segment or begins with its head: what has no status line belongs to the one before.
      if (bytes.toString('latin1', 0, 9) !== 'HTTP/1.1 ') return;
      const status = bytes.toString('latin1', 9, 12);
      counts[status === '200' ? 'ok' : status === '503' ? 'shed' : 'other'] += 1;
      if (!isOver) socket.write(request);
    });
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      sockets.delete(socket);
      if (isOver) return;
      closed += 1;
      setTimeout(() => join(index), RETURN_MS);
    });
  };
  let opened = first;
  const opening = setInterval(() => {
    for (let n = 0; n < OPENING && opened < connections; n++, opened += step) join(opened);
    if (opened >= connections) clearInterval(opening);
  }, OPENING_MS);
  return {
    answers,
    closed: () => closed,
    stop: () => {
      isOver = true;
      clearInterval(opening);
      for (const socket of sockets) socket.destroy();
    },
  };
}
