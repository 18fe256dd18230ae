import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { runCli } from '#src/cli/cli.ts';
import { adminFor, depsOf } from '../../../support/readings/admin.ts';
import { sampleRoute, sampleSlo, sampleStatus } from '../../../support/readings/status.ts';

/** A gateway on which 100 more requests came with each look, a tenth of them bad. */
function growing() {
  let looks = 0;
  return () => {
    const n = looks++;
    const routes = [sampleRoute({ requests: 100 * n, bad: 10 * n }), sampleRoute({ name: 'idle', rollout: null })];
    return sampleStatus({ uptimeMs: 1000 + 1000 * n, routes, slos: [sampleSlo({ name: 'checkout' })] });
  };
}

suite('sluice top', { timeout: 120_000 }, () => {
  test('shows a table for each look, elsewhere than on a terminal each as a whole', async (context) => {
    const { deps, out } = depsOf(await adminFor(context, { view: { status: growing() } }));
    assert.equal(await runCli(['top', '--every', '0.1', '--count', '2'], deps), 0);
    const tables = out().trim().split('\n\n');
    assert.equal(tables.length, 2);
    for (const table of tables) {
      const [head = '', columns = '', first = '', second = ''] = table.split('\n');
      assert.match(head, /^sluice 0\.1\.0 {2}\S+Z {2}2 of 2 routes by traffic, 100 requests\/s$/);
      assert.match(columns, /^route +requests\/s +errors +p99 +under way +burn 5m +budget left +rollout$/);
      assert.match(first, /^checkout +100 +10 % /);
      assert.match(second, /^idle +0 +- /);
    }
  });

  test('as JSON it is a line for each look, with as many routes as are asked for', async (context) => {
    const { deps, out } = depsOf(await adminFor(context, { view: { status: growing() } }));
    const argv = ['top', '--every', '0.1', '--count', '1', '--sort', 'name', '--limit', '1', '-o', 'json'];
    assert.equal(await runCli(argv, deps), 0);
    const told = JSON.parse(out()) as { routesTotal: number; routes: { route: string; errorRatio: number }[] };
    assert.deepEqual(
      [told.routesTotal, told.routes.map(({ route, errorRatio }) => [route, errorRatio])],
      [2, [['checkout', 0.1]]],
    );
  });

  test('on a terminal it is drawn in one place until it is interrupted', async (context) => {
    let looks = 0;
    let interrupt = (): void => undefined;
    const grow = growing();
    const status = () => {
      if (++looks === 4) interrupt();
      return grow();
    };
    const { deps, events, out } = depsOf(await adminFor(context, { view: { status } }));
    interrupt = () => void events.emit('SIGINT');
    assert.equal(await runCli(['top', '--every', '0.1'], { ...deps, stdout: { ...deps.stdout, isTTY: true } }), 130);
    assert.match(out(), /^\u001b\[\?25l\u001b\[2J\u001b\[Hsluice [^]*\u001b\[\?25h$/);
  });

  test('who is not there, and what is not understood, are said', async () => {
    const { deps, err } = depsOf('http://127.0.0.1:1');
    assert.equal(await runCli(['top'], deps), 3);
    assert.match(err(), /cannot reach the admin server/);
    for (const argv of [
      ['--sort', 'trafic'],
      ['--limit', '25'],
      ['--every', '0.05'],
      ['--count', 'x'],
    ]) {
      assert.equal(await runCli(['top', ...argv], deps), 2, argv.join(' '));
    }
    assert.match(err(), /did you mean traffic\?/);
  });
});
