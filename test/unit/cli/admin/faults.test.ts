/** `sluice faults` against a real admin server. */

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { startAdmin } from '#src/admin/server.ts';
import { hashToken } from '#src/admin/token.ts';
import { faultLines } from '#src/cli/admin/faults.ts';
import { runCli } from '#src/cli/cli.ts';
import type { FaultStatus } from '#src/model/threads/faults.ts';
import { recordedDeps } from '../../../support/cli.ts';
import { sampleStatus } from '../../../support/readings/status.ts';
import { sampleView } from '../../../support/readings/view.ts';

const TOKEN = 'sixteen-visible-characters';
const FAULT: FaultStatus = {
  id: 'shop/slow',
  route: 'shop',
  state: 'active',
  sentence: '100 % of the requests are held for 200 ms',
  from: '2026-11-21T10:00:00.000Z',
  until: '2026-11-21T10:30:00.000Z',
};

async function cli(context: TestContext, argv: readonly string[], faults = [FAULT], token = TOKEN) {
  const no = { kind: 'refused', detail: 'not asked' } as const;
  const actions = {
    tokenHash: () => hashToken(TOKEN),
    command: () => no,
    restore: () => no,
    configure: () => Promise.resolve(no),
    stopFaults: ({ reason }: { reason: string }) =>
      faults.length > 0 ? ({ kind: 'stopped', ids: [`shop/${reason}`] } as const) : no,
    restart: () => no,
    setWeights: () => Promise.resolve({ kind: 'unknown', detail: '' } as const),
    onRefused: () => undefined,
  };
  const view = { ...sampleView(), status: () => sampleStatus({ faults }) };
  const admin = await startAdmin({ address: { host: '127.0.0.1', port: 0 }, view, actions });
  context.after(() => admin.close());
  const { deps, out, err } = recordedDeps({ env: { SLUICE_ADMIN: admin.url, SLUICE_ADMIN_TOKEN: token } });
  const code = await runCli(['faults', ...argv], deps);
  return { code, out: out(), err: err() };
}

test('shows what goes wrong on purpose', { timeout: 120_000 }, async (context) => {
  const { out } = await cli(context, []);
  assert.equal(out, `shop/slow  active  ${FAULT.from} to ${FAULT.until}  ${FAULT.sentence}\n`);
  assert.equal((await cli(context, [], [])).out, 'no faults are configured\n');
});

test('stops them all, or says why not', { timeout: 120_000 }, async (context) => {
  assert.deepEqual(await cli(context, ['stop', '--reason', 'enough']), {
    code: 0,
    out: 'stopped shop/enough\n',
    err: '',
  });
  assert.deepEqual(await cli(context, ['stop'], []), { code: 1, out: '', err: 'sluice: not asked\n' });
  const { code, err } = await cli(context, ['stop'], [FAULT], 'not-the-token-at-all');
  assert.deepEqual([code, /set SLUICE_ADMIN_TOKEN/.test(err)], [1, true]);
});

test('tells the same as JSON', { timeout: 120_000 }, async (context) => {
  const json = async (...argv: string[]) => JSON.parse((await cli(context, [...argv, '-o', 'json'])).out) as unknown;
  assert.deepEqual(await json(), { faults: [FAULT] });
  assert.deepEqual(await json('stop', '--reason', 'enough'), { stopped: ['shop/enough'] });
});

test('takes stop or nothing, and a server that answers', { timeout: 120_000 }, async () => {
  const { deps, err } = recordedDeps();
  assert.equal(await runCli(['faults', 'start'], deps), 2);
  assert.match(err(), /faults takes stop, or nothing/);
  assert.equal(await runCli(['faults', '--admin', 'http://127.0.0.1:1'], deps), 3);
});

test('only those that are active have a loud line', () => {
  assert.deepEqual(faultLines([FAULT, { ...FAULT, state: 'scheduled' }, { ...FAULT, state: 'over' }]), [
    'FAULT    shop/slow on purpose until 2026-11-21T10:30:00.000Z: 100 % of the requests are held for 200 ms',
  ]);
});
