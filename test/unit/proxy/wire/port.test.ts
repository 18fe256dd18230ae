import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { describe, it } from 'node:test';
import { assertFree, listenError, urlsOf } from '#src/proxy/wire/port.ts';
import { LISTENER_TLS } from '../../../support/http/secured.ts';

describe('a port that cannot be had', () => {
  it('is noticed before any thread starts', async () => {
    // Nobody else is given a port of this address when it is free again.
    const host = '127.0.0.2';
    const taken = createServer().listen(0, host);
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    await assert.rejects(assertFree(host, port), { code: 'SLU_PORT_IN_USE' });
    await new Promise((resolve) => taken.close(resolve));
    await assertFree(host, port);
  });

  it('is explained', () => {
    const privileged = listenError('::', 80, { code: 'EACCES', message: 'permission denied' });
    assert.deepEqual(
      [privileged.code, privileged.message],
      [
        'SLU_LISTEN_FAILED',
        'cannot listen on [::]:80: permission denied: ports below 1024 need a privilege (CAP_NET_BIND_SERVICE)',
      ],
    );
    assert.equal(
      listenError('a', 1, { code: 'EADDRNOTAVAIL', message: 'no such address' }).message,
      'cannot listen on a:1: no such address',
    );
  });
});

it('its URL has the scheme that is spoken there, and brackets around an IPv6 host', () => {
  const listeners = [
    { host: '127.0.0.1', port: 0 },
    { host: '::1', port: 0, tls: LISTENER_TLS },
  ];
  assert.deepEqual(urlsOf(listeners, [80, 81]), ['http://127.0.0.1:80', 'https://[::1]:81']);
});
