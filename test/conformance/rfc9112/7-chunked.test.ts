/** RFC 9112 section 7.1, chunked coding both ways: hexadecimal digits, CRLF and nothing else; extensions go no further. */
import {
  describeRequests,
  describeResponses,
  type RequestCase,
  type ResponseCase,
} from '../../support/http/conformance/cases.ts';

const POST = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n';
const ANSWER = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';
const REST = '\r\nabc\r\n0\r\n\r\n';

const BROKEN: readonly (readonly [name: string, body: string])[] = [
  ['no size', `${REST}`],
  ['no size but an extension', `;a${REST}`],
  ['a size that is no number', `z${REST}`],
  ['a size with a sign', `+3${REST}`],
  ['a negative size', `-3${REST}`],
  ['a size with 0x', `0x3${REST}`],
  ['a size with h', `3h${REST}`],
  ['a size with a point', `3.0${REST}`],
  ['a size with an underscore', `0_3${REST}`],
  ['a size with a comma', `3,${REST}`],
  ['a size in quotes', `"3"${REST}`],
  ['a size of 17 digits', `00000000000000003${REST}`],
  ['a size of 2^53', `20000000000000${REST}`],
  ['a size of 2^64-1', `ffffffffffffffff${REST}`],
  ['a size that wraps 64 bits to 3', `10000000000000003${REST}`],
  ['a space before the size', ` 3${REST}`],
  ['a tab before the size', `\t3${REST}`],
  ['an empty line before the size', `\r\n3${REST}`],
  ['a space behind the size', `3 ${REST}`],
  ['a tab behind the size', `3\t${REST}`],
  ['a space within the size', `0 3${REST}`],
  ['a NUL behind the size', `3\0${REST}`],
  ['a NUL in an extension', `3;a\0${REST}`],
  ['a bare CR in an extension', `3;a\rb${REST}`],
  ['a bare LF in an extension', `3;a\nb${REST}`],
  ['an extension that a bare LF ends', '3;\nabc\r\n0\r\n\r\n'],
  ['a bare LF behind the size', '3\nabc\r\n0\r\n\r\n'],
  ['a bare CR behind the size', '3\rabc\r\n0\r\n\r\n'],
  ['two CRs behind the size', '3\r\r\nabc\r\n0\r\n\r\n'],
  ['a bare LF behind the data', '3\r\nabc\n0\r\n\r\n'],
  ['nothing behind the data', '3\r\nabc0\r\n\r\n'],
  ['more data than its size', '3\r\nabcd\r\n0\r\n\r\n'],
  ['less data than its size', '3\r\nab\r\n0\r\n\r\n'],
  ['two CRLFs behind the data', '3\r\nabc\r\n\r\n0\r\n\r\n'],
  ['a bare LF behind the last size', '3\r\nabc\r\n0\n\r\n'],
  ['a bare LF as its end', '3\r\nabc\r\n0\r\n\n'],
  ['a bare CR as its end', '3\r\nabc\r\n0\r\n\rX'],
  ['1025 bytes of extension', `3;${'x'.repeat(1025)}${REST}`],
  ['1025 bytes of extension in many chunks', `${`1;${'x'.repeat(40)}\r\na\r\n`.repeat(26)}0\r\n\r\n`],
  ['9 KiB of trailers', `0\r\n${`A: ${'x'.repeat(1000)}\r\n`.repeat(9)}\r\n`],
  ['129 trailers', `0\r\n${'A: b\r\n'.repeat(129)}\r\n`],
  ['a trailer that is no field', '0\r\nA\r\n\r\n'],
  ['a trailer with a space before the colon', '0\r\nA : b\r\n\r\n'],
  ['a trailer with a space before the name', '0\r\n A: b\r\n\r\n'],
  ['a trailer without a name', '0\r\n: b\r\n\r\n'],
  ['a folded trailer', '0\r\nA: b\r\n c\r\n\r\n'],
  ['a trailer that a bare LF ends', '0\r\nA: b\n\r\n'],
  ['a trailer with a NUL', '0\r\nA: \0\r\n\r\n'],
  ['a trailer with a bare CR', '0\r\nA: b\rc\r\n\r\n'],
];

