import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkServerAddress, checkSrvName, checkTag } from '#src/sources/scalars/registry.ts';

test('a tag is visible ASCII, with spaces inside', () => {
  for (const tag of ['v1', '2.1.0+b', 'urlprefix-/ strip=/', 'a']) assert.equal(checkTag(tag), null, tag);
  for (const tag of ['', ' a', 'a ', 'a\nb', 'ü', 'a'.repeat(257)])
    assert.equal(checkTag(tag)?.kind, 'registryText', tag);
  assert.equal(checkTag(1)?.hint, 'put it in quotes');
});

test('a name of SRV records may have underscores, and is no address', () => {
  assert.equal(checkSrvName('_http._tcp.shop.example.com'), null);
  for (const name of ['', '10.0.0.1', '::1', 'a b', 'a..b'])
    assert.equal(checkSrvName(name)?.kind, 'registryText', name);
  assert.equal(checkSrvName(null)?.kind, 'type');
});

test('a name server is an IP address, with a port or without', () => {
  for (const server of ['10.0.0.2', '::1', '10.0.0.2:5353', '[::1]:53']) assert.equal(checkServerAddress(server), null);
  for (const server of ['', 'dns.test', 'dns.test:53', '10.0.0.2:0', '10.0.0.2:65536', '[::1]']) {
    assert.equal(checkServerAddress(server)?.kind, 'registryText', server);
  }
  assert.equal(checkServerAddress(53)?.kind, 'type');
});
