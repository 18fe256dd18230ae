/** Response heads against llhttp: what we accept, it accepts and reads alike; and what we send on, it reads as one response. */

import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, it } from 'node:test';
import { Random } from '#src/lib/random.ts';
import { clientFraming, interimText, responseText } from '#src/proxy/header/response.ts';
import { UNTIL_CLOSE } from '#src/proxy/http1/body.ts';
import { CHUNKED } from '#src/proxy/http1/framing.ts';
import type { ResponseHead } from '#src/proxy/http1/response-head.ts';
import { opinionOf } from '../support/proxy/llhttp.ts';
import { fuzzMs, fuzzSeed, mutate } from '../support/proxy/mutate.ts';
import { bench, exchangeOn } from '../support/proxy/parts.ts';

const CORPUS = join(import.meta.dirname, 'corpus/response-head');
const SEED = fuzzSeed();
const BODY_BYTES_MAX = 1000;
const on = bench();

/** The head with the body that we believe belongs to it. */
function withBody(head: Buffer, length: number): Buffer {
  if (length === CHUNKED) return Buffer.concat([head, Buffer.from('3\r\nabc\r\n0\r\n\r\n')]);
  if (length === UNTIL_CLOSE) return Buffer.concat([head, Buffer.from('abc')]);
  return length > BODY_BYTES_MAX ? head : Buffer.concat([head, Buffer.alloc(length, 'x')]);
}

/** llhttp sees one whole response whose head and end are where we see them. */
function assertAgrees(head: Buffer, length: number, isHead: boolean, what: string): void {
  const whole = opinionOf('response', withBody(head, length), isHead);
  assert.equal(whole.error, '', what);
  assert.equal(opinionOf('response', head, isHead).hasHead, true, `${what}: it waits for more`);
  assert.equal(opinionOf('response', head.subarray(0, -1), isHead).hasHead, false, `${what}: its head ends earlier`);
  if (length > BODY_BYTES_MAX && length !== UNTIL_CLOSE) return;
  assert.equal(whole.isDone, length !== UNTIL_CLOSE, `${what}: it ends elsewhere`);
  assert.equal(whole.body.length, length === CHUNKED || length === UNTIL_CLOSE ? 3 : length, `${what}: another body`);
}

/** What the client gets is one response with the framing that we give it. */
function assertForwardable(head: ResponseHead, isHead: boolean, minor: number): void {
  const x = Object.assign(exchangeOn(on), { method: isHead ? 'HEAD' : 'GET', minor });
  if (head.status < 200) {
    if (head.status !== 101) assertAgrees(Buffer.from(interimText(head), 'latin1'), 0, isHead, 'sent on');
    return;
  }
  const framing = clientFraming(head, minor);
  const text = responseText(x, head, framing, framing === 'close');
  const lengths = { 'as-is': head.bodyLength, chunked: CHUNKED, close: UNTIL_CLOSE };
  assertAgrees(Buffer.from(text, 'latin1'), lengths[framing], isHead, `sent on: ${JSON.stringify(text)}`);
  assert.doesNotMatch(text, /^(?:keep-alive|te|upgrade|proxy-.*|trailer):/im);
}

/** Judges one input; `true` when we accept it. */
function judge(text: string, isHead: boolean, minor: number): boolean {
  const bytes = Buffer.from(text, 'latin1');
  const head = on.table.responseHead;
  const end = head.parse(bytes, 0, bytes.length, isHead);
  if (end <= 0) return false;
  const moved = Buffer.concat([Buffer.from('zzz'), bytes]);
  assert.equal(head.parse(moved, 3, moved.length, isHead), end + 3);
  head.parse(bytes, 0, bytes.length, isHead);
  // An upgrade that nobody asked for is refused by whoever reads the status.
  if (head.status !== 101) assertAgrees(bytes.subarray(0, end), head.bodyLength, isHead, 'received');
  assertForwardable(head, isHead, minor);
  return true;
}

const corpus = globSync('*.json', { cwd: CORPUS })
  .sort()
  .map((file) => [basename(file, '.json'), JSON.parse(readFileSync(join(CORPUS, file), 'utf8')) as string[]] as const);
const seeds = corpus.flatMap(([, texts]) => texts);

describe('the corpus of response heads', () => {
  for (const [name, texts] of corpus) {
    it(`${name}: ${texts.length}`, () => {
      for (const text of texts) {
        const isAccepted = judge(text, false, 1);
        if (name.startsWith('accepted')) assert.ok(isAccepted, JSON.stringify(text));
        if (name.startsWith('refused')) assert.ok(!isAccepted, JSON.stringify(text));
        judge(text, true, 1);
        judge(text, false, 0);
      }
    });
  }
});

describe(`hostile response heads (FUZZ_SEED=${SEED})`, () => {
  it('are never accepted where llhttp refuses, never read differently, and never throw', (t) => {
    const random = new Random(SEED);
    const endsAt = performance.now() + fuzzMs();
    let tried = 0;
    let accepted = 0;
    while (performance.now() < endsAt) {
      const text = mutate(seeds, random);
      const isHead = random.nextUint32() % 4 === 0;
      const minor = random.nextUint32() % 4 === 0 ? 0 : 1;
      tried++;
      try {
        if (judge(text, isHead, minor)) accepted++;
      } catch (error) {
        assert.fail(
          `FUZZ_SEED=${SEED}, input ${tried}, ${isHead ? 'HEAD' : 'GET'} 1.${minor}: ${JSON.stringify(text)}\n${String(error)}`,
        );
      }
    }
    t.diagnostic(`${tried} inputs, ${accepted} accepted`);
    assert.ok(accepted > 0 && accepted < tried);
  });
});
