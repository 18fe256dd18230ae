import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Random } from '#src/lib/random.ts';
import { HeaderDecoder } from '#src/proxy/http2/hpack/decoder.ts';
import { blockBytesMax, HeaderEncoder } from '#src/proxy/http2/hpack/encoder.ts';
import { anyField } from '../../../../support/http/fuzz/hpack.ts';
import { bytesPerCall, COUNTED } from '../../../../support/proxy/allocation.ts';
import { samples } from '../../../../support/runner/depth.ts';

const ANY = { countMax: 1e6, listBytesMax: 1e9 };
const ANSWER = [
  [':status', '200'],
  ['content-type', 'application/json; charset=utf-8'],
  ['content-length', '1234'],
  ['date', 'Tue, 21 Apr 2026 09:10:11 GMT'],
  ['server', 'some/1.0'],
  ['cache-control', 'no-store'],
  ['x-frame-options', 'DENY'],
  ['via', '1.1 gateway'],
].flat();

function encoded(encoder: HeaderEncoder, fields: readonly string[]): Buffer {
  const into = Buffer.alloc(blockBytesMax(fields));
  return into.subarray(0, encoder.encode(fields, into, 0));
}

function hexOf(encoder: HeaderEncoder, ...fields: readonly string[]): string {
  return encoded(encoder, fields).toString('hex');
}

function decoded(decoder: HeaderDecoder, block: Buffer): string[] {
  const fields: string[] = [];
  assert.ok(decoder.decode(block, 0, block.length, fields, ANY));
  return fields;
}

function hex(text: string): string {
  return Buffer.from(text).toString('hex');
}

describe('a field is written', () => {
  test('as its index when the static table has it', () => {
    assert.equal(hexOf(new HeaderEncoder(), ':status', '200', ':status', '500', 'vary', ''), '888ebb');
  });

  test('as a literal at first, into the table when it comes again, as one octet from then on', () => {
    const encoder = new HeaderEncoder();
    assert.equal(hexOf(encoder, 'vary', 'te'), `0f2c02${hex('te')}`);
    assert.equal(hexOf(encoder, 'vary', 'te'), `7b02${hex('te')}`);
    assert.equal(hexOf(encoder, 'vary', 'te'), 'be');
  });

  test('the same with a name of its own', () => {
    const encoder = new HeaderEncoder();
    const text = `03${hex('x-y')}01${hex('z')}`;
    assert.equal(hexOf(encoder, 'x-y', 'z'), `00${text}`);
    assert.equal(hexOf(encoder, 'x-y', 'z', 'x-y', 'z'), `40${text}be`);
    assert.equal(hexOf(encoder, 'x-y', 'other'), `0f2f05${hex('other')}`, 'its name is known by now');
    assert.equal(hexOf(encoder, 'x-y', 'other'), `7e05${hex('other')}`);
    assert.equal(hexOf(encoder, 'x-y', 'z', 'x-y', 'other'), 'bfbe');
  });

  test('never into the table when it changes with each answer', () => {
    const encoder = new HeaderEncoder();
    for (let n = 0; n < 5; n++) {
      assert.equal(
        hexOf(encoder, 'content-length', '7', 'x-request-id', '7'),
        `0f0d0137000c${hex('x-request-id')}0137`,
      );
    }
  });

  test('as never to be indexed when it is a secret', () => {
    const encoder = new HeaderEncoder();
    for (let n = 0; n < 5; n++) {
      assert.equal(hexOf(encoder, 'set-cookie', 'a', 'authorization', 'b'), `1f2801${hex('a')}1f0801${hex('b')}`);
    }
  });

  test('with the length of its value, up to those of several octets', () => {
    for (const length of [0, 1, 32, 33, 126, 127, 128, 254, 255, 16_510, 16_511, 100_000]) {
      const fields = ['x-long', 'v'.repeat(length)];
      const block = encoded(new HeaderEncoder(), fields);
      assert.deepEqual(decoded(new HeaderDecoder(4096), block), fields);
    }
  });

  test('octet by octet as Latin-1', () => {
    const all = String.fromCharCode(...Array.from({ length: 256 }, (_, i) => i));
    for (const value of [all, all.slice(200, 230)]) {
      const fields = ['x-all', value];
      assert.deepEqual(decoded(new HeaderDecoder(4096), encoded(new HeaderEncoder(), fields)), fields);
    }
  });
});

