/** A hundred restarts in a row under load, without one failed request. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { startService, until } from '../../support/gateway.ts';
import { restarted, startMixedLoad, startRestarting } from '../../support/state/restarting.ts';

const RESTARTS = 100;
const LIMIT = { timeout: 1_800_000, skip: process.platform === 'win32' ? 'needs inherited sockets' : false };

describe('a hundred restarts', LIMIT, () => {
  it('under load refuse nobody, and leave no process behind', async (t) => {
    const service = await startService('v1');
    t.after(() => service.close());
    const gateway = await startRestarting(
      t,
      `
listen: 127.0.0.1:0
admin: 127.0.0.1:0
workers: 2
saturation: {response: observe}
drain: {delay: 3s, timeout: 10s}
services: {shop: {versions: {v1: {endpoints: ["127.0.0.1:${service.port}"]}}}}
routes:
  - name: shop
    backendRefs: [{name: shop, version: v1}]
`,
    );
    const load = startMixedLoad(t, gateway.proxyUrl);
    for (let n = 0; n < RESTARTS; n++) {
      const sent = load.sent();
      await restarted(gateway);
      await until('the new process has traffic', () => load.sent() > sent + 50);
    }
    const answers = await load.stop();
    assert.deepEqual([...answers.keys()], ['200 v1'], JSON.stringify([...answers]));
    await until('all but one are gone', () => gateway.output().split('"event":"drained"').length === RESTARTS + 1);
    const held = [...gateway.output().matchAll(/"loopStoodStillMs":(\d+)/g)].map(([, ms]) => Number(ms));
    const sorted = held.toSorted((a, b) => a - b);
    t.diagnostic(`loop stood still: median ${sorted[RESTARTS / 2]} ms, longest ${sorted.at(-1)} ms`);
    t.diagnostic(`${[...answers.values()].join(' + ')} requests`);
  });
});
