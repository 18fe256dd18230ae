/** The field table: strict lines, values without their white space, and exact bytes kept. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { hash32 } from '#src/lib/hash.ts';
import { Random } from '#src/lib/random.ts';
import { FieldTable } from '#src/proxy/http1/fields/field-table.ts';
import { FIELD, NameTable } from '#src/proxy/http1/fields/names.ts';
import { INCOMPLETE, MALFORMED, TOO_MANY_FIELDS } from '#src/proxy/http1/fields/scanner.ts';
import { bytesPerCall, COUNTED } from '../../../../support/proxy/allocation.ts';

const COLOR = 'x-color';

/** Scans header lines behind a first line of three bytes; `[table, result]`. */
function scan(lines: string, countMax = 10): [FieldTable, number] {
  const table = new FieldTable('request', new NameTable([COLOR]), countMax);
  const bytes = Buffer.from(`#\r\n${lines}`, 'latin1');
  table.hold(bytes, 0, bytes.length);
  return [table, table.scan(bytes, 0, 3, bytes.length)];
}

describe('a header section', () => {
  it('ends after its empty line', () => {
    const [table, end] = scan('A: b\r\n\r\nrest');
    assert.equal(end, 3 + 'A: b\r\n\r\n'.length);
    assert.equal(table.count, 1);
  });

  it('may be empty', () => assert.equal(scan('\r\n')[1], 5));

  it('is incomplete until its last byte, wherever it is cut', () => {
    const lines = 'A:\r\nBe: \t c d \t\r\nX-Color: x\r\n\r\n';
    for (let length = 0; length < lines.length; length++) {
      assert.equal(scan(lines.slice(0, length))[1], INCOMPLETE, JSON.stringify(lines.slice(0, length)));
    }
  });

  const malformed = [
    'A b: c\r\n',
    ' A: b\r\n',
    'A : b\r\n',
    'A\r\n',
    ': b\r\n',
    'A: b\n\r\n',
    'A: b\rc\r\n',
    'A: b\0\r\n',
    'A: \x7f\r\n',
    'A: b\r\n c\r\n',
    'A: b\r\n\tc\r\n',
    'Ä: b\r\n',
    'A: b\r\r\n',
    '\n',
    '\rx',
    'A(: b\r\n',
    'A: \x0b\r\n',
  ];
  for (const lines of malformed) {
    it(`is malformed with ${JSON.stringify(lines)}`, () => assert.equal(scan(`${lines}\r\n`)[1], MALFORMED));
  }

  it('may have as many fields as the limit and not one more', () => {
    assert.ok(scan('A: b\r\n'.repeat(10).concat('\r\n'))[1] > 0);
    assert.equal(scan('A: b\r\n'.repeat(11).concat('\r\n'))[1], TOO_MANY_FIELDS);
  });
});

it('a field is found by its name, known or not, in any case', () => {
  const [table] = scan('Content-Typo: x\r\nCONTENT-TYPE: \ta b \r\nX-Color: red\r\ncontent-type: c\r\n\r\n');
  assert.equal(table.find('content-type'), 'a b');
  assert.equal(table.find(COLOR), 'red');
  assert.equal(table.find('content-tyre'), null);
  assert.equal(scan('\r\n')[0].find('content-type'), null);
});

