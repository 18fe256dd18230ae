/** RFC 9110 section 7.6.2, Max-Forwards: counted down for OPTIONS, left alone for everything else. */
import { describeRequests } from '../../support/http/conformance/cases.ts';

function options(lines: string, path = '/a'): string {
  return `OPTIONS ${path} HTTP/1.1\r\nHost: a\r\n${lines}\r\n`;
}

describeRequests('7.6.2: Max-Forwards', [
  { name: 'of OPTIONS is one less', bytes: options('Max-Forwards: 3\r\n'), sees: options('Max-Forwards: 2\r\n') },
  {
    name: 'of OPTIONS with zeros in front is one less',
    bytes: options('Max-Forwards: 010\r\n'),
    sees: options('Max-Forwards: 9\r\n'),
  },
  { name: 'of OPTIONS that is the last', bytes: options('Max-Forwards: 1\r\n'), sees: options('Max-Forwards: 0\r\n') },
  { name: 'of OPTIONS that is 0', bytes: options('Max-Forwards: 0\r\n'), answered: 204 },
  {
    name: 'of OPTIONS that is no number goes on as it came',
    bytes: options('Max-Forwards: x\r\n'),
    sees: options('Max-Forwards: x\r\n'),
  },
  {
    name: 'of GET goes on as it came',
    bytes: 'GET /a HTTP/1.1\r\nHost: a\r\nMax-Forwards: 0\r\n\r\n',
    sees: 'GET /a HTTP/1.1\r\nHost: a\r\nMax-Forwards: 0\r\n\r\n',
  },
]);
