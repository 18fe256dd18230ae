/** The body reader: exactly the body's bytes, wherever the stream is cut, and nothing that could be read two ways. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { TrailerLimits } from '#src/model/threads/requests/trailers.ts';
import { BodyReader, BROKEN, DATA, END, EXCESS, MORE, UNTIL_CLOSE } from '#src/proxy/http1/body.ts';
import { CHUNKED } from '#src/proxy/http1/framing.ts';
import { bytesPerCall, COUNTED } from '../../../support/proxy/allocation.ts';
import { LIMITS } from '../../../support/proxy/limits.ts';

interface Result {
  readonly body: string;
  readonly end: number;
  /** Bytes of the stream that the body took. */
  readonly taken: number;
}

/** Reads a stream that arrives in these pieces. */
function read(length: number, pieces: readonly string[], limits: TrailerLimits = LIMITS): Result {
  const reader = new BodyReader();
  reader.start(length, false, limits);
  let body = '';
  let taken = 0;
  for (const piece of pieces) {
    const bytes = Buffer.from(piece, 'latin1');
    let step = reader.next(bytes, 0, bytes.length);
    while (step === DATA) {
      body += bytes.toString('latin1', reader.dataStart, reader.dataEnd);
      step = reader.next(bytes, reader.position, bytes.length);
    }
    taken += reader.position;
    if (step !== MORE) return { body, end: step, taken };
    assert.equal(reader.position, bytes.length, 'MORE takes everything');
  }
  return { body, end: reader.isDone ? END : MORE, taken };
}

/** Reads whole, cut at every byte, and byte by byte: all must agree. */
function readEveryWay(length: number, stream: string): Result {
  const whole = read(length, [stream]);
  for (let cut = 1; cut < stream.length; cut++) {
    const parts = read(length, [stream.slice(0, cut), stream.slice(cut)]);
    if (whole.end === END && cut >= whole.taken) continue;
    assert.deepEqual(parts, whole, `cut at ${cut}`);
  }
  const bytewise = read(length, [...stream]);
  assert.deepEqual([bytewise.body, bytewise.end], [whole.body, whole.end]);
  return whole;
}

describe('a body of known length', () => {
  it('is that many bytes and not one more', () => {
    assert.deepEqual(readEveryWay(5, 'helloGET /'), { body: 'hello', end: END, taken: 5 });
  });
  it('of 0 is over before it begins', () => {
    assert.deepEqual(read(0, ['GET /']), { body: '', end: END, taken: 0 });
    assert.deepEqual(read(0, []), { body: '', end: END, taken: 0 });
  });
  it('waits for the rest', () => assert.deepEqual(readEveryWay(5, 'hell'), { body: 'hell', end: MORE, taken: 4 }));
});

it('a body until close never ends by itself', () => {
  assert.deepEqual(readEveryWay(UNTIL_CLOSE, '0\r\n\r\n'), { body: '0\r\n\r\n', end: MORE, taken: 5 });
  const reader = new BodyReader();
  reader.start(UNTIL_CLOSE);
  assert.equal(reader.endsWithConnection, true);
  reader.start(5);
  assert.equal(reader.endsWithConnection, false);
});

