import assert from 'node:assert/strict';
import { suite, type TestContext, test } from 'node:test';
import { startAdmin } from '#src/admin/server.ts';
import { settingText } from '#src/cli/admin/explain.ts';
import { runCli } from '#src/cli/cli.ts';
import type { InForceAnswer, SettingInForce } from '#src/model/threads/explain.ts';
import { recordedDeps } from '../../../support/cli.ts';
import { sampleView } from '../../../support/readings/view.ts';

const VERSION = { service: 'shop', version: 'v2', weight: 0, weightConfigured: 5, weightOfRoute: 1 } as const;
const SETTING: SettingInForce = {
  path: 'routes[0].backendRefs',
  value: [{ name: 'shop' }],
  origin: 'document',
  about: 'Where requests go',
  defaultText: '',
  place: { file: 'etcd /routes/shop', line: 3, column: 1, path: 'backendRefs' },
  shadowed: [{ file: 'consul sluice/routes/shop', line: 1, column: 1, path: '' }],
  weightsFrom: { file: 'etcd /weights/shop', line: 1, column: 1, path: 'weights' },
  route: 'shop',
  number: 7,
  hash: '3f9a1c00aa',
  difference: '',
  versions: [
    { ...VERSION, weightFrom: 'weights', weightBecause: 'rolled back' },
    { ...VERSION, version: 'v1', weight: 5, weightFrom: 'route', weightBecause: '' },
  ],
};

async function cli(t: TestContext, argv: readonly string[], answer: InForceAnswer) {
  const asked: string[] = [];
  const explainSetting = async (path: string): Promise<InForceAnswer> => {
    asked.push(path);
    return answer;
  };
  const admin = await startAdmin({ address: { host: '127.0.0.1', port: 0 }, view: sampleView({ explainSetting }) });
  t.after(() => admin.close());
  const { deps, out, err } = recordedDeps({ env: { SLUICE_ADMIN: admin.url } });
  const config = {
    ...(await deps.config()),
    readText: async (file: string) => file,
    sources: (text: string) => (text === 's.yaml' ? { names: ['directory c.d'], problems: [] } : null),
    explainSetting: () => answer,
  };
  const code = await runCli(['config', 'explain', ...argv], { ...deps, config: async () => config });
  return { code, out: out(), err: err(), asked };
}

suite('sluice config explain', { timeout: 120_000 }, () => {
  test('a running gateway is asked, and its answer shown with what is in force', async (t) => {
    const { code, out, asked } = await cli(t, ['shop.backendRefs'], { kind: 'done', setting: SETTING });
    assert.deepEqual([code, asked], [0, ['shop.backendRefs']]);
    assert.equal(
      out,
      'routes[0].backendRefs = [\n  {\n    "name": "shop"\n  }\n]\n' +
        '  from etcd /routes/shop:3:1 backendRefs\n' +
        '  not counted: consul sluice/routes/shop:1:1, which comes later\n' +
        '  weights from etcd /weights/shop:1:1 weights\n' +
        '  Where requests go\n' +
        '  shop v2 has weight 0, 5 by the weights document: rolled back\n' +
        '  shop v1 has weight 5, 5 by the route\n' +
        '  revision 7 #3f9a1c00\n',
    );
    const json = await cli(t, ['shop', '-o', 'json'], { kind: 'done', setting: SETTING });
    assert.deepEqual(JSON.parse(json.out), SETTING);
    const pinned = await cli(t, ['shop'], { kind: 'done', setting: { ...SETTING, difference: 'pinned' } });
    assert.match(pinned.out, /\nnote: this is what the documents say; in force is another: pinned\n$/);
  });

  test('a default, and what is not set, are told as that', () => {
    const nowhere = { ...SETTING, value: null, place: null, shadowed: [], weightsFrom: null, about: '' };
    assert.equal(
      settingText({ ...nowhere, path: 'timeouts.head', origin: 'default', defaultText: '10s' }),
      'timeouts.head = 10s\n  the default: no document says it\n',
    );
    assert.equal(
      settingText({ ...nowhere, path: 'fleet', origin: 'none' }),
      'fleet = not set\n  no document says it\n',
    );
  });

  test('a document is explained by itself, and what else may say something is named', async (t) => {
    const done = { kind: 'done', setting: SETTING } as const;
    const plain = await cli(t, ['shop', '--config', 'x.yaml'], done);
    assert.deepEqual([plain.code, plain.asked, /revision 7/.test(plain.out)], [0, [], false]);
    const sourced = await cli(t, ['shop', '--config', 's.yaml'], done);
    assert.match(sourced.out, /note: directory c\.d may say more, and were not asked\n$/);
    const refused = await cli(t, ['shop', '--config', 'x.yaml'], { kind: 'refused', detail: 'there is no route' });
    assert.deepEqual([refused.code, refused.err], [1, 'sluice: there is no route\n']);
  });

  test('a refusal, wrong usage and a server that is not there are told', async (t) => {
    const refused = { kind: 'refused', detail: 'there is no route ship' } as const;
    const { code, err } = await cli(t, ['ship'], refused);
    assert.deepEqual([code, err], [1, 'sluice: there is no route ship\n']);
    assert.equal((await cli(t, [], refused)).code, 2);
    assert.equal((await cli(t, ['a', '--config', 'x', '--admin', 'y'], refused)).code, 2);
    assert.equal((await cli(t, ['a', '--admin', 'http://127.0.0.1:1'], refused)).code, 3);
  });
});
