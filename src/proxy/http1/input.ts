/**
 * What a client connection has received and not yet understood. Hot path.
 *
 * Bytes are read into memory that all connections of a worker share. What is understood at once, as nearly everything
 * is, is looked at there; what must wait for more is copied out before the next connection reads.
 */

export class Input {
  readonly #shared: Buffer;
  /** What is left is `bytes[from..end)`. */
  bytes: Buffer;
  from = 0;
  end = 0;

  /** @param shared the memory that is read into. */
  constructor(shared: Buffer) {
    this.#shared = shared;
    this.bytes = shared;
  }

  get isEmpty(): boolean {
    return this.from === this.end;
  }

  get length(): number {
    return this.end - this.from;
  }

  /** Takes in what was read: `count` bytes at the beginning of the shared memory. */
  take(count: number): void {
    if (this.isEmpty) {
      this.bytes = this.#shared;
      this.from = 0;
      this.end = count;
      return;
    }
    const held = this.bytes.subarray(this.from, this.end);
    this.#own(Buffer.concat([held, this.#shared.subarray(0, count)]));
  }

  /** Copies what is left out of the shared memory, which the next read overwrites. */
  keep(): void {
    if (this.isEmpty) this.clear();
    else if (this.bytes === this.#shared) this.#own(Buffer.from(this.bytes.subarray(this.from, this.end)));
  }

  clear(): void {
    this.bytes = this.#shared;
    this.from = 0;
    this.end = 0;
  }

  #own(bytes: Buffer): void {
    this.bytes = bytes;
    this.from = 0;
    this.end = bytes.length;
  }
}