describe('a chunked body', () => {
  const valid: readonly (readonly [string, string, string])[] = [
    ['empty', '0\r\n\r\n', ''],
    ['of one chunk', '5\r\nhello\r\n0\r\n\r\n', 'hello'],
    ['of two', '5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n', 'hello world'],
    [
      'with hexadecimal sizes of both cases',
      `a\r\n${'x'.repeat(10)}\r\nB\r\n${'y'.repeat(11)}\r\n0\r\n\r\n`,
      'x'.repeat(10) + 'y'.repeat(11),
    ],
    ['with leading zeros', '0000000000000001\r\na\r\n000\r\n\r\n', 'a'],
    ['with extensions', '1;a\r\nx\r\n1;a=b;c="d"\r\ny\r\n0;e\r\n\r\n', 'xy'],
    ['with white space before an extension', '1 \t;a\r\nx\r\n0\r\n\r\n', 'x'],
    ['with trailers', '1\r\nx\r\n0\r\nA: b\r\nC:\r\n\r\n', 'x'],
    ['that contains framing', '7\r\n0\r\n\r\nGE\r\n0\r\n\r\n', '0\r\n\r\nGE'],
  ];
  for (const [name, stream, body] of valid) {
    it(`${name} is read, and what follows is not`, () => {
      assert.deepEqual(readEveryWay(CHUNKED, `${stream}GET / HTTP/1.1`), { body, end: END, taken: stream.length });
    });
  }

  const broken: readonly string[] = [
    '\r\n',
    'g\r\n',
    '-1\r\n',
    '+1\r\n',
    ' 1\r\n',
    '0x1\r\n',
    '1 \r\n',
    '1\t\r\n',
    '1 2\r\n',
    '1\n',
    '1\rx',
    '1,\r\n',
    '1;\n',
    '1;\0\r\n',
    '1;a\rb',
    '1\r\nxy',
    '1\r\nx\n',
    '1\r\nx\rx',
    '1\r\nx0\r\n\r\n',
    '5\r\nhello\r\n\r\n',
    '20000000000000\r\n',
    'fffffffffffffff\r\n',
    '00000000000000000\r\n',
    'ffffffffffffffffff\r\n',
    '0\r\n\n',
    '0\r\nA\r\n',
    '0\r\n: a\r\n',
    '0\r\nA : b\r\n',
    '0\r\n A: b\r\n',
    '0\r\nA: b\n',
    '0\r\nA: \0\r\n',
    '0\r\n\rX',
    '0\n\n',
  ];
  for (const stream of broken) {
    it(`with ${JSON.stringify(stream)} is broken`, () => assert.equal(readEveryWay(CHUNKED, stream).end, BROKEN));
  }

  it('may have sizes up to 2^53-1', () => {
    const reader = new BodyReader();
    reader.start(CHUNKED);
    const bytes = Buffer.from('1fffffffffffff\r\nx');
    assert.equal(reader.next(bytes, 0, bytes.length), DATA);
  });

  it('may have 1 KiB of extensions in all, and trailers within the limits, not more', () => {
    const extension = (size: number): string => `1;${'a'.repeat(size - 1)}\r\nx\r\n`;
    assert.equal(read(CHUNKED, [extension(512), extension(512), '0\r\n\r\n']).end, END);
    assert.equal(read(CHUNKED, [extension(512), extension(513), '0\r\n\r\n']).end, EXCESS);
    const trailers = (size: number): string => `0\r\nA:${'b'.repeat(size - 6)}\r\n\r\n`;
    assert.equal(read(CHUNKED, [trailers(8192)]).end, END);
    assert.equal(read(CHUNKED, [trailers(8193)]).end, EXCESS);
    const two = '0\r\nA: 1\r\nB: 2\r\n\r\n';
    assert.equal(read(CHUNKED, [two], { trailerBytesMax: 14, trailerCountMax: 2 }).end, END);
    assert.equal(read(CHUNKED, [two], { trailerBytesMax: 13, trailerCountMax: 2 }).end, EXCESS);
    assert.equal(read(CHUNKED, [two], { trailerBytesMax: 14, trailerCountMax: 1 }).end, EXCESS);
    assert.equal(read(CHUNKED, ['0\r\n\r\n'], { trailerBytesMax: 2, trailerCountMax: 0 }).end, END);
  });

  it('counts its bytes without the framing, and starts anew with the next', () => {
    const reader = new BodyReader();
    for (let round = 0; round < 2; round++) {
      reader.start(CHUNKED);
      const bytes = Buffer.from('3;x\r\nabc\r\n2\r\nde\r\n0\r\nT: u\r\n\r\n');
      let step = reader.next(bytes, 0, bytes.length);
      while (step === DATA) step = reader.next(bytes, reader.position, bytes.length);
      assert.deepEqual([step, reader.received, reader.isDone], [END, 5, true]);
    }
  });
});

describe('gathering', () => {
  /** Gathers a stream that stands behind other bytes. */
  function gathered(length: number, stream: string): { step: number; body: string; rest: string; before: string } {
    const reader = new BodyReader();
    reader.start(length);
    const bytes = Buffer.from(`head${stream}`, 'latin1');
    const step = reader.gather(bytes, 4, bytes.length);
    return {
      step,
      body: bytes.toString('latin1', reader.dataStart, reader.dataEnd),
      rest: bytes.toString('latin1', reader.position),
      before: bytes.toString('latin1', 0, 4),
    };
  }

  it('moves all spans together and leaves what stands before and behind alone', () => {
    const stream = '1\r\na\r\n2;x\r\nbc\r\n3\r\ndef\r\n0\r\nT: u\r\n\r\nGET /';
    assert.deepEqual(gathered(CHUNKED, stream), { step: END, body: 'abcdef', rest: 'GET /', before: 'head' });
    assert.deepEqual(gathered(3, 'abcGET /'), { step: END, body: 'abc', rest: 'GET /', before: 'head' });
  });

  it('of part of a body takes everything there is', () => {
    assert.deepEqual(gathered(CHUNKED, '5\r\nab'), { step: MORE, body: 'ab', rest: '', before: 'head' });
    assert.deepEqual(gathered(CHUNKED, '5'), { step: MORE, body: '', rest: '', before: 'head' });
    assert.deepEqual(gathered(UNTIL_CLOSE, 'ab'), { step: MORE, body: 'ab', rest: '', before: 'head' });
  });

  it('of nothing finds nothing', () => {
    assert.deepEqual(gathered(0, 'GET /'), { step: END, body: '', rest: 'GET /', before: 'head' });
    assert.equal(gathered(CHUNKED, '0\r\n\r\n').body, '');
  });

  it('of a broken body says so', () => {
    assert.equal(gathered(CHUNKED, '1\r\na\r\nx').step, BROKEN);
    assert.equal(gathered(CHUNKED, `1;${'x'.repeat(2000)}\r\n`).step, EXCESS);
  });

  it('knows how many bytes the body has had in all', () => {
    const reader = new BodyReader();
    reader.start(CHUNKED);
    for (const piece of ['1\r\na\r\n2\r\nb', 'c\r\n1\r\nd\r\n']) reader.gather(Buffer.from(piece), 0, piece.length);
    assert.equal(reader.received, 4);
  });
});

it('reading allocates nothing', COUNTED, () => {
  const reader = new BodyReader();
  const bytes = Buffer.from('5;x\r\nhello\r\n0\r\n\r\n');
  let kept = 0;
  const perCall = bytesPerCall(() => {
    reader.start(CHUNKED);
    while (reader.next(bytes, kept, bytes.length) === DATA) kept = reader.position;
    kept = 0;
  });
  assert.equal(perCall, 0);
});