describe('a known field', () => {
  it('has its first value, without white space around it', () => {
    const [table] = scan('Host: \t a b \t \r\nHOST:second\r\n\r\n');
    assert.equal(table.value(FIELD.host), 'a b');
    assert.equal(table.seen(FIELD.host), 2);
    assert.deepEqual(table.values(FIELD.host), ['a b', 'second']);
  });

  describe('that is only looked at', () => {
    const LINES = 'Host: example.com\r\nX-Color:\r\nCookie: caf\xe9\r\n\r\n';
    const ways: readonly (readonly [string, (table: FieldTable) => unknown])[] = [
      ['where it was read', () => undefined],
      ['in the text of the head', (table) => table.text],
      ['in a head of which another field was replaced', (table) => table.replace(FIELD.via, '1.1 x')],
    ];
    for (const [name, prepare] of ways) {
      it(`${name} is what its text would be`, () => {
        const [table] = scan(LINES);
        prepare(table);
        for (const id of [FIELD.host, FIELD.cookie, table.names.idOf(COLOR)]) {
          const text = table.value(id) as string;
          const codes = Array.from({ length: text.length }, (_, at) => table.valueCode(id, at));
          assert.equal(String.fromCharCode(...codes), text);
          assert.equal(table.valueCode(id, text.length), -1);
          assert.ok(table.says(id, text));
          assert.ok(!table.says(id, `${text}x`) && !table.says(id, `${text.slice(1)}x`));
          assert.ok(text === '' || !table.says(id, text.slice(0, -1)));
          assert.equal(table.valueHash(id), hash32(text) | 0);
        }
        assert.equal(table.slice(3, 7), 'Host');
      });
    }

    it('allocates nothing', COUNTED, () => {
      const [table] = scan(LINES);
      const look = (): number => Number(table.says(FIELD.host, 'example.com')) + table.valueHash(FIELD.cookie);
      assert.ok(bytesPerCall(look) < 1);
    });
  });

  it('that was replaced is looked at as it is now', () => {
    const [table] = scan('Host: example.com\r\n\r\n');
    table.replace(FIELD.host, 'other');
    assert.ok(table.says(FIELD.host, 'other'));
    assert.equal(table.valueHash(FIELD.host), hash32('other') | 0);
  });

  it('may be empty, which is not absent', () => {
    const [table] = scan('X-Color:   \r\n\r\n');
    const color = table.names.idOf(COLOR);
    assert.deepEqual([table.value(color), table.seen(color)], ['', 1]);
    assert.deepEqual([table.value(FIELD.host), table.seen(FIELD.host)], [null, 0]);
  });

  it('is forgotten at the next scan', () => {
    const [table] = scan('Host: a\r\n\r\n');
    const bytes = Buffer.from('#\r\n\r\n');
    table.scan(bytes, 0, 3, bytes.length);
    assert.equal(table.value(FIELD.host), null);
    assert.equal(table.count, 0);
  });

  it('is counted up to 255', () => {
    assert.equal(scan(`${'Host: a\r\n'.repeat(300)}\r\n`, 400)[0].seen(FIELD.host), 255);
  });
});

describe('what is kept', () => {
  it('is byte for byte what came, in its order', () => {
    const lines = 'b:1\r\nA:  x \r\nb: \r\nX-Color: \xe9\r\n';
    assert.equal(scan(`${lines}\r\n`)[0].kept(), lines);
  });

  it('is without every occurrence of a dropped field', () => {
    const [table] = scan('A: 1\r\nTE: x\r\nB: 2\r\nte: y\r\nC: 3\r\n\r\n');
    table.drop(FIELD.te);
    table.drop(FIELD.host);
    assert.equal(table.kept(), 'A: 1\r\nB: 2\r\nC: 3\r\n');
  });

  it('is nothing when everything is dropped', () => {
    const [table] = scan('TE: x\r\n\r\n');
    table.drop(FIELD.te);
    assert.equal(table.kept(), '');
  });

  it('is without aliases of known names', () => {
    assert.equal(scan('Content_Length: 5\r\nA: 1\r\nX_Color: x\r\n\r\n')[0].kept(), 'A: 1\r\n');
  });

  it('is without what Connection nominates', () => {
    const [table] = scan('A: 1\r\nX-Hop: 1\r\nB: 2\r\nx-hop: 2\r\n\r\n');
    assert.equal(table.dropNominated(['x-hop', 'absent'], new Set()), true);
    assert.equal(table.kept(), 'A: 1\r\nB: 2\r\n');
  });

  for (const name of [
    'host',
    'content-length',
    'transfer-encoding',
    'authorization',
    'cookie',
    'x-forwarded-anything',
    'via',
    'x-mine',
  ]) {
    it(`cannot lose ${name} by nomination`, () => {
      const [table] = scan('A: 1\r\n\r\n');
      assert.equal(table.dropNominated(['a', name], new Set(['x-mine'])), false);
    });
  }
});

it('scanning and looking up allocate nothing', COUNTED, () => {
  const table = new FieldTable('request', new NameTable([COLOR]), 10);
  const bytes = Buffer.from(
    'Host: a.example\r\nAccept: */*\r\nX-Color: blue\r\nUser-Agent: x\r\nX-Trace: 1\r\nX-Client-Id: 1\r\n\r\n',
  );
  table.hold(bytes, 0, bytes.length);
  let kept = 0;
  const perCall = bytesPerCall(() => {
    kept = table.scan(bytes, 0, 0, bytes.length) + table.seen(FIELD.host) + table.seen(FIELD.accept);
  });
  assert.equal(perCall, 0, String(kept));
});

