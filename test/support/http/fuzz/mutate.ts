/**
 * Makes hostile variants of messages: bytes flipped, pieces of protocol inserted, lines doubled, two messages spliced.
 */

import type { Random } from '#src/lib/random.ts';
import { samples } from '../../runner/depth.ts';

/** Pieces that parsers have disagreed about. */
const PIECES: readonly string[] = [
  ...[
    '\r',
    '\n',
    '\r\n',
    '\r\n\r\n',
    '\n\n',
    '\0',
    ' ',
    '\t',
    '\x0b',
    '\x0c',
    '\x7f',
    '\x80',
    '\xa0',
    '\xff',
    ':',
    ';',
    ',',
    '"',
    '#',
    '?',
  ],
  ...[
    '%',
    '%2e',
    '%2f',
    '%5c',
    '%00',
    '%zz',
    '/',
    '//',
    '/../',
    '\\',
    '..;',
    '*',
    '@',
    '[',
    ']',
    '+',
    '-',
    '_',
    '0x',
    '0',
    '00',
    '1',
    'f',
  ],
  ...['GET ', 'HEAD ', 'CONNECT ', ' HTTP/1.1', ' HTTP/1.0', ' HTTP/0.9', ' HTTP/2.0', 'http://a', 'https://b:443/'],
  ...[
    'Host: a\r\n',
    'Host: b\r\n',
    'Host : a\r\n',
    'Content-Length: 3\r\n',
    'Content-Length: 0\r\n',
    'Content-Length: +3\r\n',
  ],
  ...[
    'Transfer-Encoding: chunked\r\n',
    'Transfer-Encoding: gzip, chunked\r\n',
    'Transfer-Encoding:chunked\r\n',
    'Transfer_Encoding: chunked\r\n',
  ],
  ...[
    'transfer-encoding : chunked\r\n',
    'Connection: close\r\n',
    'Connection: content-length\r\n',
    'Connection: upgrade\r\nUpgrade: x\r\n',
  ],
  ...[
    ' folded\r\n',
    '\tfolded\r\n',
    ': empty\r\n',
    'A\r\n',
    'Expect: 100-continue\r\n',
    '0\r\n\r\n',
    '5\r\nhello\r\n',
    '1;a=b\r\nx\r\n',
  ],
];

/** One hostile variant, as Latin-1. @param seeds messages to start from */
export function mutate(seeds: readonly string[], random: Random): string {
  let text = pick(seeds, random);
  for (let n = random.nextUint32() % 4; n >= 0; n--) text = mutateOnce(text, seeds, random);
  return text.slice(0, 20_000);
}

function pick(from: readonly string[], random: Random): string {
  return from[random.nextUint32() % from.length] as string;
}

function mutateOnce(text: string, seeds: readonly string[], random: Random): string {
  const at = random.nextUint32() % (text.length + 1);
  const length = random.nextUint32() % 6;
  switch (random.nextUint32() % 8) {
    case 0:
      return text.slice(0, at) + String.fromCharCode(random.nextUint32() & 255) + text.slice(at + 1);
    case 1:
      return text.slice(0, at) + text.slice(at + length);
    case 2:
    case 3:
    case 4:
      return text.slice(0, at) + pick(PIECES, random) + text.slice(at + (length % 3));
    case 5:
      return doubleLine(text, random);
    case 6: {
      const other = pick(seeds, random);
      return text.slice(0, at) + other.slice(random.nextUint32() % (other.length + 1));
    }
    default:
      return swapCase(text, at);
  }
}

function doubleLine(text: string, random: Random): string {
  const lines = text.split('\r\n');
  const at = random.nextUint32() % lines.length;
  lines.splice(random.nextUint32() % lines.length, 0, lines[at] as string);
  return lines.join('\r\n');
}

function swapCase(text: string, at: number): string {
  const char = text.charAt(at);
  const swapped = char === char.toLowerCase() ? char.toUpperCase() : char.toLowerCase();
  return text.slice(0, at) + (swapped.length === 1 ? swapped : char) + text.slice(at + 1);
}

/** How long to search, in ms: `FUZZ_SECONDS`, else 5 s, less in a quick run. */
export function fuzzMs(): number {
  const asked = process.env['FUZZ_SECONDS'];
  if (asked !== undefined) return Number(asked) * 1000;
  return samples(5000, 100);
}

/** Seed of a search: `FUZZ_SEED`, else another one each time. */
export function fuzzSeed(): number {
  const asked = process.env['FUZZ_SEED'];
  return asked === undefined ? Date.now() >>> 0 : Number(asked);
}