const TAKEN: readonly (readonly [name: string, body: string, data: string])[] = [
  ['nothing', '0\r\n\r\n', ''],
  ['one chunk', '3\r\nabc\r\n0\r\n\r\n', 'abc'],
  ['many chunks', '1\r\na\r\n2\r\nbc\r\n3\r\ndef\r\n0\r\n\r\n', 'abcdef'],
  ['digits of either case', 'a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n', '01234567890123456789'],
  ['16 digits', '0000000000000003\r\nabc\r\n0000000000000000\r\n\r\n', 'abc'],
  ['data that looks like chunks', '9\r\n0\r\n\r\nGET \r\n0\r\n\r\n', '0\r\n\r\nGET '],
  ['any octets', '4\r\n\0\r\n\xff\r\n0\r\n\r\n', '\0\r\n\xff'],
  ['extensions', '3;a=b\r\nabc\r\n0;c="d;e"\r\n\r\n', 'abc'],
  ['extensions of 1,000 bytes', `3;${'x'.repeat(1000)}\r\nabc\r\n0\r\n\r\n`, 'abc'],
];

/** Trailers as they come, and as they go on where they are wanted. */
const TRAILERS: readonly (readonly [name: string, came: string, goes: string])[] = [
  ['one', 'A: b\r\n', 'A: b\r\n'],
  ['several, in their order and case', 'X-Sum: 1\r\nx-b: 2\r\nX-Sum: 3\r\n', 'X-Sum: 1\r\nx-b: 2\r\nX-Sum: 3\r\n'],
  ['one without a value', 'A:\r\n', 'A:\r\n'],
  ['one with octets above 0x7f, colons and spaces', 'A: \xe9 : b\t\r\n', 'A: \xe9 : b\t\r\n'],
  ['8,000 bytes of them', `A: ${'x'.repeat(7990)}\r\n`, `A: ${'x'.repeat(7990)}\r\n`],
  ['128 of them', 'A: b\r\n'.repeat(128), 'A: b\r\n'.repeat(128)],
  ['one that may, between two that may not', 'Host: b\r\nA: b\r\nContent-Length: 5\r\n', 'A: b\r\n'],
];
const WANTED = 'TE: trailers\r\n';

describeRequests('7.1.2: trailers of a request go on', [
  ...TRAILERS.map(
    ([name, came, goes]): RequestCase => ({
      name: `if the client takes them itself: ${name}`,
      bytes: `${POST.slice(0, -2)}Trailer: A\r\n${WANTED}\r\n3\r\nabc\r\n0\r\n${came}\r\n`,
      sees: `${POST.replace('\r\nTransfer', '\r\nTrailer: A\r\nTransfer')}abc\r\n${goes}`,
    }),
  ),
  {
    name: 'behind no body at all',
    bytes: `${POST.slice(0, -2)}${WANTED}\r\n0\r\nA: b\r\n\r\n`,
    sees: `${POST}\r\nA: b\r\n`,
  },
  {
    name: 'not if it does not say so, and the next request is the next one',
    bytes: `${POST}3\r\nabc\r\n0\r\nA: b\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n`,
    sees: [`${POST}abc`, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'],
  },
]);

describeResponses('7.1.2: trailers of a response go on', [
  ...TRAILERS.map(
    ([name, came, goes]): ResponseCase => ({
      name: `to a client that takes them: ${name}`,
      lines: WANTED,
      answer: `${ANSWER}3\r\nabc\r\n0\r\n${came}\r\n`,
      gets: `${ANSWER}abc\r\n${goes}`,
    }),
  ),
  {
    name: 'not to one that does not',
    answer: `${ANSWER}3\r\nabc\r\n0\r\nA: b\r\n\r\n`,
    gets: `${ANSWER}abc`,
  },
]);

describeRequests(
  '7.1: a request body is refused that has',
  BROKEN.map(([name, body]): RequestCase => ({ name, bytes: POST + body, refused: 400, isLate: true })),
);

describeRequests(
  '7.1: a request body is forwarded that has',
  TAKEN.map(([name, body, data]): RequestCase => ({ name, bytes: POST + body, sees: POST + data })),
);

describeResponses(
  '7.1: a response body is cut off, never ended, that has',
  BROKEN.map(([name, body]): ResponseCase => ({ name, answer: ANSWER + body, gets: 'cut' })),
);

describeResponses('7.1: a response body is relayed that has', [
  ...TAKEN.map(([name, body, data]): ResponseCase => ({ name, answer: ANSWER + body, gets: ANSWER + data })),
  {
    name: 'nothing more behind its end: more goes to nobody',
    answer: `${ANSWER}3\r\nabc\r\n0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil`,
    gets: `${ANSWER}abc`,
    isLast: true,
  },
]);
