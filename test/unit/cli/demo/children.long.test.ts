import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { createChildren } from '#src/cli/demo/children.ts';

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

suite('children', { timeout: 240_000 }, () => {
  test('services come up, obey, and are gone after the end', async () => {
    const children = createChildren();
    const [v1, v2] = await Promise.all([children.service('v1'), children.service('v2')]);
    assert.notEqual(v1.port, v2.port);
    assert.equal((await fetch(`http://127.0.0.1:${v2.port}/`)).status, 200);
    await v2.order({ failRatio: 1 });
    assert.equal((await fetch(`http://127.0.0.1:${v2.port}/`)).status, 500);
    assert.equal((await fetch(`http://127.0.0.1:${v1.port}/`)).status, 200);
    assert.ok(isAlive(v1.pid) && isAlive(v2.pid));
    await Promise.all([children.endAll(), children.endAll()]);
    assert.ok(!isAlive(v1.pid) && !isAlive(v2.pid));
  });

  test('a child that ends by itself is told at once, by name and signal', async (context) => {
    const children = createChildren();
    context.after(() => children.endAll());
    const { pid } = await children.service('v1');
    process.kill(pid, 'SIGKILL');
    await assert.rejects(children.failed, /service v1 ended with SIGKILL/);
  });

  test('what fails as a child ends is told as that end, and anything else as what it is', async (context) => {
    const children = createChildren();
    context.after(() => children.endAll());
    const { pid } = await children.service('v1');
    const error = new Error('fetch failed');
    await assert.rejects(children.blame(error), error);
    const blamed = children.blame(error);
    process.kill(pid, 'SIGKILL');
    await assert.rejects(blamed, /service v1 ended with SIGKILL/);
  });

  test('a gateway that cannot start is told with its own words', async (context) => {
    const children = createChildren();
    context.after(() => children.endAll());
    children.gateway('/nowhere/gateway.yaml');
    await assert.rejects(children.failed, /gateway ended with code 1\n.*\/nowhere\/gateway\.yaml/s);
  });
});
