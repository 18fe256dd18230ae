/** RFC 9112 section 2.2, message parsing: one grammar of lines, and nothing that another reader could take for another. */
import {
  describeRequests,
  describeResponses,
  type RequestCase,
  type ResponseCase,
} from '../../support/http/conformance/cases.ts';

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

function refused(name: string, bytes: string): RequestCase {
  return { name, bytes, refused: 400 };
}

/** Beginnings of a head behind which a CR must be followed by LF; none of them waits for more. */
const BEGINNINGS: readonly string[] = [
  '',
  '\r\n',
  'GE',
  'GET',
  'GET /',
  'GET / HTTP/1',
  'GET / HTTP/1.1',
  'GET / HTTP/1.1\r\n',
  'GET / HTTP/1.1\r\nHo',
  'GET / HTTP/1.1\r\nHost:',
  'GET / HTTP/1.1\r\nHost: a',
  'GET / HTTP/1.1\r\nHost: a\r\n',
];

const RESPONSE_BEGINNINGS: readonly string[] = [
  '',
  'HTTP/1.1',
  'HTTP/1.1 2',
  'HTTP/1.1 200',
  'HTTP/1.1 200 OK',
  'HTTP/1.1 200 OK\r\n',
  'HTTP/1.1 200 OK\r\nA',
  'HTTP/1.1 200 OK\r\nA: b',
  'HTTP/1.1 200 OK\r\nA: b\r\n',
];

describeRequests(
  'a head is refused at once for a bare CR that nothing ends',
  BEGINNINGS.map((beginning) => refused(`behind ${JSON.stringify(beginning)}`, `${beginning}\rX`)),
);

describeResponses(
  'a response is refused at once for a bare CR that nothing ends',
  RESPONSE_BEGINNINGS.map(
    (beginning): ResponseCase => ({
      name: `behind ${JSON.stringify(beginning)}`,
      answer: `${beginning}\rX`,
      gets: 'refused',
    }),
  ),
);

describeRequests('a head is refused', [
  refused('for a bare LF after the request line', 'GET / HTTP/1.1\nHost: a\r\n\r\n'),
  refused('for a bare LF after a field', 'GET / HTTP/1.1\r\nHost: a\n\r\n'),
  refused('for a bare LF as the empty line', 'GET / HTTP/1.1\r\nHost: a\r\n\n'),
  refused('for bare LFs all over', 'GET / HTTP/1.1\nHost: a\n\n'),
  refused('for a bare LF within a field value', 'GET / HTTP/1.1\r\nHost: a\r\nA: b\nC: d\r\n\r\n'),
  refused('for a bare CR after the request line', 'GET / HTTP/1.1\rHost: a\r\n\r\n'),
  refused('for a bare CR within a field value', 'GET / HTTP/1.1\r\nHost: a\r\nA: b\rc\r\n\r\n'),
  refused('for a CR twice', 'GET / HTTP/1.1\r\r\nHost: a\r\n\r\n'),
  refused('for a bare CR as the empty line', 'GET / HTTP/1.1\r\nHost: a\r\n\rA: b\r\n\r\n'),
  refused('for a NUL in the method', 'G\0T / HTTP/1.1\r\nHost: a\r\n\r\n'),
  refused('for a NUL in the target', 'GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n'),
  refused('for a NUL in a field name', 'GET / HTTP/1.1\r\nHost: a\r\nA\0: b\r\n\r\n'),
  refused('for a NUL in a field value', 'GET / HTTP/1.1\r\nHost: a\r\nA: \0\r\n\r\n'),
  refused('for white space before the first field', 'GET / HTTP/1.1\r\n Host: a\r\n\r\n'),
  refused('for two empty lines before it', `\r\n\r\n${GET}`),
  refused('for an empty line of a bare LF before it', `\n${GET}`),
  refused('for a bare CR before it', `\r${GET}`),
  refused('for a space before it', ` ${GET}`),
  refused('for a byte order mark before it', `\xef\xbb\xbf${GET}`),
  refused('for another protocol: TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'),
  refused('for another protocol: SSH', 'SSH-2.0-OpenSSH_9.2\r\n'),
  refused('for another protocol: SOCKS', '\x05\x01\x00'),
  refused('for no request at all', '{"a":1}\r\n\r\n'),
]);

describeRequests('a head is taken', [
  { name: 'as it is', bytes: GET, sees: GET },
  { name: 'behind one empty line', bytes: `\r\n${GET}`, sees: GET },
  { name: 'behind one empty line, again and again', bytes: `\r\n${GET}\r\n${GET}`, sees: [GET, GET] },
  {
    name: 'with octets above 0x7f in a value, byte for byte',
    bytes: 'GET / HTTP/1.1\r\nHost: a\r\nA: \x80\xe9\xff\r\n\r\n',
    sees: 'GET / HTTP/1.1\r\nHost: a\r\nA: \x80\xe9\xff\r\n\r\n',
  },
]);
