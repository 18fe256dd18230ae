/**
 * The end of a client connection that was answered for the last time: FIN, then what still comes is thrown away.
 *
 * Nothing is left once both sides have said that they are done. Closing at once would make the system reset the connection when the client sends more, and the answer would be lost on
 * the way. Time and bytes are bounded.
 * Source: RFC 9112 section 9.6.
 */

import { nowMs } from '../../lib/clock.ts';
import type { Deadlines, Timed } from '../../lib/deadlines.ts';
import type { ClientSocket } from './agreement.ts';

const LINGER_MS = 2000;
const LINGER_BYTES_MAX = 1_048_576;

export class Parting implements Timed {
  deadlineAtMs: number;
  slot = -1;
  readonly #client: ClientSocket;
  #discarded = 0;

  /**
   * @param client has nobody else's listeners.
   * @param stalledMs for a client that is slow to read what was sent before.
   * @param over called when the connection is closed.
   */
  constructor(client: ClientSocket, deadlines: Deadlines, stalledMs: number, over: () => void) {
    this.#client = client;
    this.deadlineAtMs = nowMs() + Math.max(stalledMs, LINGER_MS);
    deadlines.add(this);
    client.on('error', () => client.destroy());
    client.on('close', () => {
      deadlines.remove(this);
      over();
    });
    client.on('data', (bytes: Buffer) => this.#discard(bytes.length));
    client.end(() => {
      this.deadlineAtMs = nowMs() + LINGER_MS;
    });
  }

  expire(): void {
    this.#client.destroy();
  }

  destroy(): void {
    this.#client.destroy();
  }

  #discard(count: number): void {
    this.#discarded += count;
    if (this.#discarded > LINGER_BYTES_MAX) this.#client.destroy();
  }
}
