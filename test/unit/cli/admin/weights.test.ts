/** `sluice weights` against a real admin server. */

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { type TestContext, test } from 'node:test';
import { startAdmin } from '#src/admin/server.ts';
import { hashToken } from '#src/admin/token.ts';
import { weightsText } from '#src/cli/admin/weights.ts';
import { runCli } from '#src/cli/cli.ts';
import type { WeightsAnswer, WeightsCommand } from '#src/model/rollout.ts';
import type { VersionWeights, WeightsView } from '#src/model/status.ts';
import { recordedDeps } from '../../../support/cli.ts';
import { listenLoopback } from '../../../support/plane.ts';
import { sampleView } from '../../../support/readings/view.ts';

const TOKEN = 'sixteen-visible-characters';

function version(name: string, weight: number, more: Partial<VersionWeights> = {}): VersionWeights {
  const set = { weight, weightBecause: '', weightConfigured: weight, weightFrom: 'weights', weightOfRoute: 1 } as const;
  return { service: 'shop', version: name, ...set, ...more };
}

const VIEW: WeightsView = {
  route: 'shop',
  document: 'consul sluice/weights/shop',
  revision: '17',
  weights: { v1: 90, v2: 10 },
  reason: 'evening peak',
  problem: '',
  inForce: { document: 'consul sluice/weights/shop', revision: '17', reason: 'evening peak' },
  versions: [
    version('v1', 95, { weightConfigured: 90 }),
    version('v2', 5, { weightConfigured: 10, weightBecause: 'shop: v2 starts at 5 %' }),
  ],
};
const GET = `route shop
document consul sluice/weights/shop  revision 17
kept     v1=90 v2=10  evening peak
           weight  set       by  route’s own
  shop v1      95   90  weights            1
  shop v2       5   10  weights            1
shop v2 has weight 5: shop: v2 starts at 5 %
`;

interface Changes {
  readonly view?: Partial<WeightsView>;
  readonly answer?: WeightsAnswer;
  readonly token?: string;
}

async function cli(context: TestContext, argv: readonly string[], changes: Changes = {}) {
  const { answer = { kind: 'written', document: 'consul sluice/weights/shop', revision: '18' }, token = TOKEN } =
    changes;
  const commands: WeightsCommand[] = [];
  const no = { kind: 'refused', detail: 'not asked' } as const;
  const view = { ...VIEW, ...changes.view };
  const admin = await startAdmin({
    address: { host: '127.0.0.1', port: 0 },
    view: sampleView({ weights: (route) => Promise.resolve(route === 'shop' ? view : null) }),
    actions: {
      tokenHash: () => hashToken(TOKEN),
      command: () => no,
      restore: () => no,
      stopFaults: () => ({ kind: 'refused', detail: 'not asked' }) as const,
      restart: () => no,
      configure: () => Promise.resolve({ kind: 'refused', detail: 'not asked' }),
      setWeights: (command) => {
        commands.push(command);
        return Promise.resolve(answer);
      },
      onRefused: () => undefined,
    },
  });
  context.after(() => admin.close());
  const { deps, out, err } = recordedDeps({ env: { SLUICE_ADMIN: admin.url, SLUICE_ADMIN_TOKEN: token } });
  const code = await runCli(['weights', ...argv], deps);
  return { code, out: out(), err: err(), commands };
}

test('get shows what is kept, what counts, and why the two differ', { timeout: 120_000 }, async (context) => {
  const { code, out, err } = await cli(context, ['get', 'shop']);
  assert.deepEqual([code, out, err], [0, GET, '']);
  const json = await cli(context, ['get', 'shop', '-o', 'json']);
  assert.deepEqual([json.code, JSON.parse(json.out)], [0, VIEW]);
});

test('get says what is not in force yet, and what cannot be read', { timeout: 120_000 }, async (context) => {
  const behind = await cli(context, ['get', 'shop'], { view: { revision: '18', weights: { v1: 1 }, reason: '' } });
  assert.match(
    behind.out,
    /revision 18\nkept {5}v1=1\nin force weights from consul sluice\/weights\/shop, revision 17: evening/,
  );
  const fresh = await cli(context, ['get', 'shop'], { view: { revision: '0', weights: null, inForce: null } });
  assert.match(fresh.out, /there is none yet, revision 0\n {11}weight/);
  const away = await cli(context, ['get', 'shop'], { view: { revision: null, weights: null, problem: 'it is away' } });
  assert.deepEqual([away.code, away.err], [1, 'sluice: it is away\n']);
  assert.match(away.out, /cannot be read now/);
  const nowhere = await cli(context, ['get', 'shop'], { view: { document: '', revision: null, problem: 'main file' } });
  assert.deepEqual([nowhere.code, nowhere.err], [0, 'sluice: main file\n']);
  const unknown = await cli(context, ['get', 'none']);
  assert.deepEqual([unknown.code, unknown.err], [1, 'sluice: There is no route none\n']);
});

test('set changes what is named, against what was read, and keeps the rest', { timeout: 120_000 }, async (context) => {
  const { code, out, commands } = await cli(context, ['set', 'shop', 'v2=20', '--reason', 'more']);
  assert.deepEqual([code, out], [0, 'shop: written to consul sluice/weights/shop, revision 18\n']);
  const weights = { v1: 90, v2: 20 };
  assert.deepEqual(commands, [{ route: 'shop', weights, revision: '17', by: 'api', reason: 'more' }]);
  // Another name of the same version is no second one.
  const full = await cli(context, ['set', 'shop', 'shop/v1=5', 'v2=default', '--revision', '17', '-o', 'json']);
  assert.deepEqual([full.commands[0]?.weights, full.commands[0]?.revision], [{ v1: 5 }, '17']);
  assert.deepEqual(JSON.parse(full.out), { document: 'consul sluice/weights/shop', revision: '18' });
});

