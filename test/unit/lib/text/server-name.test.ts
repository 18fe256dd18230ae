import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PeerCertificate } from 'node:tls';
import { serverNameOf } from '#src/lib/text/server-name.ts';

const SHOWN = { subject: {}, subjectaltname: 'IP Address:10.0.0.1' } as unknown as PeerCertificate;

test('a name is asked for, and Node compares it', () => {
  assert.deepEqual(serverNameOf('up.example'), { servername: 'up.example' });
});

test('an address is not asked for, and is compared whatever host is connected to', () => {
  for (const [name, host] of [
    ['10.0.0.1', null],
    ['10.0.0.1', 'up.example'],
  ] as const) {
    const { servername, checkServerIdentity } = serverNameOf(name, host);
    assert.equal(servername, '');
    assert.equal(checkServerIdentity?.('up.example', SHOWN), undefined);
  }
  const { checkServerIdentity } = serverNameOf('::1');
  assert.match(String(checkServerIdentity?.('10.0.0.1', SHOWN)), /IP: ::1 is not in the cert/);
});

test('the address that is connected to is left to Node', () => {
  assert.deepEqual(serverNameOf('10.0.0.1', '10.0.0.1'), { servername: '' });
});
