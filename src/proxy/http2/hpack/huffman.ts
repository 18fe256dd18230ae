/**
 * Texts in the Huffman code of HPACK, decoded four bits at a time. Hot path.
 *
 * The code is a tree of 256 inner nodes. Four bits lead from one to another and past one leaf at most, since the shortest code has
 * five: a table says for each node and each four bits where they lead to and which octet they complete.
 * ```
 * step of node n and bits b, at 16 n + b:   octet << 16 | 16 x next node | 1 when they complete the octet
 * ```
 * Below EOS there is nothing: it leads to a node of its own, which no bits lead away from. What is left at the end, less than an
 * octet, must be the beginning of EOS.
 * Source: RFC 7541 section 5.2.
 */

import { latin1Of } from '../../../lib/latin1.ts';
import { CODE_BITS, EOS } from './huffman-code.ts';

const NODES = CODE_BITS.length - 1;
/** The node below EOS. */
const DEAD = NODES;
const NEXT_MASK = 0x1ff0;
const SHORTEST_BITS = 5;
const PADDING_BITS_MAX = 7;

/** The tree: where bit `b` leads from node `n` is at 2 n + b; a node, or -1 - octet. The root is 0, to which nothing leads. */
const TREE = treeOf(CODE_BITS);
const STEPS = stepsOf(TREE);
/** By 16 x node: may a text end there? */
const IS_END = endsOf(TREE);

/** Where texts are put together. Longer ones get memory of their own. */
const SCRATCH = Buffer.allocUnsafeSlow(8192);

/** @returns the text that `bytes[from..end)` stands for, or null when it is none */
export function huffmanText(bytes: Uint8Array, from: number, end: number): string | null {
  // One more: an octet that is not complete is written and then overwritten.
  const room = Math.floor(((end - from) * 8) / SHORTEST_BITS) + 1;
  const into = room <= SCRATCH.length ? SCRATCH : Buffer.allocUnsafe(room);
  let length = 0;
  let node = 0;
  for (let at = from; at < end; at++) {
    const byte = bytes[at] as number;
    const high = STEPS[node | (byte >> 4)] as number;
    into[length] = high >> 16;
    length += high & 1;
    const low = STEPS[(high & NEXT_MASK) | (byte & 15)] as number;
    into[length] = low >> 16;
    length += low & 1;
    node = low & NEXT_MASK;
  }
  return IS_END[node >> 4] === 1 ? latin1Of(into, 0, length) : null;
}

function treeOf(bits: readonly number[]): Int16Array {
  const tree = new Int16Array(2 * NODES);
  const order = [...bits.keys()].sort((a, b) => (bits[a] as number) - (bits[b] as number) || a - b);
  let nodes = 1;
  let code = 0;
  let length = SHORTEST_BITS;
  for (const octet of order) {
    code <<= (bits[octet] as number) - length;
    length = bits[octet] as number;
    let node = 0;
    for (let bit = length - 1; bit > 0; bit--) {
      const at = 2 * node + ((code >> bit) & 1);
      if (tree[at] === 0) tree[at] = nodes++;
      node = tree[at] as number;
    }
    tree[2 * node + (code & 1)] = -1 - octet;
    code++;
  }
  return tree;
}

function stepsOf(tree: Int16Array): Int32Array {
  const steps = new Int32Array(16 * (NODES + 1)).fill(16 * DEAD);
  for (let at = 0; at < 16 * NODES; at++) {
    let node = at >> 4;
    let octet = -1;
    for (let bit = 3; bit >= 0 && node !== DEAD; bit--) {
      const next = tree[2 * node + ((at >> bit) & 1)] as number;
      if (next < 0) octet = -1 - next;
      node = octet === EOS ? DEAD : Math.max(0, next);
    }
    if (node !== DEAD) steps[at] = octet < 0 ? 16 * node : (octet << 16) | (16 * node) | 1;
  }
  return steps;
}

function endsOf(tree: Int16Array): Uint8Array {
  const ends = new Uint8Array(NODES + 1);
  for (let node = 0, bits = 0; bits <= PADDING_BITS_MAX; bits++, node = tree[2 * node + 1] as number) ends[node] = 1;
  return ends;
}
