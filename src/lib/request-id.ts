/**
 * 128-bit request ids and 64-bit span ids, unique but not secret. Hot path.
 *
 * Random words come from a seeded generator, not from the system's: an id must be unique, not unguessable.
 */

import type { Random } from './random.ts';

/** Hex digits of one id, and ids made at a time: one call into the runtime for all of them. */
const DIGITS = 48;
const BATCH = 64;

/** Makes ids; one per thread. */
export class RequestIds {
  readonly #random: Random;
  readonly #bytes = Buffer.alloc((DIGITS / 2) * BATCH);
  #batch = '';
  #next = BATCH;

  constructor(random: Random) {
    this.#random = random;
  }

  /** 48 hex digits: 32 for a trace or request id, 16 for a span id. Neither is all zero. */
  next(): string {
    if (this.#next === BATCH) this.#fill();
    const at = this.#next++ * DIGITS;
    return this.#batch.slice(at, at + DIGITS);
  }

  #fill(): void {
    const bytes = this.#bytes;
    for (let i = 0; i < bytes.length; i += 4) bytes.writeUInt32LE(this.#random.nextUint32(), i);
    for (let i = 0; i < bytes.length; i += DIGITS / 2) {
      bytes[i] = (bytes[i] as number) | 1;
      bytes[i + 16] = (bytes[i + 16] as number) | 1;
    }
    this.#batch = bytes.toString('hex');
    this.#next = 0;
  }
}

/** Word n (0..3) of a 32-digit hex id, ignoring dashes; 0 when it is not such an id. Off the hot path: bad events only. */
export function idWords(id: string): [number, number, number, number] {
  const digits = id.replaceAll('-', '');
  if (!/^[0-9a-f]{32}$/i.test(digits)) return [0, 0, 0, 0];
  const word = (n: number): number => Number.parseInt(digits.slice(n * 8, n * 8 + 8), 16) | 0;
  return [word(0), word(1), word(2), word(3)];
}
