/**
 * Reads a byte stream as whole HTTP/1.1 messages through llhttp, and keeps the raw bytes of each.
 *
 * Both ends of a conformance case are read with it, so that a message that only our own parsers would accept is a
 * failure. Fed one byte at a time, because llhttp does not tell where in a read a message ended.
 */

import { HTTPParser, type Kind, parserFlag } from '../llhttp.ts';

/** The end of a chunked body: its last size, and the lines behind it. */
const LAST_CHUNK = /\r\n0+\r\n((?:[^\r\n:]+:[^\r\n]*\r\n)*)\r\n$/;

/** One message as it was on the wire. */
export interface Message {
  /** First line and fields, each with its CRLF, without the empty line. */
  readonly head: string;
  /** Body without chunk framing. */
  readonly body: string;
  /** Lines behind a chunked body, each with its CRLF. */
  readonly trailers: string;
  readonly raw: string;
  /** 0 for a request. */
  readonly status: number;
  /** Path and query of a request. */
  readonly target: string;
}

export class MessageReader {
  /** Messages that are complete. */
  readonly messages: Message[] = [];
  /** llhttp's code once it refused, else empty. */
  error = '';
  readonly #parser = new HTTPParser();
  #raw = '';
  #body = '';
  #status = 0;
  #target = '';

  /** @param isHead whether the next response answers HEAD and so has no body */
  constructor(kind: Kind, isHead: () => boolean = () => false) {
    const parser = this.#parser;
    parser.initialize(parserFlag(kind === 'request' ? 'REQUEST' : 'RESPONSE'), {}, 1_048_576, 0);
    parser[parserFlag('kOnHeadersComplete')] = (...values: unknown[]): number => {
      this.#target = (values[4] as string | undefined) ?? '';
      this.#status = (values[5] as number | undefined) ?? 0;
      return this.#status >= 200 && isHead() ? 1 : 0;
    };
    parser[parserFlag('kOnBody')] = (part: Buffer): void => {
      this.#body += part.toString('latin1');
    };
    parser[parserFlag('kOnMessageComplete')] = (): void => this.#complete();
  }

  /** Bytes of a message that is not complete. */
  get pending(): string {
    return this.#raw;
  }

  feed(bytes: Buffer): void {
    for (let i = 0; i < bytes.length && this.error === ''; i++) {
      this.#raw += String.fromCharCode(bytes[i] as number);
      const result = this.#parser.execute(bytes.subarray(i, i + 1));
      // The message's last byte is known to llhttp only now, and its callback has run within `execute`.
      if (typeof result !== 'number') this.error = (result as NodeJS.ErrnoException).code ?? result.message;
    }
  }

  /** The stream ended: completes a response that is read until then. */
  end(): void {
    if (this.error !== '' || this.#raw === '') return;
    const result = this.#parser.finish();
    if (result instanceof Error) this.error = (result as NodeJS.ErrnoException).code ?? result.message;
  }

  #complete(): void {
    const raw = this.#raw;
    const start = raw.startsWith('\r\n') ? 2 : 0;
    const head = raw.slice(start, raw.indexOf('\r\n\r\n', start) + 2);
    const trailers = LAST_CHUNK.exec(raw)?.[1] ?? '';
    this.messages.push({ head, body: this.#body, trailers, raw, status: this.#status, target: this.#target });
    this.#raw = '';
    this.#body = '';
  }
}
