/** The body reader equals a slow, obvious decoder, on valid streams and on damaged ones, however they are cut. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { BodyReader, BROKEN, DATA, END, EXCESS, MORE } from '#src/proxy/http1/body.ts';
import { CHUNKED } from '#src/proxy/http1/framing.ts';

interface Decoded {
  readonly body: string;
  /** Bytes of the stream that belong to the body. */
  readonly taken: number;
}

/** The grammar of RFC 9112 section 7.1 as expressions; null when the stream does not begin with a whole body. */
function reference(stream: string): Decoded | null {
  let at = 0;
  let body = '';
  for (;;) {
    const line = /^([0-9A-Fa-f]{1,16})(?:[ \t]*;[\t\x20-\x7e\x80-\xff]*)?\r\n/.exec(stream.slice(at));
    if (line === null) return null;
    const size = Number.parseInt(line[1] as string, 16);
    at += line[0].length;
    if (size === 0) break;
    if (stream.slice(at + size, at + size + 2) !== '\r\n') return null;
    body += stream.slice(at, at + size);
    at += size + 2;
  }
  for (;;) {
    if (stream.startsWith('\r\n', at)) return { body, taken: at + 2 };
    const trailer = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*\r\n/.exec(stream.slice(at));
    if (trailer === null) return null;
    at += trailer[0].length;
  }
}

interface Read extends Decoded {
  readonly step: number;
}

/** Reads a stream cut at these places. */
function read(stream: string, cuts: readonly number[]): Read {
  const reader = new BodyReader();
  reader.start(CHUNKED);
  const bytes = Buffer.from(stream, 'latin1');
  const ends = [...new Set([...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length])].sort((a, b) => a - b);
  let body = '';
  let from = 0;
  for (const end of ends) {
    let step = reader.next(bytes, from, end);
    while (step === DATA) {
      body += bytes.toString('latin1', reader.dataStart, reader.dataEnd);
      step = reader.next(bytes, reader.position, end);
    }
    assert.equal(reader.received, body.length);
    if (step !== MORE) return { body, taken: reader.position, step };
    assert.equal(reader.position, end, 'MORE takes everything');
    from = end;
  }
  return { body, taken: bytes.length, step: MORE };
}

/** Reads a stream cut at these places as a connection does: all that came together is gathered. */
function gather(stream: string, cuts: readonly number[]): Read {
  const reader = new BodyReader();
  reader.start(CHUNKED);
  const ends = [...new Set([...cuts.map((cut) => cut % (stream.length + 1)), stream.length])].sort((a, b) => a - b);
  let body = '';
  let from = 0;
  for (const end of ends) {
    const bytes = Buffer.from(stream.slice(from, end), 'latin1');
    const step = reader.gather(bytes, 0, bytes.length);
    body += bytes.toString('latin1', reader.dataStart, reader.dataEnd);
    if (step !== MORE) return { body, taken: from + reader.position, step };
    from = end;
  }
  return { body, taken: stream.length, step: MORE };
}

const text = (maxLength: number): fc.Arbitrary<string> =>
  fc.array(fc.integer({ min: 0, max: 255 }), { maxLength }).map((bytes) => String.fromCharCode(...bytes));
const chunk = fc
  .record({
    data: text(40).filter((data) => data.length > 0),
    zeros: fc.nat({ max: 3 }),
    isUpper: fc.boolean(),
    extension: fc.constantFrom('', ';a', ' ;a=b', '\t;"x"', ';\xff'),
  })
  .map(({ data, zeros, isUpper, extension }) => {
    const size = '0'.repeat(zeros) + data.length.toString(16);
    return `${isUpper ? size.toUpperCase() : size}${extension}\r\n${data}\r\n`;
  });
const valid = fc
  .record({
    chunks: fc.array(chunk, { maxLength: 6 }),
    last: fc.constantFrom('0\r\n\r\n', '000;e\r\n\r\n', '0\r\nA: b\r\n\r\n', '0\r\nA:\r\nB: \t\r\n\r\n'),
    rest: fc.constantFrom('', 'GET / HTTP/1.1\r\n', '\r\n', '0\r\n\r\n', '\0'),
  })
  .map(({ chunks, last, rest }) => `${chunks.join('')}${last}${rest}`);
const cuts = fc.array(fc.nat(), { maxLength: 8 });

describe('a chunked body', () => {
  it('that is valid reads as the reference does, however it is cut', () => {
    fc.assert(
      fc.property(valid, cuts, (stream, at) => {
        const expected = reference(stream);
        assert.ok(expected !== null);
        assert.deepEqual(read(stream, at), { ...expected, step: END });
        assert.deepEqual(gather(stream, at), { ...expected, step: END });
      }),
      { numRuns: 500 },
    );
  });

  const damage = fc.record({
    at: fc.nat(),
    cut: fc.nat({ max: 2 }),
    put: fc.constantFrom('', '\r', '\n', '\r\n', '0', 'f', ' ', '\t', ';', ':', '\0', '-', 'x', '\x7f'),
  });

  it('that is damaged is complete exactly when the reference says so, with the same bytes', () => {
    fc.assert(
      fc.property(valid, fc.array(damage, { minLength: 1, maxLength: 3 }), cuts, (stream, damages, at) => {
        let damaged = stream;
        for (const one of damages) {
          const place = one.at % (damaged.length + 1);
          damaged = damaged.slice(0, place) + one.put + damaged.slice(place + one.cut);
        }
        const expected = reference(damaged);
        const got = read(damaged, at);
        assert.deepEqual(
          got.step === END ? { body: got.body, taken: got.taken } : null,
          expected,
          JSON.stringify(damaged),
        );
        assert.deepEqual(got, { ...read(damaged, []), body: got.body }, 'cutting changes nothing');
        assert.deepEqual(gather(damaged, at), got, 'gathering changes nothing');
        if (got.step === MORE) assert.ok(got.taken === damaged.length);
        else assert.ok([END, BROKEN, EXCESS].includes(got.step));
      }),
      { numRuns: 2000 },
    );
  });
});

describe('a measured body', () => {
  it('is its first bytes, however it is cut', () => {
    fc.assert(
      fc.property(text(60), fc.nat({ max: 60 }), cuts, (stream, length, at) => {
        const reader = new BodyReader();
        reader.start(length);
        const bytes = Buffer.from(stream, 'latin1');
        const ends = [...at.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
        let body = '';
        for (const end of ends) {
          while (reader.next(bytes, body.length, end) === DATA)
            body += bytes.toString('latin1', reader.dataStart, reader.dataEnd);
        }
        assert.equal(body, stream.slice(0, length));
        assert.equal(reader.isDone, stream.length >= length);
      }),
    );
  });
});
