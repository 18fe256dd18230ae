/**
 * Header blocks of HTTP/2: a browser's request and a usual answer, first on a connection and again; and what the rules behind
 * them cost, for comparison.
 */

import { HeaderDecoder } from '../../src/proxy/http2/hpack/decoder.ts';
import { HeaderEncoder } from '../../src/proxy/http2/hpack/encoder.ts';
import { STATIC_NAMES, STATIC_VALUES } from '../../src/proxy/http2/hpack/static-table.ts';
import { requestText, responseFields } from '../../src/proxy/http2/rules.ts';
import { integer, text } from '../../test/support/http/fuzz/hpack.ts';
import type { Subject } from './measure.ts';

const REQUEST = [
  [':method', 'GET'],
  [':authority', 'shop.example.com'],
  [':scheme', 'https'],
  [':path', '/checkout/cart/4711?ref=home'],
  ['sec-ch-ua', '"Chromium";v="140", "Not=A?Brand";v="24", "Google Chrome";v="140"'],
  ['sec-ch-ua-mobile', '?0'],
  ['sec-ch-ua-platform', '"Linux"'],
  ['upgrade-insecure-requests', '1'],
  [
    'user-agent',
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36',
  ],
  ['accept', 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8'],
  ['sec-fetch-site', 'same-origin'],
  ['sec-fetch-mode', 'navigate'],
  ['sec-fetch-user', '?1'],
  ['sec-fetch-dest', 'document'],
  ['referer', 'https://shop.example.com/catalog/items/4711?ref=home'],
  ['accept-encoding', 'gzip, deflate, br, zstd'],
  ['accept-language', 'en-US,en;q=0.9'],
  ['cookie', 'session=0123456789abcdef0123456789abcdef; theme=dark; consent=yes'],
] as const;

const ANSWER_HEAD =
  'HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: 1234\r\nDate: Tue, 21 Apr 2026 09:10:11 GMT\r\n' +
  'Server: some/1.0\r\nCache-Control: private, max-age=0, must-revalidate\r\nETag: "5f3c-4711abcdef"\r\nVary: Accept-Encoding\r\n' +
  'X-Frame-Options: DENY\r\nX-Content-Type-Options: nosniff\r\nVia: 1.1 gateway\r\nX-Request-Id: 0123456789abcdef\r\n\r\n';

/** The request as browsers write it: in Huffman code; all but its path enters the table, and is an index the next time. */
function blocks(): { first: Buffer; again: Buffer } {
  const first: Buffer[] = [];
  const again: Buffer[] = [];
  const added = REQUEST.filter(([name, value]) => staticIndex(name, value) === 0 && name !== ':path');
  for (const [name, value] of REQUEST) {
    const index = staticIndex(name, value);
    const nameIndex = STATIC_NAMES.indexOf(name);
    const place = added.findIndex((field) => field[0] === name);
    const literal = [...(nameIndex > 0 ? [] : [text(name, true)]), text(value, true)];
    if (index > 0 || place < 0) {
      const same = index > 0 ? [integer(0x80, 7, index)] : [integer(0, 4, nameIndex), ...literal];
      first.push(...same);
      again.push(...same);
    } else {
      first.push(integer(0x40, 6, Math.max(0, nameIndex)), ...literal);
      again.push(integer(0x80, 7, 61 + added.length - place));
    }
  }
  return { first: Buffer.concat(first), again: Buffer.concat(again) };
}

function staticIndex(name: string, value: string): number {
  return Math.max(
    0,
    STATIC_NAMES.findIndex((one, index) => one === name && STATIC_VALUES[index] === value),
  );
}

const { first, again } = blocks();
const limits = { countMax: 100, listBytesMax: 16_384 };
const fields: string[] = [];
const answer = responseFields(ANSWER_HEAD).fields;
const into = Buffer.alloc(4096);
const known = new HeaderDecoder(4096);
known.decode(first, 0, first.length, [], limits);
if (!known.decode(again, 0, again.length, fields, limits) || fields.join() !== REQUEST.join()) {
  throw new Error('the blocks are not those of the request');
}
const warm = new HeaderEncoder();
for (let i = 0; i < 3; i++) warm.encode(answer, into, 0);

function decode(decoder: HeaderDecoder, block: Buffer): number {
  fields.length = 0;
  decoder.decode(block, 0, block.length, fields, limits);
  return fields.length;
}

function subject(name: string, run: () => number): Subject {
  return {
    name,
    run: (n) => {
      let kept = 0;
      for (let i = 0; i < n; i++) kept += run();
      return kept;
    },
  };
}

export const HEADER_BLOCK_SUBJECTS: readonly Subject[] = [
  subject(`decode a request’s ${first.length}-byte block, the first`, () => decode(new HeaderDecoder(4096), first)),
  subject(`decode a request’s ${again.length}-byte block, again`, () => decode(known, again)),
  subject('the request in the form of HTTP/1.1', () => requestText(fields, false).text.length),
  subject('an answer’s fields from its head', () => responseFields(ANSWER_HEAD).fields.length),
  subject('encode an answer, the first', () => new HeaderEncoder().encode(answer, into, 0)),
  subject('encode an answer again', () => warm.encode(answer, into, 0)),
  subject('encode an answer again, from its head', () => warm.encode(responseFields(ANSWER_HEAD).fields, into, 0)),
];
