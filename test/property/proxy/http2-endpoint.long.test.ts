/** Any request over HTTP/1.1 reaches an endpoint that speaks HTTP/2 as it was sent, and any answer comes back so. */

import assert from 'node:assert/strict';
import type { ServerHttp2Stream } from 'node:http2';
import { it } from 'node:test';
import { Random } from '#src/lib/random.ts';
import { fuzzSeed } from '../../support/http/fuzz/mutate.ts';
import { fieldIn, http2EndpointOf, oneHttp2 } from '../../support/http/h2-endpoint.ts';
import { assertQuiet, clientOf, FIRST_CELL, planeOf, ROUTE_CELL } from '../../support/proxy/running.ts';

const SEED = fuzzSeed();
const ROUNDS = 150;
const METHODS = ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'];
const STATUSES = [200, 201, 202, 206, 299, 400, 404, 451, 500, 599];
const NAME_CHARS = "abcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-.^`|~";
const VALUE_CHARS = 'abcXYZ019 \t"%,;=:/?\xe9\xff';
const BODY_BYTES_MAX = 70_000;

interface Message {
  readonly fields: readonly (readonly [string, string])[];
  readonly body: Buffer;
  /** Without one the body is chunked, and so are trailers possible. */
  readonly hasLength: boolean;
  readonly trailers: readonly (readonly [string, string])[];
}

function textOf(random: Random, chars: string, lengthMax: number): string {
  const length = 1 + (random.nextUint32() % lengthMax);
  return Array.from({ length }, () => chars[random.nextUint32() % chars.length]).join('');
}

function fieldsOf(random: Random, prefix: string): [string, string][] {
  return Array.from({ length: random.nextUint32() % 6 }, () => [
    `${prefix}${textOf(random, NAME_CHARS, 12)}`,
    textOf(random, VALUE_CHARS, 40).trim(),
  ]);
}

function messageOf(random: Random, mayHaveBody: boolean): Message {
  const hasLength = random.nextFloat() < 0.5;
  const size = mayHaveBody ? random.nextUint32() % (random.nextFloat() < 0.3 ? BODY_BYTES_MAX : 300) : 0;
  const body = Buffer.from(Uint8Array.from({ length: size }, () => random.nextUint32() & 0xff));
  const fields = fieldsOf(random, 'x1-');
  return { fields, body, hasLength, trailers: hasLength || size === 0 ? [] : fieldsOf(random, 'x2-') };
}

function chunked(random: Random, { body, trailers }: Message): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < body.length; ) {
    const part = body.subarray(at, at + 1 + (random.nextUint32() % 20_000));
    parts.push(Buffer.from(`${part.length.toString(16)}\r\n`), part, Buffer.from('\r\n'));
    at += part.length;
  }
  return Buffer.concat([...parts, Buffer.from(`0\r\n${lines(trailers)}\r\n`, 'latin1')]);
}

function lines(fields: readonly (readonly [string, string])[]): string {
  return fields.map(([name, value]) => `${name}: ${value}\r\n`).join('');
}

/** Fields whose names begin so, of a list of names and values by turns. */
function own(raw: readonly string[], prefix: string): string[] {
  const found: string[] = [];
  for (let i = 0; i < raw.length; i += 2) if (raw[i]?.startsWith(prefix)) found.push(`${raw[i]}: ${raw[i + 1]}`);
  return found;
}

function shown(fields: readonly (readonly [string, string])[]): string[] {
  return fields.map(([name, value]) => `${name}: ${value}`);
}

interface Taken {
  readonly raw: readonly string[];
  readonly body: Buffer;
  readonly trailers: readonly string[];
}

/** Notes the whole request, then answers. */
function take(stream: ServerHttp2Stream, raw: readonly string[], status: number, answer: Message): Promise<Taken> {
  const parts: Buffer[] = [];
  let trailers: readonly string[] = [];
  stream.on('data', (part: Buffer) => parts.push(part));
  stream.on('trailers', (_fields, _flags, own: string[]) => {
    trailers = own;
  });
  return new Promise((resolve) => {
    stream.on('end', () => {
      resolve({ raw, body: Buffer.concat(parts), trailers });
      const length = answer.hasLength ? ['content-length', String(answer.body.length)] : [];
      stream.respond([':status', String(status), ...answer.fields.flat(), ...length] as never, {
        waitForTrailers: answer.trailers.length > 0,
      });
      stream.on('wantTrailers', () => stream.sendTrailers(Object.fromEntries(answer.trailers)));
      stream.end(answer.body);
    });
  });
}

