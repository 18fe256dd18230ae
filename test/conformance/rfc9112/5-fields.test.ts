/** RFC 9112 section 5, field syntax both ways: token, colon, value; no folding, no control characters, nothing repaired. */
import {
  describeRequests,
  describeResponses,
  type RequestCase,
  type ResponseCase,
} from '../../support/http/conformance/cases.ts';

/** Lines that no head may have. */
const BAD_LINES: readonly string[] = [
  ' A: b',
  '\tA: b',
  'A : b',
  'A\t: b',
  ': b',
  ' : b',
  'A',
  'A b: c',
  'A\x0b: b',
  'A(b): c',
  'A[b]: c',
  'A/b: c',
  'A=b: c',
  'A@b: c',
  'A"b": c',
  'A{b}: c',
  'A,b: c',
  'A;b: c',
  '\xe9: b',
  'A\x7f: b',
  'A: \0',
  'A: b\x01c',
  'A: b\x08c',
  'A: \x0b',
  'A: \x0c',
  'A: b\x1bc',
  'A: b\x7fc',
  'A: b\rc',
  'A: b\nc',
  'A: b\r\n c',
  'A: b\r\n\tc',
  'A: b\r\n ',
  'A: b\r\n c\r\n d',
  'A:\r\n b',
];

/** Lines that every head may have, and that go on byte for byte. */
const GOOD_LINES: readonly string[] = [
  'A: b',
  'A:b',
  'A:   b',
  'A: b   ',
  'A:\tb\t',
  'A: b\tc  d',
  'A:',
  'A: ',
  'aBc: D',
  "!#$%&'*+-.^_`|~: x",
  '1: 2',
  'A: \x80\xff',
  'A: "b\\"c", d; e=f',
  'A: :b:',
  'A: b\r\na: c\r\nA: b',
  `A: ${'x'.repeat(8000)}`,
];

describeRequests(
  '5: a request with this line is refused',
  BAD_LINES.map(
    (line): RequestCase => ({
      name: JSON.stringify(line),
      bytes: `GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n${line}\r\n\r\n`,
      refused: 400,
    }),
  ),
);

describeRequests(
  '5: a request keeps this line',
  GOOD_LINES.map((line): RequestCase => {
    const bytes = `GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n${line}\r\nZ: z\r\n\r\n`;
    return { name: JSON.stringify(line.slice(0, 40)), bytes, sees: bytes };
  }),
);

describeResponses(
  '5: a response with this line is refused with 502',
  BAD_LINES.map(
    (line): ResponseCase => ({
      name: JSON.stringify(line),
      answer: `HTTP/1.1 200 OK\r\nX: y\r\n${line}\r\nContent-Length: 0\r\n\r\n`,
      gets: 'refused',
    }),
  ),
);

describeResponses(
  '5: a response keeps this line',
  GOOD_LINES.map((line): ResponseCase => {
    const answer = `HTTP/1.1 200 OK\r\nX: y\r\n${line}\r\nContent-Length: 0\r\n\r\n`;
    return { name: JSON.stringify(line.slice(0, 40)), answer, gets: answer };
  }),
);
