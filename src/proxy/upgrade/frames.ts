/**
 * Where WebSocket frames begin and end in a byte stream, and the frame that says goodbye.
 *
 * Nothing is unmasked, validated or changed: the gateway only has to know whether a close frame was sent, and where one
 * of its own would cut nothing in two. Control frames may stand between the fragments of a message, and extensions do
 * not change their shape. A length of 2^53 or more is taken as a frame that never ends.
 * Source: RFC 6455 sections 5.2, 5.4, 5.5.1, 7.4.1; RFC 7692 section 6.
 */

const OPCODE = 0x0f;
const CLOSE = 0x8;
const MASKED = 0x80;
const LENGTH = 0x7f;
const LENGTH_16 = 126;
const LENGTH_64 = 127;
const HEADER_BYTES_MIN = 2;
const MASK_BYTES = 4;
const CODE_BYTES = 2;

/** Reads the frames of one direction. */
export class FrameScanner {
  /** A close frame was seen: what follows it means nothing. */
  sawClose = false;
  /** Status of the first close frame; 0: it has none, or it has not come yet. */
  closeCode = 0;
  #opcode = 0;
  /** Header bytes seen of the current frame, and how many it has. */
  #seen = 0;
  #headerBytes = HEADER_BYTES_MIN;
  #length = 0;
  #lengthEnd = HEADER_BYTES_MIN;
  /** Payload bytes that are still to come. */
  #left = 0;
  readonly #mask = [0, 0, 0, 0];
  /** Bytes of the status that are still to come. */
  #codeLeft = 0;

  /** No frame is under way. */
  get isBetween(): boolean {
    return this.#seen === 0 && this.#left === 0;
  }

  /**
   * Takes the next bytes.
   * @param untilBetween stop at the first place between two frames.
   * @returns how many bytes were taken: all, or up to that place. Cost: O(headers).
   */
  scan(bytes: Uint8Array, untilBetween: boolean): number {
    let at = 0;
    while (at < bytes.length) {
      if (untilBetween && this.isBetween) return at;
      if (this.#codeLeft > 0) this.#code(bytes[at++] as number);
      else if (this.#left > 0) {
        const take = Math.min(this.#left, bytes.length - at);
        this.#left -= take;
        at += take;
      } else this.#header(bytes[at++] as number);
    }
    return at;
  }

  #header(byte: number): void {
    const nth = this.#seen++;
    if (nth === 0) this.#opcode = byte & OPCODE;
    else if (nth === 1) this.#sizes(byte);
    else if (nth < this.#lengthEnd) this.#length = this.#length * 256 + byte;
    else this.#mask[nth - this.#lengthEnd] = byte;
    if (this.#seen < this.#headerBytes) return;
    if (this.#opcode === CLOSE && !this.sawClose) {
      this.sawClose = true;
      this.#codeLeft = this.#length >= CODE_BYTES ? CODE_BYTES : 0;
    }
    this.#left = Number.isSafeInteger(this.#length) ? this.#length : Number.POSITIVE_INFINITY;
    this.#seen = 0;
    this.#headerBytes = HEADER_BYTES_MIN;
  }

  #code(byte: number): void {
    this.closeCode = this.closeCode * 256 + (byte ^ (this.#mask[CODE_BYTES - this.#codeLeft] as number));
    this.#codeLeft--;
    this.#left--;
  }

  #sizes(byte: number): void {
    this.#mask.fill(0);
    const code = byte & LENGTH;
    const more = code === LENGTH_64 ? 8 : code === LENGTH_16 ? 2 : 0;
    this.#length = more === 0 ? code : 0;
    this.#lengthEnd = HEADER_BYTES_MIN + more;
    this.#headerBytes = this.#lengthEnd + ((byte & MASKED) === 0 ? 0 : MASK_BYTES);
  }
}

/** Status "going away". */
export const GOING_AWAY = 1001;
/** Status "internal error": whoever sends it could not go on. */
export const INTERNAL_ERROR = 1011;

/** A close frame as a server sends it. */
export function closeFrame(code = GOING_AWAY): Buffer {
  return Buffer.from([MASKED | CLOSE, CODE_BYTES, code >>> 8, code & 255]);
}

/** A close frame as a client sends it. @param key masking key, 32 random bits. */
export function maskedCloseFrame(key: number, code = GOING_AWAY): Buffer {
  const mask = [key >>> 24, (key >>> 16) & 255, (key >>> 8) & 255, key & 255] as const;
  const payload = [(code >>> 8) ^ mask[0], (code & 255) ^ mask[1]];
  return Buffer.from([MASKED | CLOSE, MASKED | CODE_BYTES, ...mask, ...payload]);
}
