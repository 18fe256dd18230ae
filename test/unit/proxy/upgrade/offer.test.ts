import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { protocolOf } from '#src/proxy/upgrade/offer.ts';
import { bench, readHead } from '../../../support/proxy/parts.ts';
import { upgradeRequest } from '../../../support/proxy/upgrade.ts';

const { table } = bench();

function offered(text: string, allowed: readonly string[] = ['websocket']): string {
  return protocolOf(readHead(table, text), allowed);
}

suite('offer', () => {
  test('an allowed protocol is offered, in whatever case the client writes it', () => {
    assert.equal(offered(upgradeRequest()), 'websocket');
    assert.equal(offered(upgradeRequest('/', '', 'WebSocket')), 'websocket');
    assert.equal(offered(upgradeRequest('/', 'Content-Length: 0\r\n')), 'websocket');
    assert.equal(
      offered(upgradeRequest().replace('Connection: Upgrade', 'Connection: keep-alive, upgrade')),
      'websocket',
    );
  });

  test('of several the first allowed one is, on one line or many', () => {
    const allowed = ['chat/2', 'websocket'];
    assert.equal(offered(upgradeRequest('/', '', 'irc, Chat/2,websocket'), allowed), 'chat/2');
    assert.equal(offered(upgradeRequest('/', 'Upgrade: websocket\r\n', 'irc'), allowed), 'websocket');
  });

  test('a request that is not a GET without a body over HTTP/1.1 stays as it is', () => {
    assert.equal(offered(upgradeRequest().replace('GET', 'POST')), '');
    assert.equal(offered(upgradeRequest().replace('HTTP/1.1', 'HTTP/1.0')), '');
    assert.equal(offered(upgradeRequest('/', 'Content-Length: 1\r\n')), '');
    assert.equal(offered(upgradeRequest('/', 'Transfer-Encoding: chunked\r\n')), '');
    assert.equal(offered(upgradeRequest('/', 'Expect: 100-continue\r\n')), '');
  });

  test('Connection and Upgrade must agree', () => {
    assert.equal(offered('GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\n\r\n'), '');
    assert.equal(offered('GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n'), '');
    assert.equal(offered('GET / HTTP/1.1\r\nHost: a\r\nConnection: upgraded\r\nUpgrade: websocket\r\n\r\n'), '');
  });

  test('nothing that is HTTP again is offered, even if it is allowed', () => {
    for (const protocol of ['h2c', 'H2C', 'h2', 'h3', 'HTTP/2.0', 'TLS/1.3']) {
      assert.equal(offered(upgradeRequest('/', '', protocol), [protocol.toLowerCase()]), '', protocol);
    }
  });

  test('nothing is offered that merely looks alike, or that is too long to be honest', () => {
    for (const protocol of ['websocket2', 'websocket/13', '"websocket"', 'web socket', 'websocket;q=1', '']) {
      assert.equal(offered(upgradeRequest('/', '', protocol)), '', protocol);
    }
    assert.equal(offered(upgradeRequest('/', '', `${'x,'.repeat(200)}websocket`)), '');
    assert.equal(offered(upgradeRequest(), []), '');
  });
});
