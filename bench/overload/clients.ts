/**
 * Clients that do not care how the gateway is: requests come when they come, wait for a second, and are tried again or not.
 *
 * Every request that is under way has a connection of its own, kept for later ones. A client that gives up closes it.
 */

import { connect, type Socket } from 'node:net';
import { CLIENT_TIMEOUT_MS } from '../../test/support/simulate/load/shapes.ts';

const READ_BYTES = 65_536;
const HEAD_END = '\r\n\r\n';
const STATUS = /^HTTP\/1\.[01] (\d{3}) /;
const LENGTH = /\r\ncontent-length: *(\d+)/i;
const LAST = /\r\nconnection: *close/i;

/** One request, once or again. */
export interface Ask {
  readonly bytes: string;
  sentAtMs: number;
  isOver: boolean;
  line: Line | null;
}

export interface AskEvents<A extends Ask> {
  readonly answered: (ask: A, status: number) => void;
  /** No whole answer within the client's patience. */
  readonly gaveUp: (ask: A) => void;
  /** The connection ended instead. */
  readonly broke: (ask: A) => void;
}

/** One connection: carries one request at a time. */
class Line {
  readonly #socket: Socket;
  readonly #onAnswer: (status: number, isLast: boolean) => void;
  #text = '';
  isEnded = false;

  constructor(port: number, shared: Buffer, onAnswer: (status: number, isLast: boolean) => void, onEnd: () => void) {
    this.#onAnswer = onAnswer;
    const callback = (length: number): boolean => {
      this.#take(shared.toString('latin1', 0, length));
      return true;
    };
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true, onread: { buffer: shared, callback } });
    // What it was is of no use: the request on it has failed.
    this.#socket.on('error', () => this.#socket.destroy());
    this.#socket.on('close', () => {
      if (this.isEnded) return;
      this.isEnded = true;
      onEnd();
    });
  }

  send(bytes: string): void {
    this.#socket.write(bytes, 'latin1');
  }

  /** Ends the connection without telling. */
  end(): void {
    this.isEnded = true;
    this.#socket.destroy();
  }

  #take(text: string): void {
    this.#text += text;
    const end = this.#text.indexOf(HEAD_END);
    if (end < 0) return;
    const head = this.#text.slice(0, end);
    const status = STATUS.exec(head)?.[1];
    const length = LENGTH.exec(head)?.[1];
    if (status === undefined || length === undefined) throw new Error(`an answer without status or length: ${head}`);
    if (this.#text.length < end + HEAD_END.length + Number(length)) return;
    this.#text = '';
    this.#onAnswer(Number(status), LAST.test(head));
  }
}

/** All clients of one gateway. */
export class Clients<A extends Ask> {
  readonly #port: number;
  readonly #events: AskEvents<A>;
  readonly #shared = Buffer.allocUnsafe(READ_BYTES);
  readonly #free: Line[] = [];
  readonly #carried = new Map<Line, A>();
  /** In the order in which they were sent, so also in that of their patience. */
  readonly #sent: A[] = [];
  #first = 0;

  constructor(port: number, events: AskEvents<A>) {
    this.#port = port;
    this.#events = events;
  }

  /** Requests under way. */
  get underWay(): number {
    return this.#carried.size;
  }

  send(ask: A, nowMs: number): void {
    const line = this.#free.pop() ?? this.#open();
    ask.line = line;
    ask.sentAtMs = nowMs;
    this.#carried.set(line, ask);
    this.#sent.push(ask);
    line.send(ask.bytes);
  }

  /** Ends what was sent too long ago. */
  expire(nowMs: number): void {
    for (let ask = this.#sent[this.#first]; ask !== undefined; ask = this.#sent[this.#first]) {
      if (!ask.isOver && ask.sentAtMs + CLIENT_TIMEOUT_MS > nowMs) break;
      this.#first += 1;
      if (ask.isOver || ask.line === null) continue;
      ask.line.end();
      this.#over(ask.line);
      this.#events.gaveUp(ask);
    }
    if (this.#first < this.#sent.length / 2) return;
    this.#sent.splice(0, this.#first);
    this.#first = 0;
  }

  close(): void {
    for (const line of [...this.#free, ...this.#carried.keys()]) line.end();
  }

  #open(): Line {
    const line = new Line(
      this.#port,
      this.#shared,
      (status, isLast) => {
        const ask = this.#over(line);
        if (isLast) line.end();
        else this.#free.push(line);
        if (ask !== undefined) this.#events.answered(ask, status);
      },
      () => {
        const ask = this.#over(line);
        if (ask !== undefined) this.#events.broke(ask);
        else this.#free.splice(this.#free.indexOf(line), 1);
      },
    );
    return line;
  }

  /** Takes the request off its line. */
  #over(line: Line): A | undefined {
    const ask = this.#carried.get(line);
    if (ask === undefined) return undefined;
    this.#carried.delete(line);
    ask.isOver = true;
    return ask;
  }
}
