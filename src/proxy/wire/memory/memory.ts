/**
 * The memory of this thread in which heads are read, looked at and put together, and what is done there with many bytes at a
 * time. Hot path.
 *
 * WebAssembly because it looks at sixteen bytes at once, which JavaScript cannot, and because moving bytes within one memory
 * costs about a third of a copy between two buffers (docs/adr/0044-heads-in-one-memory.md). Nothing of it is real before it is touched.
 */

import { BYTES_WASM } from './bytes.wasm.ts';

/** What `bytes.wat` does; it says what each of them takes and gives. Addresses are offsets into `whole`. */
export interface Bytes {
  scan(from: number, end: number, fieldsMax: number, side: number, base: number): number;
  hash(at: number, length: number): number;
  recall(at: number, end: number, table: number): number;
  copy(to: number, from: number, length: number): void;
  kept(side: number, base: number, firstEnd: number, markMax: number, to: number, room: number): number;
  compact(side: number, base: number, headEnd: number, room: number): number;
  hex(at: number, low: number, high: number): void;
}

interface Exports extends Bytes {
  readonly memory: { readonly buffer: ArrayBuffer };
}

/** The little of WebAssembly that is used here; the types of Node name none of it. */
declare const WebAssembly: {
  readonly Module: new (code: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: Exports };
};

const wasm = new WebAssembly.Instance(new WebAssembly.Module(Buffer.from(BYTES_WASM, 'base64'))).exports;

const { buffer } = wasm.memory;

export const code: Bytes = wasm;

/** All of it. Its addresses are those that `code` takes. */
export const whole: Buffer = Buffer.from(buffer);
export const words: Int32Array = new Int32Array(buffer);

/** Some of it, for who takes a view. Cost: 30 ns, two thirds of what `whole.subarray` takes. */
export function viewOf(from: number, length: number): Uint8Array {
  return new Uint8Array(buffer, from, length);
}

/** What `bytes.wat` keeps for itself at the beginning. */
const OWN_BYTES = 16_384;
/** Behind each piece: what looks at sixteen bytes at once looks as far beyond its end. */
const SLACK_BYTES = 64;

let used = OWN_BYTES;

/**
 * Reserves a piece of the memory for the life of the thread.
 * @returns where it begins, a multiple of 64.
 * @throws {RangeError} when there is no room: what is reserved is fixed when the modules load.
 */
export function reserve(byteCount: number): number {
  const at = used;
  const end = at + byteCount + SLACK_BYTES;
  if (end > whole.length) throw new RangeError(`no room for ${byteCount} bytes more in ${whole.length}`);
  used = Math.ceil(end / 64) * 64;
  return at;
}

/** Puts bytes down that stand there for the life of the thread. @returns where they begin */
export function putForGood(part: Uint8Array): number {
  const at = reserve(part.length);
  whole.set(part, at);
  return at;
}

const READ_BYTES = 65_536;
const READ_AT = reserve(READ_BYTES);

/** What all client connections of this thread read into. */
export const readMemory: Buffer = whole.subarray(READ_AT, READ_AT + READ_BYTES);

/** Where `part` begins in the memory if it is all of it or what clients are read into; else -1. Cost: two comparisons. */
export function offsetOf(part: Buffer): number {
  if (part === readMemory) return READ_AT;
  return part === whole ? 0 : -1;
}
