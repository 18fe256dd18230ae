/** A hundred renewals of a certificate while clients come and come back: no handshake fails, and sessions go on. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { copyFileSync, renameSync } from 'node:fs';
import { it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type TLSSocket } from 'node:tls';
import { startGatewayProcess, startService } from '../../../support/gateway.ts';
import { authorityOf } from '../../../support/http/certificates.ts';

const HOST = 'a.example';
const RENEWALS = 100;
/** Between two connections of a client: leaves the machine to the gateway. */
const PACE_MS = 5;
/** Reached only when something hangs. */
const TRIES_MAX = 10_000;

/** One connection: what it was shown, and its session for the next. @throws the error of a handshake that fails */
async function visit(
  port: number,
  session: Buffer | undefined,
): Promise<{ subject: string; isResumed: boolean; session: Buffer }> {
  const socket: TLSSocket = connect({
    host: '127.0.0.1',
    port,
    servername: HOST,
    rejectUnauthorized: false,
    ...(session && { session }),
  });
  try {
    socket.resume();
    const ticket = once(socket, 'session').catch(() => []);
    await once(socket, 'secureConnect');
    const isResumed = socket.isSessionReused();
    // One that is resumed is not shown a certificate again.
    const subject = isResumed ? '' : String(socket.getPeerCertificate().subject.CN);
    // Nor given another ticket: the one that it has is good for many times.
    return { subject, isResumed, session: isResumed ? (session as Buffer) : ((await ticket) as [Buffer])[0] };
  } finally {
    socket.destroy();
  }
}

it('no handshake fails while a certificate is renewed a hundred times, and sessions are resumed on any worker', async (t) => {
  const authority = authorityOf(t);
  const files = authority.issue('live', { names: `DNS:${HOST}`, subject: 'live' });
  const renewals = ['even', 'odd'].map((name) => authority.issue(name, { names: `DNS:${HOST}`, subject: name }));
  const service = await startService('v1');
  t.after(() => service.close());
  const gateway = await startGatewayProcess(`
listen: {host: 127.0.0.1, port: 0, tls: {certificates: [{cert: ${files.cert}, key: ${files.key}}]}}
admin: 127.0.0.1:0
workers: 2
saturation: {response: observe}
services: {shop: {versions: {v1: {endpoints: ["127.0.0.1:${service.port}"]}}}}
routes: [{name: shop, backendRefs: [{name: shop}]}]
`);
  t.after(() => gateway.end());
  const port = Number(new URL((await gateway.status()).listeners[0] ?? '').port);

  const failures: string[] = [];
  let isOver = false;
  t.after(() => {
    isOver = true;
  });
  const counts = { whole: 0, again: 0, resumed: 0 };
  /** Comes again and again, with the session of the time before if it is one that comes back. */
  const client = async (comesBack: boolean): Promise<void> => {
    let session: Buffer | undefined;
    for (; !isOver; await sleep(PACE_MS)) {
      try {
        const visited = await visit(port, session);
        if (session === undefined) counts.whole++;
        else {
          counts.again++;
          if (visited.isResumed) counts.resumed++;
        }
        if (comesBack) session = visited.session;
      } catch (error) {
        failures.push(String(error));
      }
    }
  };
  const clients = [true, true, false].map(client);
  for (let n = 0; n < RENEWALS; n++) {
    const { cert, key } = renewals[n % 2] as (typeof renewals)[number];
    const wanted = n % 2 === 0 ? 'even' : 'odd';
    for (const [from, to] of [
      [key, files.key],
      [cert, files.cert],
    ] as const) {
      copyFileSync(from, `${to}.new`);
      renameSync(`${to}.new`, to);
    }
    gateway.child.kill('SIGHUP');
    // A session that is resumed tells of the certificate that it was begun with: only a new client sees the new one.
    for (let tries = 0; (await visit(port, undefined)).subject !== wanted; tries++) {
      assert.ok(tries < TRIES_MAX, `renewal ${n} is not shown`);
      await sleep(1);
    }
  }
  isOver = true;
  await Promise.all(clients);
  assert.deepEqual(failures, []);
  assert.ok(counts.whole > 0 && counts.again > 0, JSON.stringify(counts));
  t.diagnostic(`${counts.resumed} of ${counts.again} sessions were resumed, beside ${counts.whole} whole handshakes`);
  assert.ok(counts.resumed >= 0.95 * counts.again, JSON.stringify(counts));
});
