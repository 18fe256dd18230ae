/** Sessions of TLS that began before a restart are resumed after it, by every version of the protocol. */

import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { connect, type SecureVersion } from 'node:tls';
import { authorityOf } from '../../support/http/certificates.ts';
import { type Restarting, restarted, startRestarting } from '../../support/state/restarting.ts';

const LIMIT = { timeout: 540_000, skip: process.platform === 'win32' ? 'needs inherited sockets' : false };

async function secureGateway(t: TestContext): Promise<{ gateway: Restarting; port: number }> {
  const { cert, key } = authorityOf(t).issue('live', { names: 'DNS:a.example' });
  const gateway = await startRestarting(
    t,
    `
listen: {host: 127.0.0.1, port: 0, tls: {certificates: [{cert: ${cert}, key: ${key}}]}}
admin: 127.0.0.1:0
workers: 2
saturation: {response: observe}
drain: {delay: 0s, timeout: 5s}
services: {shop: {versions: {v1: {endpoints: ["127.0.0.1:1"]}}}}
routes: [{name: shop, backendRefs: [{name: shop}]}]
`,
  );
  return { gateway, port: Number(new URL(gateway.proxyUrl).port) };
}

/** What a client has after a whole handshake to resume it by: its newest session. */
function sessionOf(t: TestContext, port: number, version: SecureVersion): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', servername: 'a.example', rejectUnauthorized: false };
    const socket = connect({ ...options, port, minVersion: version, maxVersion: version });
    t.after(() => socket.destroy());
    socket.on('error', reject);
    // With TLS 1.2 it comes before the handshake's end, with 1.3 after it.
    socket.on('session', (session: Buffer) => {
      resolve(session);
      socket.end();
    });
  });
}

function isResumed(t: TestContext, port: number, session: Buffer, version: SecureVersion): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', servername: 'a.example', rejectUnauthorized: false };
    const socket = connect({ ...options, port, session, minVersion: version, maxVersion: version });
    t.after(() => socket.destroy());
    socket.on('error', reject);
    socket.on('secureConnect', () => {
      resolve(socket.isSessionReused());
      socket.end();
    });
  });
}

describe('a session of TLS', LIMIT, () => {
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    it(`${version} goes on after two restarts, on whichever worker`, async (t) => {
      const { gateway, port } = await secureGateway(t);
      // A client uses a session of TLS 1.3 once.
      const sessions = await Promise.all(Array.from({ length: 8 }, () => sessionOf(t, port, version)));
      await restarted(gateway);
      assert.equal(await gateway.firstExited, 0);
      for (const session of sessions.slice(0, 4)) assert.ok(await isResumed(t, port, session, version));
      await restarted(gateway);
      for (const session of sessions.slice(4)) assert.ok(await isResumed(t, port, session, version));
    });
  }
});