it('a field that is forgotten is neither kept nor seen', () => {
  const [table] = scan('X-Color: a\r\nA: 1\r\nx-color: b\r\n\r\n');
  const id = table.names.idOf(COLOR);
  table.forget(id);
  assert.equal(table.kept(), 'A: 1\r\n');
  assert.deepEqual([table.seen(id), table.value(id)], [0, null]);
});

describe('a head that is made in place', () => {
  const ROOM = 17;
  /** What stands behind the room before, after `compact`; null when it declined. */
  function compacted(lines: readonly string[], dropped: ReadonlySet<number>): string | null {
    const head = `HTTP/1.1 200 OK\r\n${lines.join('')}\r\n`;
    const bytes = Buffer.from(`${'#'.repeat(40)}${head}BODY`, 'latin1');
    const names = new NameTable(lines.map((line) => line.slice(0, line.indexOf(':')).toLowerCase()));
    const table = new FieldTable('request', names, 20);
    const firstEnd = 40 + 'HTTP/1.1 200 OK\r\n'.length;
    const end = table.scan(bytes, 40, firstEnd, bytes.length);
    table.hold(bytes, 40, end);
    for (const i of dropped) table.drop(names.idOf(`x-${i}`));
    const before = bytes.toString('latin1');
    const start = table.compact(ROOM);
    if (start < 0) {
      assert.equal(bytes.toString('latin1'), before, 'nothing was moved');
      return null;
    }
    assert.equal(bytes.toString('latin1', end - 2), '\r\nBODY');
    return bytes.toString('latin1', start, end - 2 - ROOM);
  }

  it('holds the first line and the kept lines in their order, whatever is dropped', () => {
    const random = new Random(7);
    let done = 0;
    for (let n = 0; n < 2000; n++) {
      const lines = Array.from(
        { length: random.nextUint32() % 8 },
        (_, i) => `X-${i}: ${'v'.repeat(random.nextUint32() % 30)}\r\n`,
      );
      const dropped = new Set(lines.keys().filter(() => random.nextUint32() % 3 === 0));
      const result = compacted(lines, dropped);
      if (result === null) continue;
      done++;
      assert.equal(result, `HTTP/1.1 200 OK\r\n${lines.filter((_, i) => !dropped.has(i)).join('')}`);
    }
    assert.ok(done > 500, `${done} of 2,000`);
  });

  it('declines when what was dropped last is shorter than the room', () => {
    assert.equal(compacted(['X-0: a\r\n', 'X-1: b\r\n'], new Set([0])), null);
    assert.notEqual(compacted(['X-0: a\r\n', 'X-1: b\r\n'], new Set()), null);
  });
});

describe('a field that is replaced', () => {
  const lines = 'X-Color: a\r\nA: 1\r\nx-color: b\r\n\r\n';

  it('says the new value, and its lines do not go on', () => {
    const [table] = scan(lines);
    const id = table.names.idOf(COLOR);
    table.replace(id, 'c, d');
    assert.deepEqual([table.value(id), table.values(id), table.seen(id)], ['c, d', ['c, d'], 1]);
    assert.equal(table.kept(), 'A: 1\r\n');
    assert.equal(table.replacedLines(), 'x-color: c, d\r\n');
  });

  it('by nothing was never there', () => {
    const [table] = scan(lines);
    const id = table.names.idOf(COLOR);
    table.replace(id, '');
    assert.deepEqual([table.value(id), table.seen(id), table.kept(), table.replacedLines()], [null, 0, 'A: 1\r\n', '']);
  });

  it('is forgotten with its head, also one that was not there and found no room among the fields', () => {
    const [table] = scan('A: 1\r\n\r\n', 1);
    const id = table.names.idOf(COLOR);
    table.replace(id, 'new');
    assert.equal(table.value(id), 'new');
    const next = Buffer.from('B: 1\r\n\r\n');
    table.hold(next, 0, next.length);
    table.scan(next, 0, 0, next.length);
    assert.deepEqual([table.value(id), table.seen(id), table.replacedLines()], [null, 0, '']);
  });
});
