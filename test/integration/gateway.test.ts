/** The gateway as a process: reload under load, rollback under load, drain, refusal of bad input. */
import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { after, before, describe, it } from 'node:test';
import {
  type GatewayProcess,
  linked,
  logged,
  runToExit,
  startGatewayProcess,
  startLoad,
  startService,
  type TestService,
  until,
} from '../support/gateway.ts';
import { listenLoopback } from '../support/plane.ts';
import { HAS_SLICES, slicesOf } from '../support/proxy/workers/slices.ts';

let v1: TestService;
let v2: TestService;

before(async () => {
  v1 = await startService('v1');
  v2 = await startService('v2');
});

after(async () => {
  await v1.close();
  await v2.close();
});

function config(
  weights: readonly [number, number],
  more: { listen?: string; rollout?: boolean; workers?: number } = {},
): string {
  return `
listen: ${more.listen ?? '127.0.0.1:0'}
admin: 127.0.0.1:0
workers: ${more.workers ?? 2}
saturation: {response: observe}
color: {acceptFrom: anyone}
drain: {delay: 50ms, timeout: 30s}
services:
  shop:
    versions:
      v1: {endpoints: ["127.0.0.1:${v1.port}"]}
      v2: {endpoints: ["127.0.0.1:${v2.port}"], colors: [canary]}
routes:
  - name: shop
    backendRefs:
      - {name: shop, version: v1, weight: ${weights[0]}}
      - {name: shop, version: v2, weight: ${weights[1]}}
    sticky: {header: x-user-id}
    slo: {availability: 0.999}
${more.rollout === true ? '    rollout: {stable: v1, canary: v2}' : ''}
`;
}

async function withGateway(text: string, run: (gateway: GatewayProcess) => Promise<void>): Promise<void> {
  const gateway = await startGatewayProcess(text);
  try {
    await run(gateway);
  } finally {
    await gateway.end();
  }
}

