/** The scan of header fields: what it says is what a plain reading of the grammar says, wherever the bytes stand. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { Random } from '#src/lib/random.ts';
import { FIELD, NameTable } from '#src/proxy/http1/fields/names.ts';
import {
  FIELD_WORDS,
  FIELDS_MAX,
  FieldScanner,
  HASH_BITS,
  hashOf,
  IDS_MAX,
  INCOMPLETE,
  IS_CLAIM,
  KNOWN_WORDS,
  knowEverywhere,
  MALFORMED,
  MAY_BE_KNOWN,
  TOO_MANY_FIELDS,
} from '#src/proxy/http1/fields/scanner.ts';
import { readMemory } from '#src/proxy/wire/memory/memory.ts';
import { LIKE_HOST } from '../../../../support/http/collisions.ts';
import { bytesPerCall, COUNTED } from '../../../../support/proxy/allocation.ts';
import { assemble, madeFile } from '../../../../support/tidy/wasm.ts';

const MOST = 8;

interface Outcome {
  readonly result: number;
  /** Line begin, name end and line end of each field. */
  readonly fields: readonly (readonly number[])[];
}

const names = new NameTable(['x-color']);
const KEEP = new Uint8Array(IDS_MAX);
const scanner = new FieldScanner('request', MOST, names.filter, KEEP);

function scan(bytes: Buffer, from: number, end: number): Outcome {
  const base = Math.max(0, from - 5);
  const result = scanner.scan(bytes, base, from, end);
  if (result <= INCOMPLETE) return { result, fields: [] };
  const fields = Array.from({ length: scanner.count }, (_, i) =>
    Array.from(scanner.lines.subarray(i * FIELD_WORDS, i * FIELD_WORDS + 3), (at) => at + base),
  );
  return { result, fields };
}

/** What the scan says about one name. */
function said(name: string, by = scanner): number {
  const bytes = Buffer.from(`${name}: v\r\n\r\n`, 'latin1');
  assert.equal(by.scan(bytes, 0, 0, bytes.length), bytes.length);
  return by.lines[3] as number;
}

/** Whether it is a proxy's: said by the mark, or where the name must be looked up with its hash. */
function isClaim(name: string): boolean {
  const word = said(name);
  return word === 0 ? scanner.marks[0] === 2 : (word & IS_CLAIM) === IS_CLAIM;
}

/** The same by the letter of the grammar, one byte after another. */
function read(bytes: Buffer, from: number, end: number): Outcome {
  const fields: number[][] = [];
  for (let at = from; at < end; at = fields.at(-1)?.[2] as number) {
    const last = lineEnd(bytes, at, end);
    if (bytes[at] === 13) return { result: last, fields: last > 0 ? fields : [] };
    const field = readField(bytes, at, end);
    if (typeof field === 'number') return { result: field, fields: [] };
    if (fields.length === MOST) return { result: TOO_MANY_FIELDS, fields: [] };
    fields.push(field);
  }
  return { result: INCOMPLETE, fields: [] };
}

