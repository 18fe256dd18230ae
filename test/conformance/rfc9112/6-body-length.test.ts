/** RFC 9112 section 6, message body length both ways: one field decides, in one spelling, or the message is refused. */
import {
  describeRequests,
  describeResponses,
  type RequestCase,
  type ResponseCase,
} from '../../support/http/conformance/cases.ts';

const LENGTHS_BAD: readonly string[] = [
  'Content-Length: 3\r\nContent-Length: 3',
  'Content-Length: 3\r\nContent-Length: 4',
  'Content-Length: 3\r\ncontent-length: 3',
  'Content-Length: 3, 3',
  'Content-Length: 3,',
  'Content-Length: ,3',
  'Content-Length:',
  'Content-Length:  ',
  'Content-Length: +3',
  'Content-Length: -3',
  'Content-Length: -0',
  'Content-Length: 0x3',
  'Content-Length: 3h',
  'Content-Length: 3.0',
  'Content-Length: 3e0',
  'Content-Length: 3_0',
  'Content-Length: 1 2',
  'Content-Length: 3;a',
  'Content-Length: "3"',
  'Content-Length: \xb3',
  'Content-Length: 3\x0b',
  'Content-Length : 3',
  'Content-Length\t: 3',
  'Content-Length: 9007199254740992',
  'Content-Length: 18446744073709551619',
  'Content-Length: 99999999999999999999999999',
];

const CODINGS_BAD: readonly string[] = [
  'Transfer-Encoding: chunked\r\nContent-Length: 3',
  'Content-Length: 3\r\nTransfer-Encoding: chunked',
  'Content-Length: 3\r\nTransfer-Encoding: identity',
  'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked',
  'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity',
  'Transfer-Encoding: identity\r\nTransfer-Encoding: chunked',
  'Transfer-Encoding: chunked, chunked',
  'Transfer-Encoding: chunked, identity',
  'Transfer-Encoding: identity, chunked',
  'Transfer-Encoding: gzip, chunked',
  'Transfer-Encoding: chunked, gzip',
  'Transfer-Encoding: ,chunked',
  'Transfer-Encoding: chunked,',
  'Transfer-Encoding: identity',
  'Transfer-Encoding:',
  'Transfer-Encoding: "chunked"',
  "Transfer-Encoding: 'chunked'",
  'Transfer-Encoding: chunked;a=b',
  'Transfer-Encoding: chunked a',
  'Transfer-Encoding: chunked\x0b',
  'Transfer-Encoding: \x0cchunked',
  'Transfer-Encoding: \xa0chunked',
  'Transfer-Encoding: chunked\xa0',
  'Transfer-Encoding: chunked\t',
  'Transfer-Encoding : chunked',
  'Transfer-Encoding\t: chunked',
  ' Transfer-Encoding: chunked',
  'Transfer-Encoding:\r\n chunked',
  'Transfer-Encoding\r\n: chunked',
  'X: y\rTransfer-Encoding: chunked',
  'X: y\nTransfer-Encoding: chunked',
];

/** Well-formed codings that we do not speak: 501 for a request. */
const CODINGS_UNKNOWN: readonly string[] = ['gzip', 'deflate', 'compress', 'xchunked', 'chunkedx', 'cow'].map(
  (coding) => `Transfer-Encoding: ${coding}`,
);

const BODY = '3\r\nabc\r\n0\r\n\r\n';

describeRequests(
  '6.1, 6.2: a request with this framing is refused',
  [...LENGTHS_BAD, ...CODINGS_BAD].map(
    (lines): RequestCase => ({
      name: JSON.stringify(lines),
      bytes: `POST / HTTP/1.1\r\nHost: a\r\n${lines}\r\n\r\n${BODY}`,
      refused: 400,
    }),
  ),
);

describeRequests('6.1: a transfer coding that is not spoken is refused', [
  ...CODINGS_UNKNOWN.map(
    (line): RequestCase => ({
      name: line,
      bytes: `POST / HTTP/1.1\r\nHost: a\r\n${line}\r\n\r\n${BODY}`,
      refused: 501,
    }),
  ),
  {
    name: 'chunked in HTTP/1.0',
    bytes: `POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${BODY}`,
    refused: 400,
  },
]);

