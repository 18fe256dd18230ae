import assert from 'node:assert/strict';
import { type AddressInfo, createServer } from 'node:net';
import { suite, type TestContext, test } from 'node:test';
import { pickPorts } from '#src/cli/demo/ports.ts';

async function takenPort(context: TestContext): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  context.after(() => server.close());
  return (server.address() as AddressInfo).port;
}

suite('ports', () => {
  test('a taken port gives way to another that can be listened on', async (context) => {
    const taken = await takenPort(context);
    const [picked] = await pickPorts([{ port: taken, isFlexible: true }]);
    assert.ok(picked !== null && picked !== undefined);
    assert.ok(picked.isOther && picked.port > taken && picked.port <= taken + 20, `${picked.port} for ${taken}`);
    const [again] = await pickPorts([{ port: picked.port, isFlexible: false }]);
    assert.deepEqual(again, { port: picked.port, isOther: false });
  });

  test('a taken port that was insisted on is refused', async (context) => {
    const taken = await takenPort(context);
    const [refused, other] = await pickPorts([
      { port: taken, isFlexible: false },
      { port: 0, isFlexible: true },
    ]);
    assert.equal(refused, null);
    assert.ok((other?.port ?? 0) > 0);
  });

  test('two wishes for one port get two ports', async () => {
    const [free] = await pickPorts([{ port: 0, isFlexible: true }]);
    const port = free?.port ?? 0;
    const [first, second] = await pickPorts([
      { port, isFlexible: true },
      { port, isFlexible: true },
    ]);
    assert.deepEqual(first, { port, isOther: false });
    assert.ok(second?.isOther === true && second.port !== port);
  });
});
