/** What of a head goes on: the same whether it is moved in the thread's memory or elsewhere. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Random } from '#src/lib/random.ts';
import { compactHead, putHead, type Scanned } from '#src/proxy/http1/fields/moving.ts';
import { NameTable } from '#src/proxy/http1/fields/names.ts';
import { CLAIM, DROPPED, FieldScanner, IDS_MAX, KEPT } from '#src/proxy/http1/fields/scanner.ts';
import { reserve, whole } from '#src/proxy/wire/memory/memory.ts';

const ROOM = 4096;
const HELD_AT = reserve(ROOM);
const OUT_AT = reserve(ROOM);
const BEFORE = 100;
const FIRST = 'GET / HTTP/1.1\r\n';

const found = new FieldScanner('request', 40, new NameTable([]).filter, new Uint8Array(IDS_MAX));

interface Marked {
  readonly head: Scanned;
  /** Lines with their marks, the first line before them. */
  readonly lines: readonly { readonly text: string; readonly mark: number }[];
}

/** A head of these lines in `bytes[at..]`, with room before it. */
function marked(bytes: Buffer, at: number, lines: Marked['lines']): Scanned {
  const heldFrom = at + BEFORE;
  const text = `${FIRST}${lines.map((line) => line.text).join('')}\r\n`;
  bytes.write(`${'#'.repeat(BEFORE)}${text}BODY`, at, 'latin1');
  const heldEnd = heldFrom + text.length;
  assert.equal(found.scan(bytes, heldFrom, heldFrom + FIRST.length, heldEnd), heldEnd);
  for (const [i, { mark }] of lines.entries()) found.marks[i] = mark;
  return { held: bytes, heldFrom, heldEnd, firstEnd: FIRST.length, found };
}

function linesOf(random: Random): Marked['lines'] {
  return Array.from({ length: random.nextUint32() % 7 }, (_, i) => ({
    text: `X-${i}: ${'v'.repeat(random.nextUint32() % 40)}\r\n`,
    mark: [KEPT, KEPT, DROPPED, CLAIM][random.nextUint32() % 4] as number,
  }));
}

function keptOf(lines: Marked['lines'], markMax: number): string {
  return `${FIRST}${lines
    .filter(({ mark }) => mark !== DROPPED && mark <= markMax)
    .map(({ text }) => text)
    .join('')}`;
}

it('a head is put down without what is left out, into as much room as it takes and no less', () => {
  const random = new Random(9);
  for (let n = 0; n < 2000; n++) {
    const lines = linesOf(random);
    for (const markMax of [KEPT, CLAIM]) {
      const expected = keptOf(lines, markMax);
      for (const [bytes, at] of [
        [Buffer.alloc(ROOM), 0],
        [whole, HELD_AT],
      ] as const) {
        const head = marked(bytes, at, lines);
        for (const out of [
          { bytes: Buffer.alloc(ROOM), at: 5, room: ROOM },
          { bytes: whole, at: OUT_AT + 5, room: ROOM },
        ]) {
          assert.equal(putHead(head, markMax, out, expected.length), expected.length);
          assert.equal(out.bytes.toString('latin1', out.at, out.at + expected.length), expected);
          assert.equal(putHead(head, markMax, out, expected.length - 1), 0);
        }
      }
    }
  }
});

it('nothing is written beyond the room, whatever does not fit', () => {
  const lines = Array.from({ length: 6 }, (_, i) => ({ text: `X-${i}: ${'v'.repeat(20)}\r\n`, mark: i % 2 }));
  for (const [bytes, at] of [
    [Buffer.alloc(ROOM), 0],
    [whole, HELD_AT],
  ] as const) {
    const head = marked(bytes, at, lines);
    for (let room = 0; room < keptOf(lines, KEPT).length; room++) {
      whole.fill('.', OUT_AT, OUT_AT + ROOM);
      assert.equal(putHead(head, KEPT, { bytes: whole, at: OUT_AT, room }, room), 0);
      assert.equal(whole.toString('latin1', OUT_AT + room, OUT_AT + ROOM), '.'.repeat(ROOM - room), `${room}`);
    }
  }
});

it('a head is moved together so that there is room behind it, or not at all', () => {
  const random = new Random(11);
  let moved = 0;
  for (let n = 0; n < 2000; n++) {
    const lines = linesOf(random);
    const room = random.nextUint32() % 40;
    const results = (
      [
        [Buffer.alloc(ROOM), 0],
        [whole, HELD_AT],
      ] as const
    ).map(([bytes, at]) => {
      const head = marked(bytes, at, lines);
      const before = bytes.toString('latin1', at, head.heldEnd + 4);
      const start = compactHead(head, room);
      if (start < 0) {
        assert.equal(bytes.toString('latin1', at, head.heldEnd + 4), before, 'nothing was moved');
        return null;
      }
      assert.equal(bytes.toString('latin1', head.heldEnd - 2, head.heldEnd + 4), '\r\nBODY');
      assert.equal(bytes.toString('latin1', start, head.heldEnd - 2 - room), keptOf(lines, CLAIM));
      return start - at;
    });
    assert.equal(results[0], results[1]);
    const last = lines.findLast(({ mark }) => mark === DROPPED);
    assert.equal(results[0] !== null, last === undefined || last.text.length >= room);
    if (results[0] !== null) moved++;
  }
  assert.ok(moved > 1000 && moved < 2000, `${moved} of 2,000`);
});
