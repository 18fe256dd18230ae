/**
 * Where messages are cut: every boundary for the parsers, a sample for sockets; and the parsers' reading of a cut stream.
 */

import assert from 'node:assert/strict';
import { reasonRow } from '#src/model/reason.ts';
import { BodyReader, DATA, END, MORE, UNTIL_CLOSE } from '#src/proxy/http1/body.ts';
import { CHUNKED } from '#src/proxy/http1/framing.ts';
import { bench } from '../../proxy/parts.ts';

/** Places of single cuts that real sockets are tried with, besides no cut and a cut at every byte. */
const SAMPLE = 4;

/** Cuts for real sockets: none, everywhere, and single ones; at most `SAMPLE + 2` of them. */
export function sampleCuts(length: number): readonly (readonly number[])[] {
  const everywhere = Array.from({ length: Math.max(0, length - 1) }, (_, i) => i + 1);
  const step = Math.max(1, Math.floor(length / SAMPLE));
  const single = Array.from({ length: SAMPLE }, (_, i) => 1 + i * step).filter((at) => at < length);
  // A long message is cut into single bytes in the parsers only.
  return [[], ...(length <= 2000 ? [everywhere] : []), ...single.map((at) => [at])];
}

const on = bench();
const HEAD = on.table.requestHead;
const RESPONSE = on.table.responseHead;

interface Parsed {
  /** Bytes of the head; 0 = incomplete, -1 = refused. */
  readonly end: number;
  readonly bodyLength: number;
  readonly what: string;
}

type Parse = (bytes: Buffer, from: number, end: number) => Parsed;

function parseRequest(bytes: Buffer, from: number, end: number): Parsed {
  const at = HEAD.parse(bytes, from, end);
  const { method, target, path, host, minor, keepAlive } = HEAD;
  const what = at < 0 ? reasonRow(HEAD.reason).name : `${method} ${target} ${path} ${host} 1.${minor} ${keepAlive}`;
  return { end: at, bodyLength: HEAD.bodyLength, what };
}

function parseResponse(isHead: boolean): Parse {
  return (bytes, from, end) => {
    const at = RESPONSE.parse(bytes, from, end, isHead);
    const what = at < 0 ? 'refused' : `${RESPONSE.statusText} 1.${RESPONSE.minor} ${RESPONSE.keepAlive}`;
    return { end: at, bodyLength: RESPONSE.bodyLength, what };
  };
}

/** What a connection reads from a stream, in words: heads, bodies, the first refusal. */
class Reading {
  readonly seen: string[] = [];
  readonly #stream: Buffer;
  readonly #parse: Parse;
  readonly #body = new BodyReader();
  #from = 0;
  /** The body so far; null while a head is read. */
  #text: string | null = null;

  constructor(stream: Buffer, parse: Parse) {
    this.#stream = stream;
    this.#parse = parse;
  }

  /** Reads on up to `end`; false when the stream was refused. */
  readTo(end: number): boolean {
    while (this.#from < end) {
      const step = this.#text === null ? this.#readHead(end) : this.#readBody(end);
      if (step !== 'on') return step === 'more';
    }
    return true;
  }

  finish(): string[] {
    if (this.#text !== null) this.seen.push(`incomplete body ${this.#text}`);
    else if (this.#from < this.#stream.length) this.seen.push('incomplete head');
    return this.seen;
  }

  #readHead(end: number): 'on' | 'more' | 'refused' {
    const head = this.#parse(this.#stream, this.#from, end);
    if (head.end === 0) return 'more';
    this.seen.push(`${head.what} ${nameOf(head.bodyLength)}`);
    if (head.end < 0) return 'refused';
    this.#from = head.end;
    this.#body.start(head.bodyLength);
    this.#text = head.bodyLength === 0 ? null : '';
    return 'on';
  }

  #readBody(end: number): 'on' | 'more' | 'refused' {
    const body = this.#body;
    let step = body.next(this.#stream, this.#from, end);
    for (; step === DATA; step = body.next(this.#stream, body.position, end)) {
      this.#text += this.#stream.toString('latin1', body.dataStart, body.dataEnd);
    }
    this.#from = body.position;
    if (step === MORE) return 'more';
    this.seen.push(step === END ? `body ${this.#text}` : `broken after ${this.#text}`);
    this.#text = null;
    return step === END ? 'on' : 'refused';
  }
}

/** What is read from a stream whose reads end at `cuts`. */
function readStream(stream: Buffer, cuts: readonly number[], parse: Parse): string[] {
  const reading = new Reading(stream, parse);
  for (const end of [...cuts, stream.length]) if (!reading.readTo(end)) return reading.seen;
  return reading.finish();
}

function nameOf(bodyLength: number): string {
  if (bodyLength === CHUNKED) return 'chunked';
  return bodyLength === UNTIL_CLOSE ? 'until close' : String(bodyLength);
}

function assertAlike(text: string, parse: Parse): string[] {
  const stream = Buffer.from(text, 'latin1');
  const whole = readStream(stream, [], parse);
  // Long messages are cut at every byte too, but not once for every byte: O(n^2) of the limits' cases takes seconds.
  const step = Math.max(1, Math.floor(stream.length / 2000));
  for (let at = 1; at < stream.length; at += step) {
    assert.deepEqual(readStream(stream, [at], parse), whole, `cut at ${at}`);
  }
  if (stream.length <= 2000) {
    const everywhere = Array.from({ length: stream.length - 1 }, (_, i) => i + 1);
    assert.deepEqual(readStream(stream, everywhere, parse), whole, 'cut at every byte');
  }
  return whole;
}

/** The request parsers read a stream alike wherever it is cut. Returns what they read. */
export function assertRequestCutsAlike(text: string): string[] {
  return assertAlike(text, parseRequest);
}

/** The response parsers read a stream alike wherever it is cut. Returns what they read. */
export function assertResponseCutsAlike(text: string, isHead: boolean): string[] {
  return assertAlike(text, parseResponse(isHead));
}
