/**
 * Checks that no row of a chain was changed, removed or put in: each hash covers its row and the hash before it.
 *
 * Written anew from docs/STATE.md, not shared with what writes the log.
 */

import { createHash } from 'node:crypto';

const BEGINNING = '0'.repeat(64);

/** A row of a chain. */
export interface Link {
  /** 1, 2, … */
  readonly number: number;
  readonly previous: string;
  readonly hash: string;
  readonly content: string | Uint8Array;
}

/** Follows one chain from row to row. */
export class Chain {
  #number = 0;
  #hash = BEGINNING;

  /** Hash of the newest row; 64 zeros before the first. */
  get head(): string {
    return this.#hash;
  }

  /** Number of the newest row; 0 before the first. */
  get number(): number {
    return this.#number;
  }

  /** What is wrong with the next row, or null. */
  follow({ number, previous, hash, content }: Link): string | null {
    const [before, expected] = [this.#number, this.#hash];
    this.#number = number;
    this.#hash = hash;
    if (!Number.isSafeInteger(number)) return 'it has no number';
    if (createHash('sha256').update(`${previous}\n`).update(content).digest('hex') !== hash) {
      return 'its hash does not belong to its content';
    }
    if (number !== before + 1) return `it follows number ${before}: rows are missing, or in another order`;
    return previous === expected ? null : 'it does not continue the row before it';
  }
}