test('set sends nothing where nobody knows what the rest is', { timeout: 120_000 }, async (context) => {
  const other = await cli(context, ['set', 'shop', 'v1=5', '--revision', '18']);
  const said =
    'consul sluice/weights/shop is not at revision 18: it has revision 17 now; look at it and set it again; now v1=90 v2=10';
  assert.deepEqual([other.code, other.err, other.commands], [1, `sluice: ${said}\n`, []]);
  const view = { weights: null, reason: '', problem: 'the document is not sound' };
  for (const words of [['v1=5'], ['v1=5', 'v2=default']]) {
    const unsound = await cli(context, ['set', 'shop', ...words], { view });
    assert.deepEqual([unsound.code, unsound.commands], [1, []]);
    assert.match(unsound.err, /weights\/shop: the document is not sound; mend it, or name every version of the route/);
  }
  const whole = await cli(context, ['set', 'shop', 'v1=5', 'shop/v2=1'], { view });
  assert.deepEqual([whole.code, whole.commands[0]?.weights], [0, { v1: 5, 'shop/v2': 1 }]);
  const none = await cli(context, ['set', 'shop', 'v1=5'], { view: { weights: null, reason: '', revision: '0' } });
  assert.deepEqual([none.code, none.commands[0]?.weights], [0, { v1: 5 }]);
});

test('set tells a conflict with what is there now', { timeout: 120_000 }, async (context) => {
  const present = { revision: '19', weights: { v1: 50 } };
  const answer = { kind: 'conflict', detail: 'it is not at revision 17', present } as const;
  const text = await cli(context, ['set', 'shop', 'v1=1'], { answer });
  assert.deepEqual([text.code, text.out, text.err], [1, '', 'sluice: it is not at revision 17; now v1=50\n']);
  const json = await cli(context, ['set', 'shop', 'v1=1', '-o', 'json'], { answer });
  const refused = { status: 412, refused: answer.detail, outcome: 'conflict', present };
  assert.deepEqual([json.code, JSON.parse(json.out)], [1, refused]);
});

test('set never takes what is not known for done', { timeout: 120_000 }, async (context) => {
  const detail = 'unknown whether it was written, look again: no answer';
  const unsure = await cli(context, ['set', 'shop', 'v1=1'], { answer: { kind: 'unconfirmed', detail } });
  assert.deepEqual([unsure.code, unsure.out, unsure.err], [1, '', `sluice: ${detail}\n`]);
  const away = await cli(context, ['set', 'shop', 'v1=1'], { view: { revision: null, problem: 'it is away' } });
  assert.deepEqual([away.code, away.err, away.commands.length], [1, 'sluice: it is away\n', 0]);
  const stranger = await cli(context, ['set', 'shop', 'v1=1'], { token: 'not-the-token-at-all' });
  assert.deepEqual([stranger.code, /set SLUICE_ADMIN_TOKEN/.test(stranger.err)], [1, true]);
});

test('an admin server that dies with the question leaves it unknown', { timeout: 120_000 }, async (context) => {
  const server = createServer((request, response) => {
    if (request.method === 'GET') response.end(JSON.stringify(VIEW));
    else response.socket?.destroy();
  });
  const port = await listenLoopback(server);
  context.after(() => server.close());
  const { deps, err } = recordedDeps({ env: { SLUICE_ADMIN: `http://127.0.0.1:${port}` } });
  assert.equal(await runCli(['weights', 'set', 'shop', 'v1=1'], deps), 1);
  assert.match(err(), /^sluice: unknown whether the weights of shop were written, look again: no answer from http:/);
  server.closeAllConnections();
});

test('wrong usage is 2, and a server that does not answer 3', { timeout: 120_000 }, async () => {
  const wrong: readonly [string[], RegExp][] = [
    [[], /weights takes get or set/],
    [['put', 'shop'], /weights takes get or set/],
    [['get'], /weights get takes a route/],
    [['get', 'shop', 'v1=1'], /get takes a route and nothing else/],
    [['get', 'shop', '--reason', 'x'], /get takes a route and nothing else/],
    [['set', 'shop'], /weights set takes weights/],
    [['set', 'shop', 'v1'], /expected VERSION=WEIGHT with a whole number, or VERSION=default, got v1/],
    [['set', 'shop', 'v1=0.5'], /got v1=0\.5/],
    [['set', 'shop', 'v1=-1'], /got v1=-1/],
    [['set', 'shop', 'v1=1', 'v1=2'], /v1 is there twice/],
  ];
  for (const [argv, message] of wrong) {
    const { deps, err } = recordedDeps();
    assert.equal(await runCli(['weights', ...argv], deps), 2, argv.join(' '));
    assert.match(err(), message);
  }
  const { deps } = recordedDeps({ env: { SLUICE_ADMIN: 'http://127.0.0.1:1' } });
  assert.equal(await runCli(['weights', 'get', 'shop'], deps), 3);
  assert.equal(await runCli(['weights', 'set', 'shop', 'v1=1'], deps), 3);
});

test('the text of weights that nobody holds is short', () => {
  const text = weightsText({ ...VIEW, document: '', revision: null, weights: null, inForce: null, versions: [] });
  assert.match(text, /^route shop\n/);
});
