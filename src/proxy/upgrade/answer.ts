/**
 * The relay of an answer to an upgrade request that is not a 101: head and body, framed anew, for a connection that ends.
 *
 * Body bytes are cut out of the upstream's framing as strictly as in the plain lane. Whoever owns the upstream stops
 * reading it while `isBackedUp`.
 */

import type { Exchange } from '../exchange.ts';
import { type ClientFraming, clientFraming, responseText } from '../header/response.ts';
import { BodyReader, BROKEN, END, EXCESS } from '../http1/body.ts';
import type { ResponseHead } from '../http1/response-head.ts';
import type { ClientSocket } from './agreement.ts';

/** What became of the body with the bytes that were taken. */
export type Progress = 'more' | 'complete' | 'broken';

export class Answer {
  readonly #client: ClientSocket;
  readonly #framing: ClientFraming;
  readonly #body = new BodyReader();

  /** Sends the head. @param flushed called when the client has caught up. */
  constructor(x: Exchange, head: ResponseHead, client: ClientSocket, flushed: () => void) {
    this.#client = client;
    this.#framing = clientFraming(head, x.minor);
    this.#body.start(head.bodyLength, false, x.table.limits);
    client.on('drain', flushed);
    client.write(responseText(x, head, this.#framing, true), 'latin1');
  }

  /** The client does not keep up. */
  get isBackedUp(): boolean {
    return this.#client.writableNeedDrain;
  }

  /** Relays body bytes from `from` on; `bytes` are not used by anybody else. */
  take(bytes: Buffer, from: number): Progress {
    const step = this.#body.gather(bytes, from, bytes.length);
    if (this.#body.dataEnd > from) this.#send(bytes.subarray(from, this.#body.dataEnd));
    if (step === BROKEN || step === EXCESS) return 'broken';
    if (step !== END) return 'more';
    this.#sendLast();
    return 'complete';
  }

  /** The upstream's connection ended: true if that is how the body was to end. */
  endWithConnection(): boolean {
    if (!this.#body.endsWithConnection) return false;
    this.#sendLast();
    return true;
  }

  #send(bytes: Buffer): void {
    if (this.#framing !== 'chunked') {
      this.#client.write(bytes);
      return;
    }
    this.#client.cork();
    this.#client.write(`${bytes.length.toString(16)}\r\n`, 'latin1');
    this.#client.write(bytes);
    this.#client.write('\r\n', 'latin1');
    this.#client.uncork();
  }

  #sendLast(): void {
    if (this.#framing === 'chunked') this.#client.write('0\r\n\r\n', 'latin1');
  }
}
