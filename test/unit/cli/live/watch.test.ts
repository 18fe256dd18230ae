import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { runCli } from '#src/cli/cli.ts';
import type { Status } from '#src/model/status.ts';
import { adminFor, depsOf } from '../../../support/readings/admin.ts';
import { sampleStatus } from '../../../support/readings/status.ts';

/** Statuses one after the other; behind the last one whoever watches is interrupted. */
function series(statuses: readonly Status[], interrupt: () => void): () => Status {
  let asked = 0;
  return () => {
    const status = statuses[Math.min(asked, statuses.length - 1)] as Status;
    if (asked++ === statuses.length) interrupt();
    return status;
  };
}

const DRAINING = sampleStatus({ ready: false, notReadyBecause: 'draining' });

suite('sluice status --watch', { timeout: 120_000 }, () => {
  test('tells each change in a line of its own, and ends by a signal', async (context) => {
    let interrupt = (): void => undefined;
    const url = await adminFor(context, { view: { status: series([sampleStatus(), DRAINING], () => interrupt()) } });
    const { deps, events, out } = depsOf(url);
    interrupt = () => void events.emit('SIGINT');
    assert.equal(await runCli(['status', '-w', '--every', '0.1'], deps), 130);
    const lines = out().trim().split('\n');
    assert.equal(lines.filter((line) => line.startsWith('route checkout weights')).length, 1);
    assert.match(lines[0] ?? '', / ready$/);
    assert.match(lines.at(-1) ?? '', /not ready: draining$/);
  });

  test('on a terminal it is drawn in one place, as JSON it is a line for each look', async (context) => {
    for (const argv of [[], ['-o', 'json'], ['checkout', '-o', 'json']]) {
      let interrupt = (): void => undefined;
      const url = await adminFor(context, { view: { status: series([sampleStatus()], () => interrupt()) } });
      const { deps, events, out } = depsOf(url);
      interrupt = () => void events.emit('SIGTERM');
      const stdout = { ...deps.stdout, isTTY: true, columns: 200, rows: 200 };
      assert.equal(await runCli(['status', '--watch', '--every', '0.1', ...argv], { ...deps, stdout }), 143);
      if (argv.length === 0)
        assert.match(out(), /^\u001b\[\?25l\u001b\[2J\u001b\[Hsluice 0\.1\.0 {2}ready[^]*\u001b\[\?25h$/);
      else
        assert.ok(
          out()
            .trim()
            .split('\n')
            .every((line) => 'route' in JSON.parse(line) === argv.includes('checkout')),
        );
    }
  });

  test('a gateway that never answers and a route that is not there are said at once', async (context) => {
    const away = depsOf('http://127.0.0.1:1');
    assert.equal(await runCli(['status', '-w'], away.deps), 3);
    const { deps, err } = depsOf(await adminFor(context));
    for (const more of [[], ['-w']]) assert.equal(await runCli(['status', 'chekout', ...more], deps), 1);
    assert.equal(err(), 'sluice: there is no route chekout (did you mean checkout?)\n'.repeat(2));
    assert.equal(await runCli(['status', '--every', '2'], deps), 2);
    assert.equal(await runCli(['status', '-w', '--every', '0'], deps), 2);
  });
});
