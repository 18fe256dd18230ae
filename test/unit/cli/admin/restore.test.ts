/** `sluice restore` against a real admin server. */

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { startAdmin } from '#src/admin/server.ts';
import { hashToken } from '#src/admin/token.ts';
import { runCli } from '#src/cli/cli.ts';
import { recordedDeps } from '../../../support/cli.ts';
import { sampleView } from '../../../support/readings/view.ts';

const TOKEN = 'sixteen-visible-characters';

async function cli(context: TestContext, argv: readonly string[], token = TOKEN) {
  const actions = {
    tokenHash: () => hashToken(TOKEN),
    command: () => ({ kind: 'refused', detail: 'not asked' }) as const,
    restore: ({ route, by, reason }: { route: string; by: string; reason: string }) => {
      if (route !== 'shop') return { kind: 'refused', detail: 'none is offline' } as const;
      const change = { route, service: 'shop', version: 'v1', before: 'offline', after: 'steady', by } as const;
      return { kind: 'restored', changes: [{ ...change, sentence: `v1 is back: ${reason}` }] } as const;
    },
    configure: () => Promise.resolve({ kind: 'refused', detail: 'not here' } as const),
    stopFaults: () => ({ kind: 'refused', detail: 'not asked' }) as const,
    restart: () => ({ kind: 'refused', detail: 'not here' }) as const,
    setWeights: () => Promise.resolve({ kind: 'unknown', detail: '' } as const),
    onRefused: () => undefined,
  };
  const view = sampleView();
  const admin = await startAdmin({ address: { host: '127.0.0.1', port: 0 }, view, actions });
  context.after(() => admin.close());
  const { deps, out, err } = recordedDeps({ env: { SLUICE_ADMIN: admin.url, SLUICE_ADMIN_TOKEN: token } });
  const code = await runCli(['restore', ...argv], deps);
  return { code, out: out(), err: err() };
}

test('brings versions back and says which', { timeout: 120_000 }, async (context) => {
  assert.deepEqual(await cli(context, ['shop', '--reason', 'mended']), {
    code: 0,
    out: 'v1 is back: mended\n',
    err: '',
  });
});

test('tells what changed as JSON', { timeout: 120_000 }, async (context) => {
  const { code, out } = await cli(context, ['shop', '--reason', 'mended', '-o', 'json']);
  const { changes } = JSON.parse(out) as { readonly changes: readonly { readonly sentence: string }[] };
  assert.deepEqual([code, changes.map(({ sentence }) => sentence)], [0, ['v1 is back: mended']]);
});

test('fails with the reason when none was offline, or the token is another', { timeout: 120_000 }, async (context) => {
  assert.deepEqual(await cli(context, ['other']), { code: 1, out: '', err: 'sluice: none is offline\n' });
  const { code, err } = await cli(context, ['shop'], 'not-the-token-at-all');
  assert.deepEqual([code, /set SLUICE_ADMIN_TOKEN/.test(err)], [1, true]);
});

test('takes a route, and a server that answers', { timeout: 120_000 }, async () => {
  const { deps, err } = recordedDeps();
  assert.equal(await runCli(['restore'], deps), 2);
  assert.match(err(), /restore takes a route/);
  assert.equal(await runCli(['restore', 'shop', '--admin', 'http://127.0.0.1:1'], deps), 3);
});
