/** RFC 9112 section 4, status line of an upstream: HTTP/1.0 or 1.1, three digits from 100 to 599, one space between. */
import { describeResponses, type ResponseCase } from '../../support/http/conformance/cases.ts';

const END = 'Content-Length: 0\r\n\r\n';

function refused(line: string): ResponseCase {
  return { name: JSON.stringify(line), answer: `${line}${END}`, gets: 'refused' };
}

function relayed(line: string, as: string = line): ResponseCase {
  return { name: JSON.stringify(line), answer: `${line}\r\n${END}`, gets: `${as}\r\n${END}` };
}

describeResponses('4: a status line is refused with 502', [
  ...[
    'HTTP/1.1 OK 200',
    'HTTP/1.1 099 Low',
    'HTTP/1.1 000 Zero',
    'HTTP/1.1 600 High',
    'HTTP/1.1 999 High',
    'HTTP/1.1 2000 OK',
    'HTTP/1.1 20 OK',
    'HTTP/1.1 2x0 OK',
    'HTTP/1.1 +20 OK',
    'HTTP/1.1 -20 OK',
    'HTTP/1.1 0x1 OK',
    'HTTP/1.1  200 OK',
    'HTTP/1.1\t200 OK',
    'HTTP/1.1 200\tOK',
    'HTTP/1.1 200;OK',
    'HTTP/1.1 200 O\0K',
    'HTTP/1.1 200 O\rK',
    'HTTP/1.1 200 O\x7fK',
    'HTTP/1.1',
    'HTTP/1.1 ',
    'HTTP/2.0 200 OK',
    'HTTP/1.2 200 OK',
    'HTTP/0.9 200 OK',
    'HTTP/1.10 200 OK',
    'HTTP/11 200 OK',
    'HTTP 200 OK',
    'http/1.1 200 OK',
    'ICY 200 OK',
    'RTSP/1.0 200 OK',
    ' HTTP/1.1 200 OK',
    '200 OK',
    '<html>',
    'SSH-2.0-OpenSSH_9.2',
  ].map((line) => refused(`${line}\r\n`)),
  refused('HTTP/1.1 200 OK\n'),
  refused('HTTP/1.1 200 OK\r\r\n'),
  refused('\r\nHTTP/1.1 200 OK\r\n'),
  refused('\nHTTP/1.1 200 OK\r\n'),
]);

describeResponses('4: a status line is relayed', [
  relayed('HTTP/1.1 200 OK'),
  relayed('HTTP/1.1 200 '),
  relayed('HTTP/1.1 200', 'HTTP/1.1 200 '),
  relayed('HTTP/1.1 299 Unheard of'),
  relayed('HTTP/1.1 404 Not\tFound \xe9'),
  relayed('HTTP/1.1 599 The last'),
  { name: 'of HTTP/1.0 as one of HTTP/1.1', answer: `HTTP/1.0 200 OK\r\n${END}`, gets: `HTTP/1.1 200 OK\r\n${END}` },
]);

describeResponses('4: a head beyond its limit is refused with 502', [
  { name: 'one of 40 KiB', answer: `HTTP/1.1 200 OK\r\nA: ${'a'.repeat(40_000)}\r\n${END}`, gets: 'refused' },
  { name: 'a line of 40 KiB', answer: `HTTP/1.1 200 ${'a'.repeat(40_000)}\r\n${END}`, gets: 'refused' },
  { name: '129 fields', answer: `HTTP/1.1 200 OK\r\n${'A: b\r\n'.repeat(128)}${END}`, gets: 'refused' },
]);
