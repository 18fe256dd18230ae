/**
 * Reads the header blocks of a peer: from one frame, or put together from several.
 *
 * How long a block may become is the frame budget's to say, before its bytes are here. Every block is decoded, whatever becomes of
 * its stream, or the tables of both sides would differ from then on.
 * Source: RFC 9113 sections 4.3, 6.2, 6.10.
 */

import { CODE, type Code, FLAG, type FrameHead, wordAt } from '../frames.ts';
import { type FieldLimits, HeaderDecoder } from '../hpack/decoder.ts';

const PRIORITY_BYTES = 5;
/** What the table of the peer's fields may take: as much as every peer has without asking. */
const TABLE_BYTES = 4096;

/** A block that is here as a whole. */
export interface Block {
  readonly id: number;
  /** Its stream ends with it. */
  readonly isEnd: boolean;
  /** Names and values in turn. */
  readonly fields: string[];
  /** What is wrong with it for its stream; `noError`: nothing. */
  readonly fault: Code;
}

/** The beginning of one that is not. */
interface Begun {
  readonly id: number;
  readonly isEnd: boolean;
  readonly isSelfish: boolean;
  bytes: Buffer;
}

export class BlockReader {
  readonly #decoder = new HeaderDecoder(TABLE_BYTES);
  readonly #limits: FieldLimits;
  #begun: Begun | null = null;
  /** What is wrong for the connection, once something is. */
  fault: Code = CODE.noError;

  constructor(limits: FieldLimits) {
    this.#limits = limits;
  }

  /** The stream whose block is not complete, which must go on with the next frame; 0: there is none. */
  get openId(): number {
    return this.#begun === null ? 0 : this.#begun.id;
  }

  /** A HEADERS frame. @returns null: the block is not complete, or there is a `fault` */
  begin(head: FrameHead, bytes: Buffer, from: number, end: number): Block | null {
    const { flags, id } = head;
    const isPadded = (flags & FLAG.padded) !== 0;
    const hasPriority = (flags & FLAG.priority) !== 0;
    const at = from + (isPadded ? 1 : 0);
    const start = at + (hasPriority ? PRIORITY_BYTES : 0);
    const until = isPadded && from < end ? end - (bytes[from] as number) : end;
    if (start > until) return this.#wrong(CODE.protocol);
    const isSelfish = hasPriority && wordAt(bytes, at) === id;
    const begun = { id, isEnd: (flags & FLAG.endStream) !== 0, isSelfish, bytes };
    if ((flags & FLAG.endHeaders) !== 0) return this.#whole(begun, start, until);
    // The next read overwrites it.
    begun.bytes = Buffer.from(bytes.subarray(start, until));
    this.#begun = begun;
    return null;
  }

  /** A CONTINUATION frame. @returns the same */
  goOn({ flags }: FrameHead, bytes: Buffer, from: number, end: number): Block | null {
    const begun = this.#begun;
    if (begun === null) return this.#wrong(CODE.protocol);
    begun.bytes = Buffer.concat([begun.bytes, bytes.subarray(from, end)]);
    if ((flags & FLAG.endHeaders) === 0) return null;
    this.#begun = null;
    return this.#whole(begun, 0, begun.bytes.length);
  }

  #whole({ id, isEnd, isSelfish, bytes }: Begun, from: number, end: number): Block | null {
    const fields: string[] = [];
    const decoder = this.#decoder;
    if (!decoder.decode(bytes, from, end, fields, this.#limits)) return this.#wrong(CODE.compression);
    const fault = isSelfish ? CODE.protocol : decoder.isTooLarge ? CODE.calm : CODE.noError;
    return { id, isEnd, fields, fault };
  }

  #wrong(code: Code): null {
    this.fault = code;
    return null;
  }
}