describe('a running gateway', () => {
  it('changes the split when the file changes, without a dropped request', async () => {
    await withGateway(config([100, 0]), async (gateway) => {
      const load = startLoad(gateway.proxyUrl, { connections: 16, users: 1000 });
      await until('v1 serves', () => (load.counts.answers.get('200 v1') ?? 0) > 200);
      assert.equal(load.counts.answers.get('200 v2'), undefined);
      for (const weights of [
        [50, 50],
        [80, 20],
        [0, 100],
      ] as const) {
        const { revision } = (await gateway.status()).config;
        gateway.save(config(weights));
        await until('the revision is live', async () => {
          return (await gateway.status()).config.revision === revision + 1;
        });
        await linked(gateway);
      }
      const before = v1.served;
      const v2Before = v2.served;
      await until('v2 serves alone', () => v2.served > v2Before + 500);
      // Requests that were under way at the swap may still end at v1; none begins there.
      assert.ok(v1.served - before <= 16, `${v1.served - before} requests after the swap`);
      const counts = await load.stop();
      assert.deepEqual([...counts.answers.keys()].toSorted(), ['200 v1', '200 v2']);
    });
  });

  it('keeps the last good configuration when the file turns bad, and says so', async () => {
    await withGateway(config([1, 0]), async (gateway) => {
      gateway.save('routes: [\n');
      await until('the refusal shows', async () => (await gateway.status()).config.last.result === 'refused');
      const { config: state, ready } = await gateway.status();
      assert.equal(ready, true);
      assert.equal(state.revision, 1);
      assert.ok((state.last.problems[0]?.line ?? 0) >= 1);
      await logged(gateway, /"event":"config_refused"/);
      assert.equal(await (await fetch(gateway.proxyUrl)).text(), 'v1');
      gateway.save(config([0, 1]));
      await until('the next good one is live', async () =>
        (await gateway.status()).workers.every((w) => w.revision === 2),
      );
      assert.equal(await (await fetch(gateway.proxyUrl)).text(), 'v2');
    });
  });

  it('takes a failing canary out and leaves it out over unrelated edits', async () => {
    v2.status = 500;
    const startedAtMs = performance.now();
    await withGateway(config([80, 20], { rollout: true }), async (gateway) => {
      const load = startLoad(gateway.proxyUrl, { connections: 8, users: 1000 });
      await until('the rollback', async () => (await gateway.decisions()).length > 0);
      const [decision] = await gateway.decisions();
      assert.equal(decision?.kind, 'rollback');
      assert.equal(decision.weightBefore, 20);
      assert.equal(decision.verdict.requests.stable.bad, 0);
      assert.ok(decision.verdict.requests.canary.bad >= 3);
      // How fast it is, is the simulation's to show: a busy machine may stand still.
      const tookMs = performance.now() - startedAtMs;
      assert.ok(decision.detectedInMs < tookMs, `${decision.detectedInMs} ms`);
      assert.match(decision.sentence, /v2 rolled back: \d+ of \d+ requests failed/);
      const served = v2.served;
      const okBefore = load.counts.answers.get('200 v1') ?? 0;
      await until('stable serves on', () => (load.counts.answers.get('200 v1') ?? 0) > okBefore + 500);
      assert.ok(v2.served - served <= 8, 'only requests under way may end at the canary');
      gateway.save(`${config([80, 20], { rollout: true })}\n# a comment\ntrustedProxies: [10.0.0.0/8]\n`);
      await until('the edit is live', async () => (await gateway.status()).workers.every((w) => w.revision === 2));
      const [, canary] = (await gateway.status()).routes[0]?.versions ?? [];
      assert.deepEqual([canary?.weight, canary?.weightConfigured], [0, 20]);
      assert.equal((await gateway.status()).routes[0]?.rollout?.state, 'rolled-back');
      const pinned = await fetch(gateway.proxyUrl, { headers: { 'x-release-stage': 'canary' } });
      assert.equal(pinned.status, 500, 'a color still reaches the canary, for whoever mends it');
      await load.stop();
      v2.status = 200;
      gateway.save(config([90, 10], { rollout: true }));
      await until('the operator resumes it', async () => (await gateway.decisions()).length === 2);
      assert.equal((await gateway.decisions())[1]?.kind, 'resume');
      assert.equal((await gateway.status()).routes[0]?.versions[1]?.weight, 10);
    });
    v2.status = 200;
  });

  it('has its workers go on as soon as they are woken, or says once why they do not', async () => {
    const gateway = await startGatewayProcess(config([100, 0]));
    const bare = await startGatewayProcess(config([100, 0]), undefined, { nodeArgs: ['--no-experimental-ffi'] });
    try {
      const said = ({ output }: GatewayProcess): number => output().split('"long_slices"').length - 1;
      assert.equal(said(bare), 1);
      assert.match(bare.output(), /"long_slices","because":"this Node has no node:ffi/);
      assert.equal(said(gateway), HAS_SLICES ? 0 : 1);
      if (!HAS_SLICES) return;
      const slices = slicesOf(gateway.child.pid as number);
      const [ours, others] = [true, false].map((isOurs) => {
        return slices.filter(([name]) => name.startsWith('sluice-worker') === isOurs).map(([, slice]) => slice);
      });
      assert.deepEqual(ours, [100, 100]);
      assert.ok(others?.every((slice) => slice > 100));
    } finally {
      await Promise.all([gateway.end(), bare.end()]);
    }
  });

  it('drains on SIGTERM: finishes what is under way and exits 0', async () => {
    await withGateway(config([1, 0]), async (gateway) => {
      const load = startLoad(gateway.proxyUrl, { connections: 8, users: 10 });
      await until('traffic flows', () => load.counts.sent > 100);
      gateway.child.kill('SIGTERM');
      await until('readiness fails at once', async () => {
        const answer = await fetch(`${gateway.adminUrl}/readyz`).catch(() => null);
        return answer === null || answer.status === 503;
      });
      const counts = await load.stop();
      assert.equal(await gateway.exited, 0);
      const failed = [...counts.answers.keys()].filter((answer) => answer !== '200 v1' && answer !== 'ECONNREFUSED');
      // A connection that still waits in the kernel's accept queue when the listener closes is reset, and a request that comes
      // when its connection was idle for longer than the delay meets its end; nothing else may fail.
      assert.deepEqual(
        failed.filter((answer) => answer !== 'ECONNRESET' && answer !== 'EPIPE'),
        [],
      );
      assert.match(gateway.output(), /"event":"drained"/);
    });
  });
});

describe('a gateway that cannot start', () => {
  it('exits 1 with every problem of its configuration, each with its place', async () => {
    const { code, output } = await runToExit(
      'listne: 127.0.0.1:0\nservices: {}\nroutes:\n  - name: a\n    backendRefs: [{name: nobody, weight: -1}]\n',
    );
    assert.equal(code, 1);
    assert.match(output, /gateway\.yaml:1:1: SLU\d{4} listne: .*did you mean listen/);
    assert.match(output, /gateway\.yaml:5:\d+: SLU\d{4} routes\[0\]\.backendRefs\[0\]\.weight/);
  });

  it('exits 1 when its port is in use, and says which and what to do', async () => {
    const other = createServer();
    const port = await listenLoopback(other);
    for (const workers of [1, 2]) {
      const { code, output } = await runToExit(config([1, 0], { listen: `127.0.0.1:${port}`, workers }));
      assert.equal(code, 1);
      assert.match(output, new RegExp(`127\\.0\\.0\\.1:${port} is in use`));
    }
    other.close();
  });

  it('exits 1 when its file is empty', async () => {
    const { code, output } = await runToExit('');
    assert.equal(code, 1);
    assert.match(output, /gateway\.yaml/);
  });
});
