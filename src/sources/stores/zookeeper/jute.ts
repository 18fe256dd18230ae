/**
 * Jute, ZooKeeper's encoding: numbers big-endian, text and bytes behind their length, -1 for none.
 *
 * Source: ZooKeeper, `zookeeper.jute`.
 */

/** Writes one record after another. */
export class JuteWriter {
  readonly #parts: Buffer[] = [];

  int(value: number): this {
    const part = Buffer.alloc(4);
    part.writeInt32BE(value);
    this.#parts.push(part);
    return this;
  }

  long(value: bigint): this {
    const part = Buffer.alloc(8);
    part.writeBigInt64BE(value);
    this.#parts.push(part);
    return this;
  }

  boolean(value: boolean): this {
    this.#parts.push(Buffer.of(value ? 1 : 0));
    return this;
  }

  bytes(value: Buffer): this {
    this.int(value.length);
    this.#parts.push(value);
    return this;
  }

  text(value: string): this {
    return this.bytes(Buffer.from(value));
  }

  /** Everything so far behind its length, as it is sent. */
  frame(): Buffer {
    const body = Buffer.concat(this.#parts);
    const head = Buffer.alloc(4);
    head.writeInt32BE(body.length);
    return Buffer.concat([head, body]);
  }
}

/** Reads a frame without its length. Every method throws an Error when the frame ends before the value. */
export class JuteReader {
  readonly #frame: Buffer;
  #at = 0;

  constructor(frame: Buffer) {
    this.#frame = frame;
  }

  int(): number {
    return this.#take(4).readInt32BE();
  }

  long(): bigint {
    return this.#take(8).readBigInt64BE();
  }

  /** None is empty. */
  bytes(): Buffer {
    const length = this.int();
    return this.#take(Math.max(0, length));
  }

  text(): string {
    return this.bytes().toString('utf8');
  }

  texts(): string[] {
    const count = Math.max(0, this.int());
    const texts: string[] = [];
    // Each takes four bytes at least: a count that is not true ends with the frame.
    while (texts.length < count) texts.push(this.text());
    return texts;
  }

  #take(length: number): Buffer {
    const end = this.#at + length;
    if (end > this.#frame.length) throw new Error('a frame that ends too soon: is this ZooKeeper?');
    const part = this.#frame.subarray(this.#at, end);
    this.#at = end;
    return part;
  }
}
