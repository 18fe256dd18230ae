import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Random } from '#src/lib/random.ts';
import { type FieldLimits, HeaderDecoder } from '#src/proxy/http2/hpack/decoder.ts';
import { anyField, integer, ObviousEncoder, text } from '../../../../support/http/fuzz/hpack.ts';
import { EXAMPLES } from '../../../../support/http/fuzz/hpack-examples.ts';
import { bytesPerCall, COUNTED } from '../../../../support/proxy/allocation.ts';
import { samples } from '../../../../support/runner/depth.ts';

const ANY: FieldLimits = { countMax: 1e6, listBytesMax: 1e9 };

function decode(decoder: HeaderDecoder, bytes: Buffer, limits = ANY): string[] | null {
  const fields: string[] = [];
  return decoder.decode(bytes, 0, bytes.length, fields, limits) ? fields : null;
}

function fresh(bytes: Buffer, tableBytes = 4096): string[] | null {
  return decode(new HeaderDecoder(tableBytes), bytes);
}

/** Entries of the dynamic table, the newest first: as far as there are indexes. */
function tableOf(decoder: HeaderDecoder): string[] {
  const lines: string[] = [];
  for (let index = 62; ; index++) {
    const field = decode(decoder, integer(0x80, 7, index));
    if (field === null) return lines;
    lines.push(field.join(': '));
  }
}

function bytes(...parts: readonly (Buffer | string | number)[]): Buffer {
  return Buffer.concat(
    parts.map((part) =>
      typeof part === 'number' ? Buffer.of(part) : typeof part === 'string' ? Buffer.from(part, 'hex') : part,
    ),
  );
}

describe('the examples of RFC 7541 appendix C', () => {
  for (const [section, { tableBytes, steps }] of Object.entries(EXAMPLES)) {
    test(`${section}: fields, and the table behind each block`, () => {
      const decoder = new HeaderDecoder(tableBytes);
      for (const [hex, fields, table] of steps) {
        const found = decode(decoder, Buffer.from(hex, 'hex')) ?? [];
        const lines = found.flatMap((name, i) => (i % 2 === 0 ? [`${name}: ${found[i + 1]}`] : []));
        assert.deepEqual(lines, fields);
        assert.deepEqual(tableOf(decoder), table);
      }
    });
  }

  test('C.1: integers', () => {
    // As the size of a table, which has a prefix of five bits.
    assert.deepEqual(fresh(bytes('2a')), []);
    assert.equal(fresh(bytes('2a'), 9), null, '10');
    assert.deepEqual(fresh(bytes('3f9a0a'), 1337), []);
    assert.equal(fresh(bytes('3f9a0a'), 1336), null, '1337');
  });
});

describe('fields by any way that there is', () => {
  test('are decoded, and the table follows', () => {
    for (let seed = 0; seed < samples(200, 40); seed++) {
      const random = new Random(seed);
      const encoder = new ObviousEncoder(random);
      const decoder = new HeaderDecoder(4096);
      for (let block = 0; block < 20; block++) {
        const updates = random.nextUint32() % 4 === 0 ? [encoder.resize(random.nextUint32() % 4097)] : [];
        const fields = Array.from({ length: random.nextUint32() % 20 }, () => anyField(random));
        const octets = Buffer.concat([...updates, ...fields.map((field) => encoder.field(field))]);
        assert.deepEqual(decode(decoder, octets), fields.flat(), `seed ${seed}, block ${block}`);
      }
      assert.deepEqual(
        tableOf(decoder),
        encoder.table.map((field) => field.join(': ')),
        `seed ${seed}`,
      );
    }
  });

  test('are an error when they are cut short, but not between two', () => {
    for (let seed = 0; seed < samples(60, 20); seed++) {
      const random = new Random(seed);
      const encoder = new ObviousEncoder(random);
      const parts = Array.from({ length: 6 }, () => encoder.field(anyField(random)));
      const whole = Buffer.concat(parts);
      const ends = new Set(parts.map((_, i) => Buffer.concat(parts.slice(0, i)).length)).add(whole.length);
      for (let end = 0; end <= whole.length; end++) {
        // What is behind it is there, but not the block's.
        const isSound = new HeaderDecoder(4096).decode(whole, 0, end, [], ANY);
        assert.equal(isSound, ends.has(end), `seed ${seed}, ${end} octets`);
        assert.equal(fresh(whole.subarray(0, end)) !== null, isSound);
      }
    }
  });

  test('are read between the places that are said, also in bytes that are no buffer', () => {
    const octets = new Uint8Array([0, 0x82, 0x84, 0]);
    const fields = ['before'];
    assert.equal(new HeaderDecoder(4096).decode(octets.subarray(1), 0, 2, fields, ANY), true);
    assert.deepEqual(fields, ['before', ':method', 'GET', ':path', '/']);
    // The integer would end behind the block.
    assert.equal(new HeaderDecoder(4096).decode(Buffer.from('3f00', 'hex'), 0, 1, fields, ANY), false);
  });

  test('of random octets never throw, nor hold more than the table may', () => {
    for (let seed = 0; seed < samples(20_000, 2000); seed++) {
      const random = new Random(seed);
      const decoder = new HeaderDecoder(256);
      for (let block = 0, isSound = true; isSound && block < 8; block++) {
        const octets = Buffer.from(Array.from({ length: random.nextUint32() % 60 }, () => random.nextUint32() & 255));
        isSound = decode(decoder, octets) !== null;
      }
      const size = tableOf(decoder).map((line) => line.length - 2 + 32);
      assert.ok(size.reduce((sum, one) => sum + one, 0) <= 256, `seed ${seed}`);
    }
  });

  test('of blocks that are changed in one octet never throw', () => {
    for (let seed = 0; seed < samples(4000, 400); seed++) {
      const random = new Random(seed);
      const encoder = new ObviousEncoder(random);
      const octets = Buffer.concat(Array.from({ length: 8 }, () => encoder.field(anyField(random))));
      octets[random.nextUint32() % octets.length] = random.nextUint32() & 255;
      const found = fresh(octets);
      assert.ok(found === null || found.every((one) => typeof one === 'string'), `seed ${seed}`);
    }
  });
});

