import assert from 'node:assert/strict';
import { type AddressInfo, createServer } from 'node:net';
import { suite, test } from 'node:test';
import { demoCommand } from '#src/cli/demo/demo.ts';
import { recordedDeps } from '../../../support/cli.ts';

suite('demo', () => {
  test('wrong arguments are usage errors before anything is started', async () => {
    for (const argv of [['--port', '0'], ['--admin-port', 'x'], ['--twice'], ['extra']]) {
      const { deps, out } = recordedDeps();
      await assert.rejects(demoCommand.run(argv, deps), { code: 'SLU_USAGE' }, argv.join(' '));
      assert.equal(out(), '');
    }
  });

  test('a port that was asked for and is taken is refused with a way out', async (context) => {
    const blocker = createServer();
    await new Promise<void>((resolve) => blocker.listen(0, '127.0.0.1', resolve));
    context.after(() => blocker.close());
    const { port } = blocker.address() as AddressInfo;
    for (const option of ['--port', '--admin-port']) {
      const { deps, events } = recordedDeps();
      const refusal = { code: 'SLU_PORT_IN_USE', message: `${option} ${port} is not free; leave it out to pick one` };
      await assert.rejects(demoCommand.run([option, String(port)], deps), refusal);
      assert.deepEqual(events.eventNames(), []);
    }
  });
});