describe('an answer', () => {
  test('that comes again costs an octet for each field that does not change', () => {
    const encoder = new HeaderEncoder();
    const decoder = new HeaderDecoder(4096);
    const lengths = Array.from({ length: 4 }, () => {
      const block = encoded(encoder, ANSWER);
      assert.deepEqual(decoded(decoder, block), ANSWER);
      return block.length;
    });
    const literals = 3 + '1234'.length + 3 + 'Tue, 21 Apr 2026 09:10:11 GMT'.length;
    assert.deepEqual(lengths.slice(2), [literals + 6, literals + 6]);
    assert.ok((lengths[0] as number) > literals + 6 * 8);
  });

  test('is written where it is said, and nothing behind it', () => {
    const into = new Uint8Array(500).fill(0xee);
    const end = new HeaderEncoder().encode([':status', '204'], into, 100);
    assert.equal(end, 101);
    assert.deepEqual([into[99], into[100], into[101]], [0xee, 0x89, 0xee]);
  });

  test('that has no room changes nothing', () => {
    const encoder = new HeaderEncoder();
    const decoder = new HeaderDecoder(4096);
    decoded(decoder, encoded(encoder, ANSWER));
    encoder.limitTable(100);
    const bytes = blockBytesMax(ANSWER);
    const into = Buffer.alloc(bytes + 9);
    assert.equal(encoder.encode(ANSWER, into, 10), -1);
    assert.equal(encoder.encode(ANSWER, into, 1000), -1);
    assert.ok(into.every((octet) => octet === 0));
    const end = encoder.encode(ANSWER, into, 9);
    assert.equal(into[9], 0x3f, 'the size of the table is still said');
    assert.deepEqual(decoded(decoder, into.subarray(9, end)), ANSWER);
  });

  test('never takes more than was asked for', () => {
    for (let seed = 0; seed < samples(2000, 200); seed++) {
      const random = new Random(seed);
      const encoder = new HeaderEncoder();
      encoder.limitTable(random.nextUint32() % 5000);
      encoder.limitTable(random.nextUint32() % 5000);
      const fields = Array.from({ length: seed % 5 }, () => anyField(random)).flat();
      const into = Buffer.alloc(blockBytesMax(fields));
      const end = encoder.encode(fields, into, 0);
      assert.ok(end >= 0 && end <= into.length, `seed ${seed}`);
    }
  });
});

describe('the size of the table', () => {
  test('is not said while it stays 4096', () => {
    const encoder = new HeaderEncoder();
    encoder.limitTable(4096);
    assert.equal(hexOf(encoder, ':status', '200'), '88');
    encoder.limitTable(65_536);
    assert.equal(hexOf(encoder, ':status', '200'), '88');
  });

  test('is said once, at the beginning of the next block', () => {
    const encoder = new HeaderEncoder();
    encoder.limitTable(1337);
    assert.equal(hexOf(encoder, ':status', '200'), '3f9a0a88');
    assert.equal(hexOf(encoder, ':status', '200'), '88');
    encoder.limitTable(4096);
    assert.equal(hexOf(encoder, ':status', '200'), '3fe11f88');
  });

  test('that was lowered and raised between two blocks is said with the least one first', () => {
    const encoder = new HeaderEncoder();
    encoder.limitTable(10);
    encoder.limitTable(0);
    encoder.limitTable(20);
    encoder.limitTable(100_000);
    assert.equal(hexOf(encoder, ':status', '200'), '203fe11f88');
    assert.equal(hexOf(encoder, ':status', '200'), '88');
  });

  test('that was raised and lowered to less than before is said once', () => {
    const encoder = new HeaderEncoder();
    encoder.limitTable(10);
    hexOf(encoder);
    encoder.limitTable(4096);
    encoder.limitTable(5);
    assert.equal(hexOf(encoder), '25');
  });

  test('of 0 leaves literals', () => {
    const encoder = new HeaderEncoder();
    encoder.limitTable(0);
    assert.equal(hexOf(encoder, 'vary', 'te'), `200f2c02${hex('te')}`);
    for (let n = 0; n < 3; n++) assert.equal(hexOf(encoder, 'vary', 'te'), `0f2c02${hex('te')}`);
  });
});

test('a decoder gets what was encoded, whatever the peer makes of the table', () => {
  for (let seed = 0; seed < samples(300, 40); seed++) {
    const random = new Random(seed);
    const encoder = new HeaderEncoder();
    const decoder = new HeaderDecoder(65_536);
    for (let block = 0; block < 40; block++) {
      while (random.nextUint32() % 8 === 0) encoder.limitTable(random.nextUint32() % 6000);
      const fields = Array.from({ length: random.nextUint32() % 20 }, () => anyField(random)).flat();
      assert.deepEqual(decoded(decoder, encoded(encoder, fields)), fields, `seed ${seed}, block ${block}`);
    }
  }
});

test('what repeats stays in the table among what does not', () => {
  const encoder = new HeaderEncoder();
  for (let n = 0; n < 1000; n++) {
    const block = encoded(encoder, ['x-stable', 'a', 'x-new', `${n}`, 'set-cookie', `id=${n}`, 'etag', `"${n}"`]);
    if (n > 1) assert.equal(block[0], 0xbe, `${n}`);
  }
});

test('encoding an answer again allocates nothing', COUNTED, () => {
  const encoder = new HeaderEncoder();
  const into = Buffer.alloc(1024);
  const run = (): void => void encoder.encode(ANSWER, into, 0);
  for (let n = 0; n < 3; n++) run();
  assert.equal(bytesPerCall(run), 0);
});
