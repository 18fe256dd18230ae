/**
 * Server-sent events to a bounded number of readers, none of whom can make the gateway keep much.
 *
 * An event replaces the one of the same name that a reader has not been sent yet: a slow reader misses moments, never the
 * newest one. What the system has not taken yet is one write; a reader that takes none of it for `STALL_MS` is cut.
 * Beyond `CLIENTS_MAX` readers the next one is refused (503) and counted.
 * Source: HTML Standard, "Server-sent events".
 */

import type { ServerResponse } from 'node:http';
import { whenGone } from '../reply.ts';

/** Readers at a time. */
export const CLIENTS_MAX = 16;
/** Longest time in which a reader takes nothing of what waits for it. */
export const STALL_MS = 10_000;
/** A browser that lost its connection comes back after this, ms. */
const RETRY_MS = 1000;

/** One reader. */
interface Client {
  readonly response: ServerResponse;
  /** Events that wait until the last write is taken, by name. */
  readonly waiting: Map<string, string>;
  /** Since when a write has not been taken; null: it has. */
  stuckSinceMs: number | null;
}

/** Readers now and since the start. */
export interface StreamCounts {
  readonly clients: number;
  readonly max: number;
  readonly refused: number;
  /** Cut because they took nothing. */
  readonly dropped: number;
}

export class Stream {
  readonly #clients = new Set<Client>();
  readonly #nowMs: () => number;
  #refused = 0;
  #dropped = 0;

  /** @param nowMs the monotonic clock */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  get counts(): StreamCounts {
    return { clients: this.#clients.size, max: CLIENTS_MAX, refused: this.#refused, dropped: this.#dropped };
  }

  /** Whether there is a place; a refusal is counted. */
  admit(): boolean {
    if (this.#clients.size < CLIENTS_MAX) return true;
    this.#refused++;
    return false;
  }

  /** Begins the answer to a reader that was admitted. @param onGone called once, when it has left */
  add(
    response: ServerResponse,
    headers: Readonly<Record<string, string>>,
    onGone: () => void,
  ): (name: string, text: string) => void {
    const client: Client = { response, waiting: new Map(), stuckSinceMs: null };
    this.#clients.add(client);
    response.on('error', () => response.destroy());
    response.on('drain', () => this.#drained(client));
    whenGone(response, () => {
      this.#clients.delete(client);
      onGone();
    });
    response.writeHead(200, headers);
    this.#write(client, `retry: ${RETRY_MS}\n\n`);
    return (name, text) => this.#offer(client, name, text);
  }

  /** Sends an event to everybody, and cuts who takes nothing. @param text one line */
  send(name: string, text: string): void {
    for (const client of this.#clients) {
      if (client.stuckSinceMs !== null && this.#nowMs() - client.stuckSinceMs > STALL_MS) {
        this.#dropped++;
        client.response.destroy();
        continue;
      }
      this.#offer(client, name, text);
    }
  }

  /** Ends every answer. */
  close(): void {
    for (const { response } of this.#clients) response.end();
  }

  #offer(client: Client, name: string, text: string): void {
    if (client.stuckSinceMs !== null) client.waiting.set(name, text);
    else this.#write(client, eventText(name, text));
  }

  #drained(client: Client): void {
    client.stuckSinceMs = null;
    const events = [...client.waiting].map(([name, text]) => eventText(name, text));
    client.waiting.clear();
    if (events.length > 0) this.#write(client, events.join(''));
  }

  #write(client: Client, text: string): void {
    if (!client.response.write(text)) client.stuckSinceMs = this.#nowMs();
  }
}

function eventText(name: string, text: string): string {
  return `event: ${name}\ndata: ${text}\n\n`;
}
