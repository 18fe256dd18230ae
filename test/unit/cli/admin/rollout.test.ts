import assert from 'node:assert/strict';
import { suite, type TestContext, test } from 'node:test';
import type { AdminActions } from '#src/admin/commands.ts';
import { startAdmin } from '#src/admin/server.ts';
import { hashToken } from '#src/admin/token.ts';
import { rolloutLines, rolloutText } from '#src/cli/admin/rollout.ts';
import { runCli } from '#src/cli/cli.ts';
import type { RolloutCommand } from '#src/model/rollout.ts';
import type { RolloutStatus } from '#src/model/status.ts';
import { recordedDeps } from '../../../support/cli.ts';
import { sampleDecision, sampleRoute, sampleStatus } from '../../../support/readings/status.ts';
import { sampleView } from '../../../support/readings/view.ts';
import { WAITS } from '../../../support/runner/depth.ts';

const TOKEN = 'sixteen-visible-characters';
const ROLLOUT: RolloutStatus = {
  stable: 'v1',
  canary: 'v2',
  state: 'progressing',
  step: { number: 2, count: 5, percent: 5, forMs: 60_000 },
  gates: [
    { name: 'dwell', isPassed: false, needed: 120_000, seen: 60_000, sentence: '1 min of 2 min on this step' },
    { name: 'alerts', isPassed: true, needed: null, seen: null, sentence: 'no burn alert fires' },
  ],
  next: '25 %, after: 1 min of 2 min on this step',
  verdict: null,
  sentence: 'checkout: v2 is at 5 %',
  shadows: [{ name: 'bold', state: 'inconclusive', logE: 1.234, logEToFail: 3, hasDecided: false }],
};

/** Runs `sluice rollout …` against an admin server that knows one rollout. */
async function cli(
  context: TestContext,
  argv: readonly string[],
  token: string | undefined = TOKEN,
  states: (RolloutStatus['state'] | 'away' | Pick<RolloutStatus, 'routes'>)[] = [],
) {
  const commands: RolloutCommand[] = [];
  const actions: AdminActions = {
    tokenHash: () => hashToken(TOKEN),
    command: (command) => {
      commands.push(command);
      if (command.name === 'undo') return { kind: 'refused', detail: 'there is nothing to undo' };
      return { kind: 'done', decision: sampleDecision({ sentence: 'checkout: done' }), holds: [] };
    },
    restore: () => ({ kind: 'refused', detail: 'not asked' }),
    configure: () => Promise.resolve({ kind: 'refused', detail: 'not here' } as const),
    stopFaults: () => ({ kind: 'refused', detail: 'not asked' }) as const,
    restart: () => ({ kind: 'refused', detail: 'not here' }),
    setWeights: () => Promise.resolve({ kind: 'unknown', detail: '' }),
    onRefused: () => undefined,
  };
  const view = sampleView({
    status: () => {
      const state = states.shift() ?? ROLLOUT.state;
      if (state === 'away') throw new Error('restarted');
      const rollout = { ...ROLLOUT, ...(typeof state === 'string' ? { state } : state) };
      const back = sampleRoute({ name: 'back', ...('routes' in rollout && { rollout: null }) });
      return sampleStatus({ routes: [sampleRoute({ rollout }), back] });
    },
  });
  const admin = await startAdmin({ address: { host: '127.0.0.1', port: 0 }, view, actions });
  context.after(() => admin.close());
  const env = { SLUICE_ADMIN: admin.url, ...(token === undefined ? {} : { SLUICE_ADMIN_TOKEN: token }) };
  const { deps, out, err } = recordedDeps({ env });
  const code = await runCli(['rollout', ...argv], deps);
  return { code, out: out(), err: err(), commands };
}