describe('an error is', () => {
  const errors: Readonly<Record<string, string | Buffer>> = {
    'index 0': '80',
    'an index behind the static table when nothing was added': 'be',
    'a name’s index behind the table': bytes(integer(0x40, 6, 62), text('v', false)),
    'a name’s index behind the table, of a literal that is not added': bytes(integer(0, 4, 62), text('v', false)),
    'an index behind the dynamic table': bytes(0x40, text('n', false), text('v', false), 'bf'),
    'an index of 2^31': bytes(integer(0x80, 7, 2 ** 31)),
    'an integer of six octets behind the first': '3f808080808000',
    'an integer that does not end': 'ffffffffffffffffffff',
    'a name that is not there': '40',
    'a value that is not there': '400161',
    'a name longer than the block': '40056162630161',
    'a value longer than the block': '4001610261',
    'a value of 2^31 octets': bytes('400161', integer(0, 7, 2 ** 31)),
    'a name whose code is not padded with ones': '4081180161',
    'a value with an octet of padding': '400161821fff',
    'a value with EOS in it': '40016184ffffffff',
    'a size above our setting': bytes(integer(0x20, 5, 4097)),
    'a size behind a field': '8220',
    'a size behind a field, though what follows it could be a literal’s': '82240161',
    'three sizes': '202020',
  };
  for (const [what, block] of Object.entries(errors)) {
    test(what, () => assert.equal(fresh(bytes(block)), null));
  }

  test('an integer above 2^31', () => {
    assert.deepEqual(fresh(integer(0x20, 5, 2 ** 31), 2 ** 40), []);
    assert.equal(fresh(integer(0x20, 5, 2 ** 31 + 1), 2 ** 40), null);
  });

  test('not what is next to them', () => {
    const sound: readonly (string | Buffer)[] = [
      '',
      '81',
      'bd',
      bytes(integer(0x40, 6, 61), text('v', false)),
      bytes(0x40, text('n', false), text('v', false), 'be'),
      '3f8080808000',
      '3fe11f',
      '400000',
      '408080',
      '203fe11f',
      '2082',
    ];
    for (const [i, block] of sound.entries()) assert.notEqual(fresh(bytes(block)), null, `block ${i}`);
  });
});

describe('the table', () => {
  test('hands out the same text each time', () => {
    const decoder = new HeaderDecoder(4096);
    const block = bytes(0x40, text('a-name', true), text('a value', true), 'be', 0x0f, 62 - 15, text('other', false));
    assert.deepEqual(decode(decoder, block), ['a-name', 'a value', 'a-name', 'a value', 'a-name', 'other']);
    assert.deepEqual(decode(decoder, bytes('be')), ['a-name', 'a value']);
  });

  test('is empty behind a field that is larger than it, which is handed out', () => {
    const decoder = new HeaderDecoder(64);
    decode(decoder, bytes(0x40, text('a', false), text('b', false)));
    assert.deepEqual(tableOf(decoder), ['a: b']);
    const large = 'v'.repeat(32);
    assert.deepEqual(decode(decoder, bytes(0x40, text('n', false), text(large, false))), ['n', large]);
    assert.deepEqual(tableOf(decoder), []);
  });

  test('holds a field that fills it', () => {
    const decoder = new HeaderDecoder(64);
    decode(decoder, bytes(0x40, text('n', false), text('v'.repeat(31), false)));
    assert.equal(tableOf(decoder).length, 1);
  });

  // RFC 7541 section 4.4.
  test('may push out the entry whose name a new one takes', () => {
    const decoder = new HeaderDecoder(64);
    decode(decoder, bytes(0x40, text('name', false), text('v'.repeat(20), false)));
    assert.deepEqual(decode(decoder, bytes(0x7e, text('w'.repeat(20), false))), ['name', 'w'.repeat(20)]);
    assert.deepEqual(tableOf(decoder), [`name: ${'w'.repeat(20)}`]);
  });

  test('shrinks to the size that the peer says, the lowest of two', () => {
    const decoder = new HeaderDecoder(4096);
    const add = bytes(0x40, text('a', false), text('b', false), 0x40, text('c', false), text('d', false));
    decode(decoder, add);
    assert.deepEqual(decode(decoder, integer(0x20, 5, 67)), []);
    assert.deepEqual(tableOf(decoder), ['c: d']);
    decode(decoder, add);
    assert.deepEqual(tableOf(decoder), ['c: d']);
    assert.deepEqual(decode(decoder, bytes(0x20, integer(0x20, 5, 4096))), []);
    assert.deepEqual(tableOf(decoder), []);
    decode(decoder, add);
    assert.deepEqual(tableOf(decoder), ['c: d', 'a: b']);
  });

  test('is 4096 bytes large until the peer says more, when it may', () => {
    const decoder = new HeaderDecoder(65_536);
    const add = bytes(0x40, text('a', false), text('v'.repeat(3000), false));
    decode(decoder, bytes(add, add));
    assert.equal(tableOf(decoder).length, 1);
    decode(decoder, bytes(integer(0x20, 5, 65_536), add));
    assert.equal(tableOf(decoder).length, 2);
  });
});