describeRequests(
  '6: a body beyond the limit is refused',
  [
    { name: 'announced', bytes: 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n', refused: 413 },
    {
      name: 'announced as 2^53-1',
      bytes: 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9007199254740991\r\n\r\n',
      refused: 413,
    },
    {
      name: 'chunked',
      bytes: `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${`64\r\n${'x'.repeat(100)}\r\n`.repeat(11)}0\r\n\r\n`,
      refused: 413,
      isLate: true,
    },
  ],
  { limits: { bodyBytesMax: 1000 } },
);

/** A request that goes on as it came. */
function same(name: string, bytes: string): RequestCase {
  return { name, bytes, sees: bytes };
}

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

describeRequests('6.3: a body is what its framing says', [
  same('none without framing, on POST too', 'POST / HTTP/1.1\r\nHost: a\r\n\r\n'),
  same('three bytes', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc'),
  same('three bytes with zeros in front', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0003\r\n\r\nabc'),
  same('none of length 0', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n'),
  same('that of a GET', 'GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc'),
  same('that of a DELETE', 'DELETE / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc'),
  same('that of an OPTIONS', 'OPTIONS /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc'),
  same('bytes that look like a request', `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${GET.length}\r\n\r\n${GET}`),
  {
    name: 'chunks, in any case and with space around',
    bytes: `POST / HTTP/1.1\r\nHost: a\r\ntransfer-encoding: \tCHUNKED \r\n\r\n${BODY}`,
    sees: 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nabc',
  },
  {
    name: 'and the next request begins behind it',
    bytes: `POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc${GET}POST /2 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${BODY}${GET}`,
    sees: [
      'POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc',
      GET,
      'POST /2 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nabc',
      GET,
    ],
  },
]);

describeResponses(
  '6.1, 6.2: a response with this framing is refused with 502',
  [...LENGTHS_BAD, ...CODINGS_BAD, ...CODINGS_UNKNOWN].map(
    (lines): ResponseCase => ({
      name: JSON.stringify(lines),
      answer: `HTTP/1.1 200 OK\r\n${lines}\r\n\r\n${BODY}`,
      gets: 'refused',
    }),
  ),
);

const CHUNKED = `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n`;

describeResponses('6.3: a response body is what its framing says', [
  {
    name: 'three bytes',
    answer: 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc',
    gets: 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc',
  },
  { name: 'chunks', answer: `${CHUNKED}${BODY}`, gets: `${CHUNKED}abc` },
  {
    name: 'chunks for HTTP/1.0: until close',
    answer: `${CHUNKED}${BODY}`,
    minor: 0,
    gets: 'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabc',
  },
  { name: 'until close: chunks', answer: 'HTTP/1.1 200 OK\r\n\r\nabc', end: 'fin', gets: `${CHUNKED}abc` },
  { name: 'until close, empty: chunks', answer: 'HTTP/1.1 200 OK\r\n\r\n', end: 'fin', gets: CHUNKED },
  {
    name: 'until close for HTTP/1.0: until close',
    answer: 'HTTP/1.1 200 OK\r\n\r\nabc',
    end: 'fin',
    minor: 0,
    gets: 'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabc',
  },
  {
    name: 'of HTTP/1.0 until close',
    answer: 'HTTP/1.0 200 OK\r\n\r\nabc',
    end: 'fin',
    gets: `${CHUNKED}abc`,
  },
  {
    name: 'of HTTP/1.0 chunked: refused',
    answer: `HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${BODY}`,
    gets: 'refused',
  },
  {
    name: 'three bytes and no more: more is refused, or the connection ends behind the response',
    answer: 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcd',
    gets: 'refused',
    orGets: 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc',
  },
  {
    name: 'and a second response behind it goes to nobody',
    answer: 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil',
    gets: 'refused',
    orGets: 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc',
  },
]);
