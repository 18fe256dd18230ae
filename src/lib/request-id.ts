/**
 * 128-bit request ids and 64-bit span ids, unique but not secret. Hot path.
 *
 * Random words come from a seeded generator, not from the system's: an id must be unique, not unguessable.
 */

import type { Random } from './random.ts';

/** Makes ids; one per thread. */
export class RequestIds {
  readonly #random: Random;
  readonly #bytes = Buffer.alloc(24);

  constructor(random: Random) {
    this.#random = random;
  }

  /** 48 hex digits: 32 for a trace or request id, 16 for a span id. Never all zero. */
  next(): string {
    for (let i = 0; i < 24; i += 4) this.#bytes.writeUInt32LE(this.#random.nextUint32(), i);
    this.#bytes[0] = (this.#bytes[0] as number) | 1;
    this.#bytes[16] = (this.#bytes[16] as number) | 1;
    return this.#bytes.toString('hex');
  }
}

/** Word n (0..3) of a 32-digit hex id, ignoring dashes; 0 when it is not such an id. Off the hot path: bad events only. */
export function idWords(id: string): [number, number, number, number] {
  const digits = id.replaceAll('-', '');
  if (!/^[0-9a-f]{32}$/i.test(digits)) return [0, 0, 0, 0];
  const word = (n: number): number => Number.parseInt(digits.slice(n * 8, n * 8 + 8), 16) | 0;
  return [word(0), word(1), word(2), word(3)];
}
