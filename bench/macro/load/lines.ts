/**
 * Raw keep-alive connections that send one prepared request at a time and see when its answer is complete.
 *
 * Understands just what a measurement needs: status 200 and `Content-Length`. Anything else is an error, because a
 * measurement with a bad answer is refused.
 */

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

const READ_BYTES = 65_536;
const HEAD_END = '\r\n\r\n';
const LENGTH = /\r\ncontent-length: *(\d+)/i;
/** Connections that are opened at a time: fewer than any backlog. */
const OPENING = 64;

/** Tells of one connection. */
export interface LineEvents {
  readonly onAnswer: (line: SocketLine) => void;
  /** A bad answer, or the connection ended. Called at most once. */
  readonly onFault: (message: string) => void;
}

/** The bytes of one answer as they come in. */
export class AnswerReader {
  /** Head that is not complete yet. */
  #head = '';
  /** Bytes of the body that are missing; -1 while the head is. */
  #missing = -1;

  /** Takes bytes; true when the answer is complete with them. @throws when it is not what was asked for */
  take(bytes: Buffer): boolean {
    let bodyBytes = bytes.length;
    if (this.#missing < 0) {
      const before = this.#head.length;
      this.#head += bytes.toString('latin1');
      const end = this.#head.indexOf(HEAD_END);
      if (end < 0) return false;
      bodyBytes = before + bytes.length - end - HEAD_END.length;
      this.#missing = lengthOf(this.#head.slice(0, end));
      this.#head = '';
    }
    this.#missing -= bodyBytes;
    if (this.#missing > 0) return false;
    if (this.#missing < 0) throw new Error(`${-this.#missing} bytes more than announced`);
    this.#missing = -1;
    return true;
  }
}

function lengthOf(head: string): number {
  if (!head.startsWith('HTTP/1.1 200')) throw new Error(`answered ${head.split('\r\n')[0] ?? ''}`);
  const length = LENGTH.exec(head)?.[1];
  if (length === undefined) throw new Error(`an answer without Content-Length: ${head}`);
  return Number(length);
}

/** One connection. */
export class SocketLine {
  dueMs = 0;
  readonly #request: Buffer;
  readonly #socket: Socket;
  readonly #answer = new AnswerReader();
  #isFaulty = false;

  constructor(port: number, request: string, shared: Buffer, events: LineEvents) {
    this.#request = Buffer.from(request, 'latin1');
    const fault = (message: string): void => {
      if (this.#isFaulty) return;
      this.#isFaulty = true;
      this.#socket.destroy();
      events.onFault(message);
    };
    const callback = (length: number): boolean => {
      try {
        if (this.#answer.take(shared.subarray(0, length))) events.onAnswer(this);
      } catch (error) {
        fault(String(error));
      }
      return true;
    };
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true, onread: { buffer: shared, callback } });
    this.#socket.on('error', (error) => fault(error.message));
    this.#socket.on('close', () => fault('the connection ended'));
  }

  /** Resolves when it is connected. */
  async opened(): Promise<void> {
    if (this.#socket.connecting) await once(this.#socket, 'connect');
  }

  send(): void {
    this.#socket.write(this.#request);
  }

  /** Ends the connection; that is no fault. */
  end(): void {
    this.#isFaulty = true;
    this.#socket.destroy();
  }
}

/** Opens connections; `requestOf` gives each its request. One read buffer serves all: an answer is looked at at once. */
export async function openLines(
  port: number,
  count: number,
  requestOf: (index: number) => string,
  events: LineEvents,
): Promise<SocketLine[]> {
  const shared = Buffer.allocUnsafe(READ_BYTES);
  const lines: SocketLine[] = [];
  while (lines.length < count) {
    const next = Array.from(
      { length: Math.min(OPENING, count - lines.length) },
      (_, index) => new SocketLine(port, requestOf(lines.length + index), shared, events),
    );
    await Promise.all(next.map((line) => line.opened()));
    lines.push(...next);
  }
  return lines;
}
