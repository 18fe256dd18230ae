/** The control plane's thread stands still for five seconds, as in a long parse: requests do not notice, and all are counted once. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { logged, startGatewayProcess, startLoad, startService, until } from '../../../support/gateway.ts';

const STILL_MS = 5000;
const CONNECTIONS = 4;
/** In the main thread, at a signal. What is written to a descriptor needs no turn of the loop. */
const STAND_STILL = `
import { writeSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';
if (isMainThread) process.on('SIGWINCH', () => {
  writeSync(2, 'main stands still\\n');
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ${STILL_MS});
  writeSync(2, 'main goes on\\n');
});`;

describe('a main thread that stands still', () => {
  it('costs no request an answer, moves no weight, and nothing is counted twice', async (t) => {
    const [stable, canary] = [await startService('v1'), await startService('v2')];
    const document = `
listen: 127.0.0.1:0
admin: 127.0.0.1:0
workers: 2
saturation: {response: observe}
services:
  shop:
    versions:
      v1: {endpoints: ["127.0.0.1:${stable.port}"]}
      v2: {endpoints: ["127.0.0.1:${canary.port}"]}
routes:
  - name: shop
    sticky: {header: x-user-id}
    backendRefs: [{name: shop, version: v1, weight: 50}, {name: shop, version: v2, weight: 50}]
    slo: {availability: 0.99}
    rollout: {stable: v1, canary: v2}
`;
    const nodeArgs = ['--import', `data:text/javascript,${encodeURIComponent(STAND_STILL)}`];
    const gateway = await startGatewayProcess(document, undefined, { nodeArgs });
    t.after(async () => {
      await gateway.end();
      await Promise.all([stable.close(), canary.close()]);
    });
    const load = startLoad(gateway.proxyUrl, { connections: CONNECTIONS, users: 1000 });
    const answered = (): number => [...load.counts.answers.values()].reduce((sum, count) => sum + count, 0);
    await until('requests are answered', () => answered() > 100);
    gateway.child.kill('SIGWINCH');
    await logged(gateway, /main stands still/);
    const [before, ofCanary] = [answered(), canary.served];
    await logged(gateway, /main goes on/);
    const during = answered() - before;
    // Further ones than were under way, however few a slow machine has time for.
    assert.ok(during > 2 * CONNECTIONS, `${during} answers while it stood still`);
    assert.ok(canary.served > ofCanary, 'the canary keeps its weight');
    const { answers } = await load.stop();
    assert.deepEqual([...answers.keys()].toSorted(), ['200 v1', '200 v2']);
    const sent = answered();
    await until('everything is counted', async () => (await gateway.status()).routes[0]?.requests === sent);
    const { routes, workers } = await gateway.status();
    assert.deepEqual(
      workers.map(({ state, restarts }) => [state, restarts]),
      [
        ['serving', 0],
        ['serving', 0],
      ],
    );
    assert.equal(routes[0]?.rollout?.state, 'progressing');
    await logged(gateway, /"event":"evidence_skipped"/);
  });
});
