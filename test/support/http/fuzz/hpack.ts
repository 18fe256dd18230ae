/**
 * Header blocks by an encoder that is slow and obvious, and takes any way that HPACK allows.
 *
 * Its tables are one list, the newest of the dynamic ones first, its Huffman codes are texts of zeros and ones.
 * Source: RFC 7541 sections 2.3, 4, 5, 6.
 */

import type { Random } from '#src/lib/random.ts';
import { CODE_BITS } from '#src/proxy/http2/hpack/huffman-code.ts';
import { STATIC_LAST, STATIC_NAMES, STATIC_VALUES } from '#src/proxy/http2/hpack/static-table.ts';

export type Field = readonly [name: string, value: string];

/** Each octet's code as zeros and ones, that of EOS last: the next number after the one before, with zeros behind it. */
export const CODES: readonly string[] = codes();

function codes(): string[] {
  const found: string[] = [];
  const order = [...CODE_BITS.keys()].sort((a, b) => (CODE_BITS[a] as number) - (CODE_BITS[b] as number) || a - b);
  let next = '';
  for (const octet of order) {
    const code = next.padEnd(CODE_BITS[octet] as number, '0');
    found[octet] = code;
    next = (Number.parseInt(code, 2) + 1).toString(2).padStart(code.length, '0');
  }
  return found;
}

/** What these zeros and ones are, with ones behind them up to a whole octet. */
export function bytesOf(bits: string): Buffer {
  const padded = bits.padEnd(Math.ceil(bits.length / 8) * 8, '1');
  return Buffer.from((padded.match(/.{8}/g) ?? []).map((octet) => Number.parseInt(octet, 2)));
}

/** The text in Huffman code. */
export function huffman(text: string): Buffer {
  return bytesOf([...Buffer.from(text, 'latin1')].map((octet) => CODES[octet]).join(''));
}

/** @param first the bits before the integer's prefix of so many `bits` */
export function integer(first: number, bits: number, value: number): Buffer {
  const most = 2 ** bits - 1;
  if (value < most) return Buffer.from([first | value]);
  const octets = [first | most];
  let left = value - most;
  for (; left >= 128; left = Math.floor(left / 128)) octets.push((left % 128) | 128);
  return Buffer.from([...octets, left]);
}

export function text(value: string, isCoded: boolean): Buffer {
  const bytes = isCoded ? huffman(value) : Buffer.from(value, 'latin1');
  return Buffer.concat([integer(isCoded ? 0x80 : 0, 7, bytes.length), bytes]);
}

const STATIC: readonly Field[] = Array.from({ length: STATIC_LAST }, (_, i) => [
  STATIC_NAMES[i + 1] as string,
  STATIC_VALUES[i + 1] as string,
]);

export class ObviousEncoder {
  readonly #random: Random;
  #added: Field[] = [];
  #tableBytes = 4096;

  constructor(random: Random) {
    this.#random = random;
  }

  /** Entries of the dynamic table, the newest first. */
  get table(): readonly Field[] {
    return this.#added;
  }

  /** A table of this size, said in the bytes that are returned. */
  resize(bytes: number): Buffer {
    this.#tableBytes = bytes;
    this.#evict();
    return integer(0x20, 5, bytes);
  }

  field([name, value]: Field): Buffer {
    const known = [...STATIC, ...this.#added];
    const index = known.findIndex((one) => one[0] === name && one[1] === value) + 1;
    if (index > 0 && this.#isTrue(3 / 4)) return integer(0x80, 7, index);
    const nameIndex = this.#isTrue(3 / 4) ? known.findIndex((one) => one[0] === name) + 1 : 0;
    const isAdded = this.#isTrue(1 / 2);
    if (isAdded) {
      this.#added.unshift([name, value]);
      this.#evict();
    }
    return Buffer.concat([
      isAdded ? integer(0x40, 6, nameIndex) : integer(this.#isTrue(1 / 2) ? 0x10 : 0, 4, nameIndex),
      nameIndex === 0 ? text(name, this.#isTrue(1 / 2)) : Buffer.alloc(0),
      text(value, this.#isTrue(1 / 2)),
    ]);
  }

  #isTrue(share: number): boolean {
    return this.#random.nextFloat() < share;
  }

  #evict(): void {
    const size = (): number => this.#added.reduce((sum, [name, value]) => sum + name.length + value.length + 32, 0);
    while (size() > this.#tableBytes) this.#added.pop();
  }
}

/** A field of a few names and values, some of which are long, empty or of any octets; what is low comes more often. */
export function anyField(random: Random): Field {
  const below = (count: number): number => Math.floor(random.nextFloat() ** 2 * count);
  const name = below(100);
  const value = below(40);
  return [
    STATIC_NAMES[name + 1] ?? `x-${name}`,
    value % 10 === 9 ? anyText(random, below(600)) : `${'a value '.repeat(value % 7)}${below(12)}`,
  ];
}

/** Octets of any kind. */
export function anyText(random: Random, length: number): string {
  return Buffer.from(Array.from({ length }, () => random.nextUint32() & 255)).toString('latin1');
}