describe('limits', () => {
  const two = bytes(0x40, text('a', false), text('b', false), 0x40, text('c', false), text('d', false), 0x82);

  test('hand out what is within them, to the byte', () => {
    const decoder = new HeaderDecoder(4096);
    const cases: readonly (readonly [countMax: number, listBytesMax: number, fields: number])[] = [
      [3, 34 + 34 + 42, 3],
      [3, 34 + 34 + 41, 2],
      [3, 34 + 34, 2],
      [3, 34 + 33, 1],
      [3, 33, 0],
      [2, 1000, 2],
      [1, 1000, 1],
      [0, 1000, 0],
    ];
    for (const [countMax, listBytesMax, count] of cases) {
      const fields = decode(decoder, two, { countMax, listBytesMax });
      assert.deepEqual(fields, ['a', 'b', 'c', 'd', ':method', 'GET'].slice(0, 2 * count));
      assert.equal(decoder.isTooLarge, count < 3);
    }
    assert.notEqual(decode(decoder, two), null);
    assert.equal(decoder.isTooLarge, false);
  });

  test('drop what is behind the first field that exceeds them, also when it would fit', () => {
    const decoder = new HeaderDecoder(4096);
    const block = bytes(0x00, text('a', false), text('v'.repeat(100), false), 0x82);
    assert.deepEqual(decode(decoder, block, { countMax: 9, listBytesMax: 100 }), []);
  });

  test('do not keep the table from what it is to know, nor errors from being found', () => {
    const decoder = new HeaderDecoder(4096);
    assert.deepEqual(decode(decoder, two, { countMax: 0, listBytesMax: 0 }), []);
    assert.deepEqual(tableOf(decoder), ['c: d', 'a: b']);
    assert.equal(decode(decoder, bytes(two, '80'), { countMax: 0, listBytesMax: 0 }), null);
  });

  test('a thousand references to a large field cost no more than those within them', () => {
    const decoder = new HeaderDecoder(4096);
    const large = 'v'.repeat(4000);
    decode(decoder, bytes(0x40, text('bomb', false), text(large, false)));
    const fields = decode(decoder, Buffer.alloc(16_000, 0xbe), { countMax: 1000, listBytesMax: 65_536 });
    assert.equal(fields?.length, 2 * Math.floor(65_536 / (4 + 4000 + 32)));
    assert.equal(decoder.isTooLarge, true);
  });
});

describe('decoding', () => {
  test('allocates nothing for fields of the tables, also beyond the limits', COUNTED, () => {
    const decoder = new HeaderDecoder(4096);
    const add = (name: string, value: string): Buffer => bytes(0x40, text(name, true), text(value, true));
    decode(decoder, bytes(add('user-agent', 'some/1.0'), add('x-other', 'value')));
    const block = bytes('82868487', 'bebf');
    const fields: string[] = [];
    const run = (limits: FieldLimits): void => {
      fields.length = 0;
      decoder.decode(block, 0, block.length, fields, limits);
    };
    run(ANY);
    assert.equal(fields.length, 12);
    assert.equal(
      bytesPerCall(() => run({ countMax: 0, listBytesMax: 0 })),
      0,
    );
    // What an array grows to when two texts are first put into it: 19 places and a header.
    assert.ok(bytesPerCall(() => run(ANY), 5000, 168) <= 168);
  });

  test('of a literal allocates its text', COUNTED, () => {
    const decoder = new HeaderDecoder(4096);
    const fields: string[] = [];
    const block = bytes(0x04, text('/a/path', true));
    const limits = { countMax: 0, listBytesMax: 0 };
    const run = (): void => void decoder.decode(block, 0, block.length, fields, limits);
    // A text of seven characters in V8: a header of 16 bytes, then 8.
    assert.ok(bytesPerCall(run, 5000, 24) <= 24);
  });
});
