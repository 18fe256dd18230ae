/**
 * Bytes that wait, in few pieces however many they came in: a peer that sends a byte at a time costs no more than its bytes.
 *
 * Those that are copied share memory with the ones before; those that are lent stay where they are.
 */

/** Memory of copies behind the first one, which is often the only one. */
const CHUNK_BYTES = 4096;

/** `bytes[from..end)`. */
export interface Piece {
  readonly bytes: Buffer;
  from: number;
  end: number;
  readonly isLent: boolean;
}

export class Pieces {
  byteCount = 0;
  /** Pieces that are lent. */
  lentCount = 0;
  readonly #list: Piece[] = [];
  /** Behind the last of them, if there is one. */
  #room = 0;

  /** How many there are. */
  get size(): number {
    return this.#list.length;
  }

  get first(): Piece | null {
    return this.#list[0] ?? null;
  }

  copy(bytes: Buffer, from: number, end: number): void {
    const byteCount = end - from;
    const last = this.#list.at(-1);
    this.byteCount += byteCount;
    if (last !== undefined && byteCount <= this.#room) {
      last.end += bytes.copy(last.bytes, last.end, from, end);
      this.#room -= byteCount;
      return;
    }
    const memory = Buffer.allocUnsafe(last === undefined ? byteCount : Math.max(byteCount, CHUNK_BYTES));
    bytes.copy(memory, 0, from, end);
    this.#list.push({ bytes: memory, from: 0, end: byteCount, isLent: false });
    this.#room = memory.length - byteCount;
  }

  lend(bytes: Buffer, from: number, end: number): void {
    this.byteCount += end - from;
    this.lentCount++;
    this.#list.push({ bytes, from, end, isLent: true });
    this.#room = 0;
  }

  /** So many bytes of the first piece are gone. */
  drop(byteCount: number): void {
    const first = this.#list[0] as Piece;
    this.byteCount -= byteCount;
    first.from += byteCount;
    if (first.from < first.end) return;
    if (first.isLent) this.lentCount--;
    this.#list.shift();
  }

  /** The first piece, which is the caller's from now on; null: there is none. */
  shift(): Buffer | null {
    const first = this.#list[0];
    if (first === undefined) return null;
    const { bytes, from, end } = first;
    this.drop(end - from);
    return from === 0 && end === bytes.length ? bytes : bytes.subarray(from, end);
  }
}