/** Those of one name stay in their order; that of names says nothing (RFC 9110 section 5.3), and nghttp2 puts equal ones together. */
function byName(lines: readonly string[]): string[] {
  const nameOf = (line: string): string => line.slice(0, line.indexOf(':'));
  return lines.toSorted((a, b) => Number(nameOf(a) > nameOf(b)) - Number(nameOf(a) < nameOf(b)));
}

/** The body of an answer that is complete, and its trailers. */
function unframe(text: string): { readonly body: string; readonly trailers: string[] } {
  const start = text.indexOf('\r\n\r\n') + 4;
  if (!/\r\nTransfer-Encoding: chunked\r\n/.test(text.slice(0, start)))
    return { body: text.slice(start), trailers: [] };
  let body = '';
  for (let at = start; ; ) {
    const end = text.indexOf('\r\n', at);
    const size = Number.parseInt(text.slice(at, end), 16);
    assert.ok(size >= 0, `cut at ${at}`);
    if (size === 0)
      return {
        body,
        trailers: text
          .slice(end + 2, -2)
          .split('\r\n')
          .slice(0, -1),
      };
    body += text.slice(end + 2, end + 2 + size);
    at = end + 4 + size;
  }
}

it(`a message is the same on both sides (FUZZ_SEED=${SEED})`, async (t) => {
  const random = new Random(SEED);
  const next: { status: number; answer: Message }[] = [];
  const taken: Promise<Taken>[] = [];
  const endpoint = await http2EndpointOf(
    t,
    (stream, raw) => {
      const { status, answer } = next.at(-1) as (typeof next)[0];
      taken.push(take(stream, raw, status, answer));
    },
    { strictSingleValueFields: false },
  );
  const plane = await planeOf(t, oneHttp2([endpoint.port]));
  for (let round = 0; round < ROUNDS; round++) {
    const method = METHODS[random.nextUint32() % METHODS.length] as string;
    const path = `/${encodeURIComponent(textOf(random, 'abc019-_~', 30))}?${textOf(random, 'abc=&%20+', 20)}`;
    const sent = messageOf(random, method !== 'GET');
    const status = STATUSES[random.nextUint32() % STATUSES.length] as number;
    const answer = messageOf(random, true);
    next.push({ status, answer });
    const isChunked = !sent.hasLength && sent.body.length > 0;
    const framing = isChunked ? 'Transfer-Encoding: chunked\r\n' : `Content-Length: ${sent.body.length}\r\n`;
    const head = `${method} ${path} HTTP/1.1\r\nHost: shop\r\nTE: trailers\r\nConnection: TE, close\r\n${framing}`;
    const client = clientOf(t, plane);
    client.send(`${head}${lines(sent.fields)}\r\n`);
    client.send(isChunked ? chunked(random, sent) : sent.body);
    const text = await client.closed();
    const got = (await taken.at(-1)) as Taken;
    const hint = `round ${round}: ${head}`;
    assert.deepEqual([fieldIn(got.raw, ':method'), fieldIn(got.raw, ':path')], [method, path], hint);
    assert.deepEqual(own(got.raw, 'x1-'), shown(sent.fields), hint);
    assert.equal(got.body.equals(sent.body), true, hint);
    assert.deepEqual(byName(own(got.trailers, 'x2-')), isChunked ? byName(shown(sent.trailers)) : [], hint);
    assert.match(text, new RegExp(`^HTTP/1\\.1 ${status} `), hint);
    const answered = text
      .slice(0, text.indexOf('\r\n\r\n'))
      .split('\r\n')
      .filter((line) => line.startsWith('x1-'));
    assert.deepEqual(answered, shown(answer.fields), hint);
    const { body, trailers } = unframe(text);
    assert.equal(body === answer.body.toString('latin1'), true, hint);
    assert.deepEqual(trailers.toSorted(), answer.hasLength ? [] : shown(distinct(answer.trailers)).toSorted(), hint);
  }
  await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [endpoint.port]);
});

/** As the server sends them: of a name the last one. */
function distinct(fields: readonly (readonly [string, string])[]): (readonly [string, string])[] {
  return [...new Map(fields).entries()];
}
