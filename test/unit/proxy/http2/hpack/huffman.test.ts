import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '#src/lib/random.ts';
import { huffmanText } from '#src/proxy/http2/hpack/huffman.ts';
import { CODE_BITS } from '#src/proxy/http2/hpack/huffman-code.ts';
import { anyText, bytesOf, CODES, huffman } from '../../../../support/http/fuzz/hpack.ts';
import { samples } from '../../../../support/runner/depth.ts';

function decoded(bytes: Buffer): string | null {
  return huffmanText(bytes, 0, bytes.length);
}

// RFC 7541 appendix B.
test('the code is the one of the standard', () => {
  const known: readonly (readonly [octet: number, bits: number, code: number])[] = [
    [0, 13, 0x1ff8],
    [1, 23, 0x7fffd8],
    [9, 24, 0xffffea],
    [10, 30, 0x3ffffffc],
    [32, 6, 0x14],
    [48, 5, 0],
    [65, 6, 0x21],
    [92, 19, 0x7fff0],
    [116, 5, 9],
    [122, 7, 0x7b],
    [127, 28, 0xffffffc],
    [128, 20, 0xfffe6],
    [199, 25, 0x1ffffec],
    [249, 28, 0xffffffe],
    [255, 26, 0x3ffffee],
    [256, 30, 0x3fffffff],
  ];
  for (const [octet, bits, code] of known) assert.equal(CODES[octet], code.toString(2).padStart(bits, '0'), `${octet}`);
  // No more and no fewer than one tree has room for.
  assert.equal(CODE_BITS.length, 257);
  assert.equal(
    CODE_BITS.map((bits) => 2 ** -bits).reduce((sum, share) => sum + share),
    1,
  );
});

test('every octet is decoded, alone and behind others', () => {
  for (let octet = 0; octet < 256; octet++) {
    const one = String.fromCharCode(octet);
    for (const text of [one, `${one}${one}`, `a${one}`, `ab${one}0`, `~${one}~`]) {
      assert.equal(decoded(huffman(text)), text, JSON.stringify(text));
    }
  }
  assert.equal(decoded(Buffer.alloc(0)), '');
});

test('texts of any octets and lengths are decoded', () => {
  for (let seed = 0; seed < samples(400, 100); seed++) {
    const random = new Random(seed);
    const text = anyText(random, seed);
    assert.equal(decoded(huffman(text)), text, `seed ${seed}`);
  }
  for (const length of [5000, 8191, 8192, 8193, 100_000]) {
    assert.equal(decoded(huffman('e'.repeat(length))), 'e'.repeat(length));
  }
});

test('only the part that is asked for is read', () => {
  const bytes = Buffer.concat([Buffer.from([0]), huffman('www.example.com'), Buffer.from([0])]);
  assert.equal(huffmanText(bytes, 1, bytes.length - 1), 'www.example.com');
});

// RFC 7541 section 5.2.
test('what is behind the last octet is less than one, and of ones', () => {
  assert.equal(decoded(bytesOf(`${CODES[48]}111`)), '0');
  assert.equal(decoded(bytesOf(`${CODES[48]}110`)), null);
  assert.equal(decoded(bytesOf(`${CODES[48]}011`)), null);
  assert.equal(decoded(Buffer.from([0xff])), null, 'an octet of padding');
  assert.equal(decoded(bytesOf(`${CODES[119]}1${'1'.repeat(8)}`)), null, 'nine bits');
  assert.equal(decoded(bytesOf(`${CODES[119]}${'1'.repeat(9)}`)), null, 'nine bits');
  assert.equal(decoded(bytesOf(`${CODES[48]}${CODES[48]}${'1'.repeat(6)}`)), '00');
  assert.equal(decoded(bytesOf(`${CODES[88]}`)), 'X', 'none');
  for (let bits = 0; bits < 8; bits++) {
    const text = '0'.repeat(Array.from({ length: 8 }, (_, n) => n).find((n) => (5 * n + bits) % 8 === 0) as number);
    assert.equal(decoded(huffman(text)), text, `${bits} bits`);
  }
});

test('a text that is cut short within a code is none', () => {
  const bytes = bytesOf(`${CODES[10]}`);
  for (let end = 1; end < bytes.length; end++) assert.equal(huffmanText(bytes, 0, end), null, `${end} octets`);
});

test('EOS may not be in a text, nor anything behind it', () => {
  const eos = CODES[256] as string;
  assert.equal(decoded(bytesOf(eos)), null);
  for (const before of ['', '0', '00', 'a long text before it']) {
    const bits = [...before].map((octet) => CODES[octet.charCodeAt(0)]).join('');
    assert.equal(decoded(bytesOf(`${bits}${eos}`)), null);
    assert.equal(decoded(bytesOf(`${bits}${eos}${CODES[48]}${CODES[48]}`)), null);
  }
});