/** A field's offsets, or why there is none. */
function readField(bytes: Buffer, line: number, end: number): number[] | number {
  let at = line;
  while (at < end && /[!#$%&'*+\-.^_`|~0-9A-Za-z]/.test(String.fromCharCode(bytes[at] as number))) at++;
  if (at >= end) return INCOMPLETE;
  if (bytes[at] !== 58 || at === line) return MALFORMED;
  const name = at++;
  while (at < end && isInValue(bytes[at] as number)) at++;
  const next = lineEnd(bytes, at, end);
  return next > 0 ? [line, name, next] : next;
}

/** Behind the CR LF at `at`, or why there is none. */
function lineEnd(bytes: Buffer, at: number, end: number): number {
  if (at >= end) return INCOMPLETE;
  if (bytes[at] !== 13) return MALFORMED;
  if (at + 1 >= end) return INCOMPLETE;
  return bytes[at + 1] === 10 ? at + 2 : MALFORMED;
}

function isInValue(byte: number): boolean {
  return byte === 9 || (byte >= 32 && byte !== 127);
}

function assertSame(bytes: Buffer, from: number, end: number): void {
  const expected = read(bytes, from, end);
  const shown = JSON.stringify(bytes.toString('latin1', from, end));
  assert.deepEqual(scan(bytes, from, end), expected, shown);
  bytes.copy(readMemory, 3, from, end);
  const moved = expected.fields.map((field) => field.map((at) => at - from + 3));
  const result = expected.result > 0 ? expected.result - from + 3 : expected.result;
  assert.deepEqual(scan(readMemory, 3, 3 + end - from), { result, fields: moved }, `in the read memory: ${shown}`);
}

describe('the scan of header fields', () => {
  it('is what its source says', async () => {
    assert.equal(readFileSync(madeFile, 'utf8'), await assemble(), 'bytes.wat was changed: npm run wasm');
  });

  it('takes the very bytes that the grammar has, in names and in values, at every place of a block of sixteen', () => {
    for (let byte = 0; byte < 256; byte++) {
      for (const before of ['', 'a', 'a'.repeat(14), 'a'.repeat(15), 'a'.repeat(16), 'a'.repeat(40)]) {
        const odd = Buffer.of(byte).toString('latin1');
        for (const text of [`${before}${odd}b: c\r\n\r\n`, `n: ${before}${odd}\r\n\r\n`, `n:${odd}${before}\r\n\r\n`]) {
          const bytes = Buffer.from(text, 'latin1');
          assertSame(bytes, 0, bytes.length);
        }
      }
    }
  });

  it('says the same wherever a head is cut, whatever lies behind the cut', () => {
    const head = Buffer.from(
      `A:\r\n${'b'.repeat(31)}: \t ${'c'.repeat(47)}\t\r\nAccept-Encoding:gzip\r\n\r\nrest\u0000:`,
      'latin1',
    );
    for (let from = 0; from < head.length; from++)
      for (let end = from; end <= head.length; end++) assertSame(head, from, end);
  });

  it('says the same about whatever is likely to be odd', () => {
    const seed = 20_261_121;
    const random = new Random(seed);
    const pieces = [
      'a',
      'Host',
      ':',
      ': ',
      '\r\n',
      '\r',
      '\n',
      ' ',
      '\t',
      '\0',
      '_',
      '-',
      'é',
      '\x7f',
      'x'.repeat(17),
      'v'.repeat(33),
    ];
    for (let n = 0; n < 20_000; n++) {
      let text = '';
      for (let i = random.nextUint32() % 40; i > 0; i--) text += pieces[random.nextUint32() % pieces.length];
      const bytes = Buffer.from(n % 2 === 0 ? text : `a: b\r\n${text}\r\n\r\n`, 'latin1');
      assertSame(bytes, 0, bytes.length);
    }
  });

  it('reads heads that take several copies', () => {
    for (const length of [1000, 1023, 1024, 1025, 8191, 8192, 8193, 70_000]) {
      const bytes = Buffer.from(`..a: ${'b'.repeat(length)}\r\nc: d\r\n\r\n`, 'latin1');
      for (const end of [bytes.length - 1, bytes.length]) assert.deepEqual(scan(bytes, 2, end), read(bytes, 2, end));
    }
  });

  it('allocates nothing', COUNTED, () => {
    const bytes = Buffer.from('Host: a\r\nAccept: */*\r\n\r\n', 'latin1');
    let kept = 0;
    assert.equal(
      bytesPerCall(() => void (kept += scanner.scan(bytes, 0, 0, bytes.length))),
      0,
      String(kept),
    );
  });
});

describe('the hash of a name', () => {
  it('is the one that the scan finds, however the name is spelled', () => {
    for (const name of ['a', 'Hust', 'X-User_Id', 'x'.repeat(15), 'Y'.repeat(16), 'z-'.repeat(20)]) {
      const table = new NameTable([name.toLowerCase()]);
      const own = new FieldScanner('request', MOST, table.filter, KEEP);
      for (const spelled of [name, name.toLowerCase(), name.toUpperCase(), name.replaceAll('_', '-')]) {
        assert.equal(said(spelled, own) & HASH_BITS, hashOf(Buffer.from(name, 'latin1')), spelled);
      }
    }
  });

  it('differs between names that look alike', () => {
    const similar = Array.from({ length: 2000 }, (_, n) => [
      `x-${n}`,
      `${n}-x`,
      'a'.repeat(n % 90) + n,
      `${n}${'b'.repeat(n % 70)}`,
    ]);
    const unique = new Set(similar.flat());
    assert.equal(new Set([...unique].map((name) => hashOf(Buffer.from(name, 'latin1')))).size, unique.size);
  });
});

describe('what the scan says about a name', () => {
  it('is the id of one that every gateway knows, in any case, with its mark and its value', () => {
    const policy = Uint8Array.from({ length: IDS_MAX }, (_, id) => id % 3);
    const marking = new FieldScanner('request', MOST, names.filter, policy);
    for (const [key, id] of Object.entries(FIELD)) {
      if (id === FIELD.unknown) continue;
      const name = names.names[id] as string;
      for (const spelled of [name, name.toUpperCase(), `${name.slice(0, 1).toUpperCase()}${name.slice(1)}`]) {
        for (const [value, from, end] of [
          ['', 1, 1],
          [' \t', 3, 3],
          [' v', 2, 3],
          ['v \t', 1, 2],
          ['\t  v w\t ', 4, 7],
        ] as const) {
          const bytes = Buffer.from(`..a: b\r\n${spelled}:${value}\r\n\r\n`, 'latin1');
          assert.equal(marking.scan(bytes, 2, 2, bytes.length), bytes.length);
          const at = 'a: b\r\n'.length + name.length;
          assert.equal(marking.knownCount, 1, spelled);
          assert.deepEqual([...marking.known.subarray(0, KNOWN_WORDS)], [1, id, at + from, at + end], spelled);
          assert.equal(marking.lines[FIELD_WORDS + 3], id, key);
          assert.deepEqual([...marking.marks.subarray(0, 2)], [0, id % 3], key);
        }
      }
    }
  });

  it('is to be looked up where `_` stands for `-`, and for a configured name in any spelling', () => {
    for (const name of ['content_length', 'X_Request-Id', 'x-color', 'X-COLOR', 'x_color']) {
      assert.equal(said(name) & MAY_BE_KNOWN, MAY_BE_KNOWN, name);
      assert.deepEqual([...scanner.known.subarray(0, 2)], [0, 0], name);
    }
  });

  it('is nothing for a name that has the hash of one, or only begins or ends like one', () => {
    for (const name of LIKE_HOST) assert.equal(said(name) & HASH_BITS, hashOf(Buffer.from('host')), name);
    for (const name of names.names.slice(1)) {
      for (const other of [`${name}s`, `s${name}`, name.slice(0, -1), name.slice(1), `${name}${'-'.repeat(33)}`]) {
        if (other === '' || names.idOf(other) !== 0) continue;
        const word = said(other);
        if (word !== 0) assert.deepEqual([word & MAY_BE_KNOWN, scanner.known[1]], [MAY_BE_KNOWN, 0], other);
      }
    }
    const taken = Array.from({ length: 1000 }, (_, n) => said(`x-other-${n}`)).filter((word) => word !== 0);
    assert.ok(taken.length < 10, `${taken.length} of 1,000`);
  });

  it('changes with the table of names', () => {
    const other = new FieldScanner('response', MOST, new NameTable(['x-later']).filter, KEEP);
    assert.equal(said('X-Later'), 0);
    assert.equal(said('X-Later', other) & MAY_BE_KNOWN, MAY_BE_KNOWN);
    assert.equal(said('X-Later'), 0);
  });

  it('and its mark with the policy', () => {
    const dropping = new FieldScanner('request', MOST, names.filter, new Uint8Array(IDS_MAX).fill(1));
    for (const [by, mark] of [
      [scanner, 0],
      [dropping, 1],
      [scanner, 0],
    ] as const) {
      assert.equal(said('Host', by), FIELD.host);
      assert.equal(by.marks[0], mark);
    }
  });

  it('claims of a proxy are told from what only begins like one', () => {
    for (const name of [
      'X-Forwarded-A',
      'x_forwarded_for-and-much-more',
      'X-Client-Ip',
      'x-client_b',
      'X_Forwarded_For',
    ]) {
      assert.equal(isClaim(name), true, name);
    }
    for (const name of [
      'X-Forwarded-',
      'X-Client-',
      'X-Forwarded',
      'Y-Forwarded-For',
      'X-Clients-A',
      'XX-Client-A',
      'x',
    ]) {
      assert.equal(isClaim(name), false, name);
    }
  });
});

it('a scanner for more fields than there is room for is refused', () => {
  assert.throws(() => new FieldScanner('request', FIELDS_MAX + 1, names.filter, KEEP), RangeError);
  new FieldScanner('request', FIELDS_MAX, names.filter, KEEP);
});

it('names that every gateway knows have a bounded number and length', () => {
  assert.throws(() => knowEverywhere(Array.from({ length: IDS_MAX + 1 }, () => 'a')), RangeError);
  assert.throws(() => knowEverywhere(['', 'a'.repeat(33)]), RangeError);
});
