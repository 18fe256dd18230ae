import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { hostFilter, hostName } from '#src/admin/host.ts';

suite('host', () => {
  test('a host header is reduced to its name', () => {
    assert.equal(hostName('LocalHost:9900'), 'localhost');
    assert.equal(hostName('localhost.'), 'localhost');
    assert.equal(hostName('[::1]:9900'), '::1');
    assert.equal(hostName('10.0.0.3'), '10.0.0.3');
  });

  test('what is not a host has no name', () => {
    for (const header of [
      '',
      'a b',
      'user@localhost',
      'localhost/x',
      'localhost:',
      'localhost:123456',
      '[::1',
      '::1',
      'a,b',
    ]) {
      assert.equal(hostName(header), '', header);
    }
  });

  test('loopback names and the bound address are served', () => {
    const isAllowed = hostFilter('10.1.2.3');
    for (const header of [
      'localhost',
      'localhost:1',
      'app.localhost',
      '127.0.0.1:9900',
      '127.9.9.9',
      '[::1]',
      '10.1.2.3:9900',
    ]) {
      assert.ok(isAllowed(header), header);
    }
  });

  test('a name that an attacker can own is refused, however it is dressed up', () => {
    const isAllowed = hostFilter('127.0.0.1');
    for (const header of [
      'evil.example',
      'localhost.evil.example',
      'evil-localhost',
      '127.0.0.1.evil.example',
      '127.evil.example',
      '10.1.2.3',
      'localhost@evil.example',
    ]) {
      assert.ok(!isAllowed(header), header);
    }
  });

  test('bound to every interface, any address is served but still no unknown name', () => {
    for (const bound of ['0.0.0.0', '::']) {
      const isAllowed = hostFilter(bound);
      assert.ok(isAllowed('10.1.2.3:9900'));
      assert.ok(isAllowed('[fe80::1]:9900'));
      assert.ok(!isAllowed('evil.example'));
    }
  });

  test('names the operator listed are served while they are listed, without regard to case', () => {
    let listed = ['sluice.internal'];
    const isAllowed = hostFilter('127.0.0.1', () => listed);
    assert.ok(isAllowed('sluice.INTERNAL:9900'));
    assert.ok(!isAllowed('other.internal'));
    listed = ['other.internal'];
    assert.deepEqual([isAllowed('sluice.internal'), isAllowed('other.internal')], [false, true]);
  });
});
