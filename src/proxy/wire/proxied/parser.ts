/**
 * The header of the PROXY protocol as it arrives, however it is cut into packets; one for each connection.
 *
 * It says how many bytes must still come at least, and is never given more: so nothing behind the header is read here, and
 * what is, TLS or HTTP, reads its own from the first byte on. What cannot become a header is refused at the first byte that
 * shows it.
 */

import type { Progress, Proxied } from './proxied.ts';
import { LINE_BYTES_MIN, readV1 } from './v1.ts';
import { FIXED_BYTES, HEADER_BYTES_MAX, readV2, SIGNATURE } from './v2.ts';

/** Most of what lies ahead is one line, or less. */
const BYTES_MIN = 128;

export class HeaderParser {
  #bytes = Buffer.allocUnsafe(BYTES_MIN);
  #length = 0;
  #progress: Progress = LINE_BYTES_MIN;

  /** Fewest bytes to its end; 0: there is nothing more to read. */
  get lacks(): number {
    return typeof this.#progress === 'number' ? this.#progress : 0;
  }

  /** What it says, once it is whole. */
  get proxied(): Proxied | null {
    return typeof this.#progress === 'object' ? this.#progress : null;
  }

  /** Why it is none; empty while it may be one. */
  get fault(): string {
    return typeof this.#progress === 'string' ? this.#progress : '';
  }

  /** Takes the next bytes, at most `lacks`. */
  take(part: Uint8Array): void {
    const needed = this.#length + part.length;
    if (needed > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.min(HEADER_BYTES_MAX, needed + this.lacks));
      this.#bytes.copy(larger, 0, 0, this.#length);
      this.#bytes = larger;
    }
    this.#bytes.set(part, this.#length);
    this.#length = needed;
    const bytes = this.#bytes.subarray(0, needed);
    this.#progress = bytes[0] === SIGNATURE[0] ? readV2(bytes) : readV1(bytes.toString('latin1'));
  }
}

if (LINE_BYTES_MIN > FIXED_BYTES) throw new Error('proxied: the first read could pass the end of a header');
