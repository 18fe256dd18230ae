/** Chunked bodies against llhttp: what we take as complete, it takes as complete, with the same bytes and the same end. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BodyReader, DATA, END, MORE } from '#src/proxy/http1/body.ts';
import { CHUNKED } from '#src/proxy/http1/framing.ts';
import { corpusOf } from '../support/http/fuzz/corpus.ts';
import { REPLAY, search } from '../support/http/fuzz/search.ts';
import { opinionOf } from '../support/http/llhttp.ts';

const HEAD = Buffer.from('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n');

/**
 * What we accept and llhttp does not, with the reasons. Extensions are opaque to us and dropped when forwarding, so their
 * grammar does not matter, and RFC 9112 section 7.1.1 tells recipients to take white space before their semicolon.
 * Trailers are dropped too, so one that is called like a framing field frames nothing (section 7.1.2).
 */
function isExplained(stream: string, error: string): boolean {
  if (error === 'HPE_INVALID_CHUNK_SIZE' || error === 'HPE_STRICT') return /[0-9a-f][ \t]*;/i.test(stream);
  if (error === 'HPE_INVALID_TRANSFER_ENCODING') return /\ntransfer-encoding:/i.test(stream);
  return /^HPE_(?:UNEXPECTED|INVALID)_CONTENT_LENGTH$/.test(error) && /\ncontent-length:/i.test(stream);
}

interface Read {
  readonly step: number;
  readonly body: string;
  readonly end: number;
}

/** Reads a stream whose reads end at multiples of `piece`. */
function read(stream: string, piece: number): Read {
  const reader = new BodyReader();
  reader.start(CHUNKED);
  const bytes = Buffer.from(stream, 'latin1');
  let body = '';
  for (let from = 0; from < bytes.length; from += piece) {
    const end = Math.min(bytes.length, from + piece);
    let step = reader.next(bytes, from, end);
    while (step === DATA) {
      assert.ok(reader.dataStart < reader.dataEnd && reader.dataEnd <= end, 'a span outside the bytes');
      body += bytes.toString('latin1', reader.dataStart, reader.dataEnd);
      step = reader.next(bytes, reader.position, end);
    }
    if (step !== MORE) return { step, body, end: reader.position };
  }
  return { step: MORE, body, end: bytes.length };
}

/** Judges one stream; `true` when it holds a complete body. */
function judge(stream: string, piece: number): boolean {
  const whole = read(stream, Number.MAX_SAFE_INTEGER);
  assert.deepEqual(read(stream, piece), whole, `in pieces of ${piece}`);
  if (whole.step !== END) return false;
  const taken = Buffer.from(stream.slice(0, whole.end), 'latin1');
  const opinion = opinionOf('request', Buffer.concat([HEAD, taken]));
  if (isExplained(taken.toString('latin1'), opinion.error)) return true;
  assert.equal(opinion.error, '');
  assert.equal(opinion.isDone, true, 'llhttp waits for more');
  assert.equal(opinion.body, whole.body);
  assert.equal(
    opinionOf('request', Buffer.concat([HEAD, taken.subarray(0, -1)])).isDone,
    false,
    'llhttp was done before',
  );
  return true;
}

const corpus = corpusOf('body');
const seeds = corpus.flatMap(([, texts]) => texts);

describe('the corpus of chunked bodies', () => {
  for (const [name, texts] of corpus) {
    it(`${name}: ${texts.length}`, () => {
      for (const text of texts) {
        const isComplete = judge(text, 1);
        if (name.startsWith('accepted')) assert.ok(isComplete, JSON.stringify(text));
        if (name.startsWith('refused')) assert.ok(!isComplete, JSON.stringify(text));
      }
    });
  }
});

describe(`hostile chunked bodies (${REPLAY})`, () => {
  it('are never complete where llhttp says otherwise, however they are cut, and never throw', async (t) => {
    const { tried, classes } = await search(t, {
      seeds,
      judge: (stream, random) => (judge(stream, 1 + (random.nextUint32() % 8)) ? 'complete' : 'not complete'),
    });
    const complete = classes.get('complete') ?? 0;
    assert.ok(complete > 0 && complete < tried);
  });
});
