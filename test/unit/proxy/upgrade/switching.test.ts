import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { offerText, switchFault, switchText } from '#src/proxy/upgrade/switching.ts';
import { readResponse } from '../../../support/proxy/parts.ts';
import { switching } from '../../../support/proxy/upgrade.ts';

suite('switching', () => {
  test('the offer is added to the sanitized head', () => {
    const head = 'GET / HTTP/1.1\r\nHost: a\r\nVia: 1.1 sluice\r\n\r\n';
    const expected =
      'GET / HTTP/1.1\r\nHost: a\r\nVia: 1.1 sluice\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';
    assert.equal(offerText(head, 'websocket'), expected);
  });

  test('a 101 to what was offered is sound, in whatever case', () => {
    assert.equal(switchFault(readResponse(switching()), 'websocket'), '');
    assert.equal(switchFault(readResponse(switching('', 'WebSocket')), 'websocket'), '');
  });

  test('any other 101 is not', () => {
    const fault = (text: string): string => switchFault(readResponse(text), 'websocket');
    assert.equal(fault(switching('', 'h2c')), 'a 101 for another protocol');
    assert.equal(fault(switching('', 'websocket, h2c')), 'a 101 for another protocol');
    assert.equal(fault(switching('Upgrade: websocket\r\n')), 'a 101 for another protocol');
    assert.equal(fault('HTTP/1.1 101 Go\r\nConnection: upgrade\r\n\r\n'), 'a 101 for another protocol');
    assert.equal(fault('HTTP/1.1 101 Go\r\nUpgrade: websocket\r\n\r\n'), 'a 101 without Connection: upgrade');
    assert.equal(fault(switching().replace('1.1', '1.0')), 'a 101 in HTTP/1.0');
  });

  test('the 101 for the client has its own hop-by-hop fields and keeps the others', () => {
    const hop = 'Keep-Alive: 5\r\nX-Hop: 1\r\nContent-Length: 0\r\nProxy-Authenticate: Basic\r\n';
    const kept = 'Set-Cookie: a=1\r\nSec-WebSocket-Accept: wrong\r\nset-cookie: b=2\r\n';
    const text = `HTTP/1.1 101 Go\r\nConnection: upgrade, x-hop\r\nUpgrade: WebSocket\r\n${hop}${kept}\r\n`;
    const own = 'Connection: Upgrade\r\nUpgrade: WebSocket\r\nVia: 1.1 sluice\r\n';
    assert.equal(switchText(readResponse(text)), `HTTP/1.1 101 Go\r\n${kept}${own}\r\n`);
  });
});
