import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { suite, type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { ServiceReport } from '#src/cli/demo/service.ts';

const SERVICE = fileURLToPath(import.meta.resolve('#src/cli/demo/service.ts'));

async function start(context: TestContext, version: string): Promise<{ child: ChildProcess; url: string }> {
  const child = fork(SERVICE, [version], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  context.after(() => child.kill('SIGKILL'));
  const [report] = (await once(child, 'message')) as [ServiceReport];
  assert.ok('port' in report);
  return { child, url: `http://127.0.0.1:${report.port}/checkout` };
}

async function order(child: ChildProcess, failRatio: number): Promise<void> {
  const answered = once(child, 'message');
  child.send({ failRatio });
  const [report] = (await answered) as [ServiceReport];
  assert.deepEqual(report, { obeys: { failRatio } });
}

async function statuses(url: string, count: number): Promise<number[]> {
  return Promise.all(Array.from({ length: count }, async () => (await fetch(url)).status));
}

suite('service', { timeout: 120_000 }, () => {
  test('it answers with its version and fails the share it was told to', async (context) => {
    const { child, url } = await start(context, 'v2');
    const response = await fetch(url);
    assert.deepEqual([response.status, response.headers.get('x-version')], [200, 'v2']);
    assert.deepEqual(await response.json(), { version: 'v2', total: 42 });
    assert.deepEqual(new Set(await statuses(url, 40)), new Set([200]));
    await order(child, 1);
    assert.deepEqual(new Set(await statuses(url, 40)), new Set([500]));
    await order(child, 0.5);
    const failed = (await statuses(url, 200)).filter((status) => status === 500).length;
    assert.ok(failed > 60 && failed < 140, `${failed} of 200 failed`);
    await order(child, 0);
    assert.deepEqual(new Set(await statuses(url, 40)), new Set([200]));
  });

  test('it ends when its parent goes away', async (context) => {
    const { child } = await start(context, 'v1');
    const exit = once(child, 'exit');
    child.disconnect();
    assert.deepEqual(await exit, [0, null]);
  });
});
