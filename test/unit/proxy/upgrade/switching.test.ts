import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { Random } from '#src/lib/random.ts';
import { Offer, switchText } from '#src/proxy/upgrade/switching.ts';
import { readResponse } from '../../../support/proxy/parts.ts';
import { acceptOf, switching } from '../../../support/proxy/upgrade.ts';

suite('switching', () => {
  test('the offer is added to the sanitized head', () => {
    const head = 'GET / HTTP/1.1\r\nHost: a\r\nVia: 1.1 sluice\r\n\r\n';
    const expected =
      'GET / HTTP/1.1\r\nHost: a\r\nVia: 1.1 sluice\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';
    assert.equal(new Offer('websocket', null).text(head), expected);
  });

  test('a 101 to what was offered is sound, in whatever case', () => {
    assert.equal(new Offer('websocket', null).fault(readResponse(switching())), '');
    assert.equal(new Offer('websocket', null).fault(readResponse(switching('', 'WebSocket'))), '');
  });

  test('any other 101 is not', () => {
    const fault = (text: string): string => new Offer('websocket', null).fault(readResponse(text));
    assert.equal(fault(switching('', 'h2c')), 'a 101 for another protocol');
    assert.equal(fault(switching('', 'websocket, h2c')), 'a 101 for another protocol');
    assert.equal(fault(switching('Upgrade: websocket\r\n')), 'a 101 for another protocol');
    assert.equal(fault('HTTP/1.1 101 Go\r\nConnection: upgrade\r\n\r\n'), 'a 101 for another protocol');
    assert.equal(fault('HTTP/1.1 101 Go\r\nUpgrade: websocket\r\n\r\n'), 'a 101 without Connection: upgrade');
    assert.equal(fault(switching().replace('1.1', '1.0')), 'a 101 in HTTP/1.0');
  });

  test('a key of the gateway’s own is another for each attempt, and its answer must be right', () => {
    const offer = new Offer('websocket', new Random(1));
    const keyOf = (): string =>
      /\r\nSec-WebSocket-Key: (\S+)\r\n\r\n$/.exec(offer.text('GET / HTTP/1.1\r\n\r\n'))?.[1] ?? '';
    const first = keyOf();
    const second = keyOf();
    assert.equal(Buffer.from(first, 'base64').length, 16);
    assert.notEqual(first, second);
    const faultWith = (lines: string): string =>
      offer.fault(readResponse(`HTTP/1.1 101 Go\r\nConnection: upgrade\r\nUpgrade: websocket\r\n${lines}\r\n`));
    const accept = (key: string): string => `sec-websocket-ACCEPT:  ${acceptOf(key)} \r\n`;
    const wrong = 'a 101 whose Sec-WebSocket-Accept is missing or wrong';
    assert.equal(faultWith(accept(second)), '');
    assert.equal(faultWith(`X-Sec-WebSocket-Accept: ${acceptOf(second)}\r\n`), wrong);
    for (const lines of ['', accept(first), accept('dGhlIHNhbXBsZSBub25jZQ=='), accept(second).repeat(2)]) {
      assert.equal(faultWith(lines), wrong);
    }
    assert.equal(acceptOf('dGhlIHNhbXBsZSBub25jZQ=='), 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
  });

  test('the 101 for the client has its own hop-by-hop fields and keeps the others', () => {
    const hop = 'Keep-Alive: 5\r\nX-Hop: 1\r\nContent-Length: 0\r\nProxy-Authenticate: Basic\r\n';
    const kept = 'Set-Cookie: a=1\r\nSec-WebSocket-Accept: wrong\r\nset-cookie: b=2\r\n';
    const text = `HTTP/1.1 101 Go\r\nConnection: upgrade, x-hop\r\nUpgrade: WebSocket\r\n${hop}${kept}\r\n`;
    const own = 'Connection: Upgrade\r\nUpgrade: WebSocket\r\nVia: 1.1 sluice\r\n';
    assert.equal(switchText(readResponse(text)), `HTTP/1.1 101 Go\r\n${kept}${own}\r\n`);
  });
});