suite('sluice rollout', { timeout: 120_000 }, () => {
  test('status waits for the end, and says by its exit code which it was', WAITS, async (context) => {
    for (const [end, expected] of [
      ['succeeded', 0],
      ['rolled-back', 1],
    ] as const) {
      const { code, out } = await cli(context, ['status', 'checkout', '--timeout', '5m', '-o', 'json'], TOKEN, [
        'progressing',
        end,
      ]);
      assert.deepEqual([code, (JSON.parse(out) as RolloutStatus).state], [expected, end]);
    }
  });

  test('status goes on waiting over a restart of the gateway, for hours if need be', WAITS, async (context) => {
    const states = ['progressing', 'away', 'succeeded'] as const;
    assert.equal((await cli(context, ['status', 'checkout', '--timeout', '2h'], TOKEN, [...states])).code, 0);
    assert.equal((await cli(context, ['status', 'checkout', '--timeout', '10ms'], TOKEN, ['away'])).code, 3);
  });

  test('status waits no longer than it was told, and not for a rollout that there is not', async (context) => {
    const { code, err } = await cli(context, ['status', 'checkout', '--timeout', '10ms']);
    assert.deepEqual([code, /its rollout has not ended in 0\.01 s, it is progressing/.test(err)], [1, true]);
    assert.equal((await cli(context, ['status', 'back', '--timeout', '5m'])).code, 1);
    for (const argv of [
      ['status', 'checkout', '--timeout', 'soon'],
      ['status', 'checkout', '--timeout', '169h'],
      ['start', 'checkout', '--timeout', '5m'],
    ]) {
      assert.equal((await cli(context, argv)).code, 2);
    }
  });

  test('a command is sent with its reason and label, and its sentence printed', async (context) => {
    const { code, out, commands } = await cli(context, ['start', 'checkout', '--reason', 'release 7', '--fix']);
    assert.deepEqual([code, out], [0, 'checkout: done\n']);
    assert.deepEqual(commands, [{ route: 'checkout', name: 'start', by: 'api', reason: 'release 7', isFix: true }]);
    const json = await cli(context, ['pause', 'checkout', '-o', 'json']);
    assert.equal((JSON.parse(json.out) as { id: number }).id, 1);
  });

  test('a refused one is a failure with the reason', async (context) => {
    const { code, out, err } = await cli(context, ['undo', 'checkout']);
    assert.deepEqual([code, out, err], [1, '', 'sluice: there is nothing to undo\n']);
  });

  test('a missing token is a failure that says where it belongs', async (context) => {
    const { deps, err } = recordedDeps({ env: {} });
    assert.equal(await runCli(['rollout', 'pause', 'checkout', '--admin', 'http://127.0.0.1:1'], deps), 3);
    assert.match(err(), /cannot reach the admin server/);
    const wrong = await cli(context, ['pause', 'checkout'], 'not-the-token-at-all');
    assert.equal(wrong.code, 1);
    assert.match(wrong.err, /not the one that was configured; set SLUICE_ADMIN_TOKEN/);
  });

  test('status prints the state with its gates, and fails when rolled back or unknown', async (context) => {
    const { code, out } = await cli(context, ['status', 'checkout']);
    assert.equal(code, 0);
    assert.equal(
      out,
      'checkout: v2 is at 5 %\n' +
        'weights  v1 80 (configured 80), v2 0 (configured 20)\n' +
        'step     2 of 5, 5 % of users\n' +
        '[-] dwell    1 min of 2 min on this step\n' +
        '[+] alerts   no burn alert fires\n' +
        'next     25 %, after: 1 min of 2 min on this step\n' +
        'shadow   bold: inconclusive, evidence 1.2 of 3.0 nats\n',
    );
    assert.equal((await cli(context, ['status', 'back'])).code, 1);
    const unknown = await cli(context, ['status', 'nowhere']);
    assert.deepEqual([unknown.code, unknown.err.includes('routes with one: checkout, back')], [1, true]);
    assert.deepEqual(JSON.parse((await cli(context, ['status', 'checkout', '-o', 'json'])).out), ROLLOUT);
  });

  test('history prints what was decided about a route, oldest first, and nothing of others', async (context) => {
    const { code, out } = await cli(context, ['history', 'checkout']);
    assert.equal(code, 0);
    assert.equal(out, '   1  2026-11-01T08:01:10.000Z  rollback  v2 rolled back: 12 bad of 200 against 0 of 800\n');
    const none = await cli(context, ['history', 'back']);
    assert.deepEqual([none.code, none.out], [0, 'nothing was decided about back yet\n']);
    assert.deepEqual(JSON.parse((await cli(context, ['history', 'back', '-o', 'json'])).out), []);
    const unknown = await cli(context, ['history', 'chekout']);
    assert.deepEqual([unknown.code, unknown.out], [1, '']);
    assert.equal(unknown.err, 'sluice: there is no route chekout (did you mean checkout?)\n');
    assert.equal((await cli(context, ['history', 'checkout', '--admin', 'http://127.0.0.1:1'])).code, 3);
  });

  test('what is not understood is wrong usage', async () => {
    for (const argv of [
      ['promot', 'x'],
      [],
      ['start'],
      ['status', 'x', '--fix'],
      ['history', 'x', '--reason', 'y'],
      ['start', 'a', 'b'],
    ]) {
      const { deps, err } = recordedDeps();
      assert.equal(await runCli(['rollout', ...argv], deps), 2, argv.join(' '));
      if (argv[0] === 'promot') assert.match(err(), /did you mean promote\?/);
    }
  });

  test('a rollout of several routes tells of each, and one of them who leads it', async (context) => {
    const routes = ['checkout', 'back'];
    assert.equal(rolloutLines({ ...ROLLOUT, routes })[0], 'routes   checkout, back');
    const counts = { canary: { finished: 40, bad: 6 }, stable: { finished: 800, bad: 1 } };
    const part = { route: 'back', logERequests: 9.04, logEUsers: 9.1, logE: 9.04, logEAbsolute: null };
    const verdict = { ...sampleDecision().verdict, routes: [{ ...part, requests: counts, users: counts }] };
    assert.equal(
      rolloutLines({ ...ROLLOUT, routes, verdict })[0],
      'route    back: 6 of 40 canary requests failed, evidence 9.0 nats by itself',
    );
    const { code, err } = await cli(context, ['status', 'back'], TOKEN, [{ routes }]);
    assert.deepEqual(
      [code, err],
      [1, 'sluice: route back moves with the rollout of checkout: sluice rollout status checkout\n'],
    );
  });

  test('endpoints whose failures were left out are told of by their addresses', () => {
    const { errors, ...rest } = sampleDecision().verdict;
    const lines = (spared: readonly (string | number)[]) =>
      rolloutLines({ ...ROLLOUT, verdict: { ...rest, errors: { ...errors, spared } } });
    assert.equal(
      lines(['10.0.0.7:80', '10.0.0.7:80'])[0],
      'spared   10.0.0.7:80: its failures were left out, one sick endpoint condemns no version',
    );
    assert.deepEqual(lines([3]), lines([]));
  });

  test('a canary that is only watched has no lines of its own', () => {
    const watched = { ...ROLLOUT, step: null, gates: [], next: '', shadows: [] };
    assert.deepEqual(rolloutLines(watched), []);
    assert.equal(rolloutText(sampleRoute(), watched).split('\n').length, 2);
    const beside = { name: 'bold', state: 'fail', logE: 3.4, logEToFail: 3, hasDecided: true } as const;
    assert.deepEqual(rolloutLines({ ...watched, shadows: [beside] }), [
      'shadow   bold: would have rolled back, evidence 3.4 of 3.0 nats',
    ]);
  });
});
