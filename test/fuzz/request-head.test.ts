/** Request heads against llhttp: what we accept, it accepts and reads alike; and what we send on, it reads as one request. */

import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, it } from 'node:test';
import { Random } from '#src/lib/random.ts';
import { requestText } from '#src/proxy/header/request.ts';
import { CHUNKED } from '#src/proxy/http1/framing.ts';
import type { RequestHead } from '#src/proxy/http1/request-head.ts';
import { type Opinion, opinionOf } from '../support/proxy/llhttp.ts';
import { fuzzMs, fuzzSeed, mutate } from '../support/proxy/mutate.ts';
import { bench, exchangeOn, peerOf, TWO_VERSIONS } from '../support/proxy/parts.ts';

const CORPUS = join(import.meta.dirname, 'corpus/request-head');
const SEED = fuzzSeed();
/** Bodies of known length longer than this are not made for the second opinion. */
const BODY_BYTES_MAX = 1000;

const on = bench({ routes: [TWO_VERSIONS] });
const lines = { peer: peerOf(), forwarded: 'X-Forwarded-For: 203.0.113.7\r\nX-Forwarded-Proto: http\r\n' };

/**
 * What we accept and llhttp does not, each with its reason. Everything else that only we accept is a fault.
 * HPE_INVALID_METHOD: llhttp knows a list of methods; any token is one, and unknown ones pass through.
 */
const EXPLAINED = new Set(['HPE_INVALID_METHOD']);

/** A head as llhttp sees it, with the body that we believe belongs to it and nothing more. */
function withBody(head: Buffer, length: number): Buffer {
  if (length === CHUNKED) return Buffer.concat([head, Buffer.from('3\r\nabc\r\n0\r\n\r\n')]);
  return length > BODY_BYTES_MAX ? head : Buffer.concat([head, Buffer.alloc(length, 'x')]);
}

/** llhttp sees one whole message whose head and end are where we see them. */
function assertAgrees(head: Buffer, length: number, what: string): Opinion | null {
  const whole = opinionOf('request', withBody(head, length));
  if (EXPLAINED.has(whole.error)) return null;
  assert.equal(whole.error, '', what);
  assert.equal(opinionOf('request', head).hasHead, true, `${what}: it waits for more`);
  assert.equal(opinionOf('request', head.subarray(0, -1)).hasHead, false, `${what}: its head ends earlier`);
  if (whole.isUpgrade || length > BODY_BYTES_MAX) return whole;
  assert.equal(whole.isDone, true, `${what}: its message is longer`);
  if (length !== 0)
    assert.equal(
      opinionOf('request', withBody(head, length).subarray(0, -1)).isDone,
      false,
      `${what}: its message is shorter`,
    );
  assert.equal(whole.body.length, length === CHUNKED ? 3 : length, `${what}: another body`);
  return whole;
}

function assertSameFields(head: RequestHead, opinion: Opinion): void {
  assert.equal(opinion.fields.length, head.fields.count);
  const host = opinion.fields.filter(([name]) => name.toLowerCase() === 'host');
  assert.ok(host.length <= 1);
  const authority = (host[0]?.[1] ?? '')
    .toLowerCase()
    .replace(/:\d*$/, '')
    .replace(/(.)\.$/, '$1');
  assert.equal(head.host, authority);
}

/** What goes upstream is one request with the same framing, whoever reads it. */
function assertForwardable(head: RequestHead): void {
  const x = exchangeOn(on);
  const { method, target, minor, bodyLength } = head;
  Object.assign(x, { method, target, minor, bodyLength });
  const text = requestText(x, head, lines, '0123456789abcdef'.repeat(3));
  const sent = assertAgrees(Buffer.from(text, 'latin1'), bodyLength, `sent upstream: ${JSON.stringify(text)}`);
  if (sent === null) return;
  assert.equal(sent.isUpgrade, false, 'an upgrade was sent on');
  assert.equal(sent.target, target);
  for (const name of ['host', 'x-request-id', 'x-forwarded-for', 'x-forwarded-proto', 'traceparent']) {
    assert.equal(sent.fields.filter(([field]) => field.toLowerCase() === name).length, 1, name);
  }
  for (const [name] of sent.fields)
    assert.doesNotMatch(name, /^(?:connection|te|upgrade|keep-alive|proxy-.*|transfer_encoding|content_length)$/i);
}

/** Judges one input; `true` when we accept it. */
function judge(text: string): boolean {
  const bytes = Buffer.from(text, 'latin1');
  const head = on.table.requestHead;
  const end = head.parse(bytes, 0, bytes.length);
  if (end <= 0) return false;
  // The same bytes somewhere else in a buffer are the same head.
  const moved = Buffer.concat([Buffer.from('zzz'), bytes]);
  assert.equal(head.parse(moved, 3, moved.length), end + 3);
  head.parse(bytes, 0, bytes.length);
  const opinion = assertAgrees(bytes.subarray(0, end), head.bodyLength, 'received');
  if (opinion !== null) assertSameFields(head, opinion);
  assert.match(head.target, /^(?:\/[!-~]*|\*)$/);
  assert.match(head.path, /^(?:\/[^?#\\]*|\*)$/);
  if (head.target !== '*') assertForwardable(head);
  return true;
}

const corpus = globSync('*.json', { cwd: CORPUS })
  .sort()
  .map((file) => [basename(file, '.json'), JSON.parse(readFileSync(join(CORPUS, file), 'utf8')) as string[]] as const);
const seeds = corpus.flatMap(([, texts]) => texts);

describe('the corpus of request heads', () => {
  for (const [name, texts] of corpus) {
    it(`${name}: ${texts.length} are ${name.startsWith('accepted') ? 'accepted' : 'judged without a fault'}`, () => {
      for (const text of texts) {
        const isAccepted = judge(text);
        if (name.startsWith('accepted')) assert.ok(isAccepted, JSON.stringify(text));
        if (name.startsWith('refused')) assert.ok(!isAccepted, JSON.stringify(text));
      }
    });
  }
});

describe(`hostile request heads (FUZZ_SEED=${SEED})`, () => {
  it('are never accepted where llhttp refuses, never read differently, and never throw', (t) => {
    const random = new Random(SEED);
    const endsAt = performance.now() + fuzzMs();
    let tried = 0;
    let accepted = 0;
    while (performance.now() < endsAt) {
      const text = mutate(seeds, random);
      tried++;
      try {
        if (judge(text)) accepted++;
      } catch (error) {
        assert.fail(`FUZZ_SEED=${SEED}, input ${tried}: ${JSON.stringify(text)}\n${String(error)}`);
      }
    }
    t.diagnostic(`${tried} inputs, ${accepted} accepted`);
    assert.ok(accepted > 0 && accepted < tried);
  });
});
