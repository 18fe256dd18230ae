/** RFC 9110 section 15, statuses that change framing: 1xx, 204 and 304 have no body, 101 is asked for, 1xx are bounded. */
import { describeResponses, type ResponseCase } from '../../support/http/conformance/cases.ts';

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const HINT = 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n';

function relayed(name: string, answer: string, gets: string | readonly string[] = answer): ResponseCase {
  return { name, answer, gets };
}

function refused(name: string, answer: string): ResponseCase {
  return { name, answer, gets: 'refused' };
}

describeResponses('15.2: an interim response', [
  relayed('103 comes before the final one', HINT + OK, [HINT, OK]),
  relayed('102 comes before the final one', `HTTP/1.1 102 Processing\r\n\r\n${OK}`, [
    'HTTP/1.1 102 Processing\r\n\r\n',
    OK,
  ]),
  relayed('of an unheard number too', `HTTP/1.1 199 X\r\n\r\n${OK}`, ['HTTP/1.1 199 X\r\n\r\n', OK]),
  relayed('ten of them', HINT.repeat(10) + OK, [...Array.from({ length: 10 }, () => HINT), OK]),
  refused('eleven of them are refused', HINT.repeat(11) + OK),
  relayed(
    'loses its hop-by-hop fields',
    `HTTP/1.1 103 Early Hints\r\nConnection: x\r\nX: y\r\nLink: </a>\r\nKeep-Alive: 1\r\n\r\n${OK}`,
    [HINT, OK],
  ),
  {
    name: 'is not for HTTP/1.0',
    answer: HINT + OK,
    minor: 0,
    gets: OK.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'),
  },
  refused('with a body is refused', `HTTP/1.1 103 Early Hints\r\nContent-Length: 3\r\n\r\nabc${OK}`),
  refused('with chunks is refused', `HTTP/1.1 103 Early Hints\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${OK}`),
  refused('that is malformed is refused', `HTTP/1.1 103 Early Hints\r\nLink\r\n\r\n${OK}`),
  refused('101 that nobody asked for is refused', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n'),
  refused(
    '101 that nobody asked for is refused, a response inside it too',
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n${OK}`,
  ),
]);

const NO_CONTENT = 'HTTP/1.1 204 No Content\r\n\r\n';
const NOT_MODIFIED = 'HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\n';

describeResponses('15.3.5, 15.4.5: a response without a body', [
  relayed('204', NO_CONTENT),
  refused('204 with a length', 'HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n\r\nabc'),
  refused('204 with chunks', 'HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'),
  { ...refused('204 with bytes behind it', `${NO_CONTENT}abc`), orGets: NO_CONTENT },
  { ...refused('204 with a response behind it', NO_CONTENT + OK), orGets: NO_CONTENT },
  relayed('304', 'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\n\r\n'),
  relayed('304 with the length that the body would have', NOT_MODIFIED),
  { ...refused('304 with bytes behind it', `${NOT_MODIFIED}abc`), orGets: NOT_MODIFIED },
  relayed('205 of length 0', 'HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n'),
]);
