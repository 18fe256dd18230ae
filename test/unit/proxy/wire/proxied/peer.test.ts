/** Whose connection it is once its header is read. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { proxiedPeer } from '#src/proxy/wire/proxied/peer.ts';
import { peerOf } from '../../../../support/proxy/parts.ts';

const ENDS = {
  source: { address: '192.0.2.1', port: 1234 },
  destination: { address: '198.51.100.7', port: 443 },
};

test('it is the connection of whom the header names, who is trusted for its own address only', () => {
  const socket = peerOf(true);
  const named = proxiedPeer(socket, { version: 2, ends: ENDS });
  const { address, sourcePort, port, local, isTrusted } = named;
  assert.deepEqual([address, sourcePort, port, local, isTrusted], ['192.0.2.1', 1234, 443, '198.51.100.7', false]);
  assert.notEqual(named.key, socket.key);
  const proxy = { ...ENDS, source: { address: '10.0.0.9', port: 1234 } };
  assert.equal(proxiedPeer(socket, { version: 1, ends: proxy }).isTrusted, true);
});

test('two connections of one client are two users, and one that is named twice is one', () => {
  const keyOf = (port: number): number =>
    proxiedPeer(peerOf(true), { version: 2, ends: { ...ENDS, source: { ...ENDS.source, port } } }).key;
  assert.notEqual(keyOf(1), keyOf(2));
  assert.equal(keyOf(1), keyOf(1));
});

test('it stays that of the socket where nobody is named, and is not believed', () => {
  const socket = peerOf(true);
  assert.deepEqual(proxiedPeer(socket, { version: 1, ends: null }), { ...socket, isTrusted: false });
});
