/**
 * Seeded pseudo-random numbers: fast, replayable, not for secrets; and bytes for secrets. Hot path.
 *
 * xoshiro128**: period 2^128 - 1, passes BigCrush; its state is filled by a mixed Weyl sequence so that neighboring seeds start far
 * apart and the forbidden all-zero state cannot occur.
 * Source: Blackman, Vigna (2021), "Scrambled linear pseudorandom number generators".
 */

import { randomBytes } from 'node:crypto';
import { mix32 } from './hash.ts';

const UINT32 = 4_294_967_296;
const GOLDEN_GAMMA = 0x9e3779b9;

/** One stream of numbers; give every thread and every purpose its own. */
export class Random {
  /** The 128 bits of state. A typed array, because a field that holds more than 31 bits is boxed when written. */
  readonly #state = new Int32Array(4);

  /** `seed`: any number; its value modulo 2^32 counts. */
  constructor(seed: number) {
    let sum = seed | 0;
    for (let n = 0; n < 4; n++) {
      sum = (sum + GOLDEN_GAMMA) | 0;
      this.#state[n] = mix32(sum);
    }
  }

  /** Uniform integer 0..2^32-1. Cost: about 4 ns, allocates nothing. */
  nextUint32(): number {
    const state = this.#state;
    let a = state[0] as number;
    let b = state[1] as number;
    let c = state[2] as number;
    let d = state[3] as number;
    const scrambled = Math.imul(b, 5);
    const result = Math.imul((scrambled << 7) | (scrambled >>> 25), 9);
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = (d << 11) | (d >>> 21);
    state[0] = a;
    state[1] = b;
    state[2] = c;
    state[3] = d;
    return result >>> 0;
  }

  /** Uniform number in [0, 1), a multiple of 2^-32. */
  nextFloat(): number {
    return this.nextUint32() / UINT32;
  }
}

/** Bytes of the system's own source, for keys: never replayed. */
export function secretBytes(count: number): Uint8Array {
  return randomBytes(count);
}
