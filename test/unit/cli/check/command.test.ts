import assert from 'node:assert/strict';
import { type AddressInfo, createServer } from 'node:net';
import { suite, type TestContext, test } from 'node:test';
import { runCli } from '#src/cli/cli.ts';
import { createConfigTools } from '#src/compose/config/config-tools.ts';
import { adminFor, depsOf } from '../../../support/readings/admin.ts';
import { sampleStatus } from '../../../support/readings/status.ts';

/** A document whose only endpoint takes connections. */
async function sound(context: TestContext): Promise<string> {
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  context.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  return `listen: {host: 127.0.0.1, port: 0}
admin: {host: 127.0.0.1, port: 0}
services:
  shop: {versions: {v1: {endpoints: [127.0.0.1:${port}]}}}
routes:
  - {name: shop, backendRefs: [{name: shop, version: v1}]}
`;
}

async function check(url: string, argv: readonly string[], text: string) {
  const { deps, out, err } = depsOf(url);
  const config = { ...createConfigTools({}), readText: () => Promise.resolve(text) };
  const code = await runCli(['check', ...argv], { ...deps, config: async () => config });
  return { code, out: out(), err: err() };
}

const NOBODY = 'http://127.0.0.1:1';

suite('sluice check', { timeout: 120_000 }, () => {
  test('before anything runs it looks at the document and the machine', async (context) => {
    const text = await sound(context);
    const { code, out } = await check(NOBODY, ['a.yaml', '--pre'], text);
    assert.equal(code, 0, out);
    assert.match(out, /^config\n√ a\.yaml is sound: 1 routes, 1 services\n[^]*\nenvironment\n√ Node\.js v/);
    assert.match(out, /\n\d+ checks: \d+ passed, \d+ warned, 0 failed\n$/);
    assert.doesNotMatch(out, /^gateway$/m);
    assert.equal((await check(NOBODY, ['a.yaml', '--pre', '--strict'], text)).code, 1);
  });

  test('a running gateway is looked at too, and named documents are compared with what is in force', async (context) => {
    const url = await adminFor(context, { view: { status: () => sampleStatus({ routes: [], slos: [] }) } });
    const alone = await check(url, [], '');
    assert.match(alone.out, /^environment\n[^]*\ngateway\n√ sluice 0\.1\.0 is ready/);
    assert.doesNotMatch(alone.out, /^config$/m);
    const both = await check(url, ['a.yaml', '-o', 'json'], await sound(context));
    const { ok, checks } = JSON.parse(both.out) as { ok: boolean; checks: { group: string; sentence: string }[] };
    assert.deepEqual([ok, both.code], [true, 0]);
    assert.ok(checks.some(({ sentence }) => sentence.startsWith('another configuration is in force')));
  });

  test('what is wrong fails; a gateway that was named has to answer', async () => {
    const wrong = await check(NOBODY, ['a.yaml'], 'routes: 7\n');
    assert.equal(wrong.code, 1);
    assert.match(wrong.out, /^× a\.yaml:1:\d+: SLU/m);
    assert.match(wrong.out, /^‼ no gateway answers at http:\/\/127\.0\.0\.1:1$/m);
    const named = await check(NOBODY, ['--admin', NOBODY], '');
    assert.deepEqual([named.code, named.out], [3, '']);
    assert.equal((await check(NOBODY, ['--prre'], '')).code, 2);
  });
});
