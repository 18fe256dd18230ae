/** `sluice config import`: what it prints is what a gateway takes. */

import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { runCli } from '#src/cli/cli.ts';
import { createConfigTools } from '#src/compose/config/config-tools.ts';
import { SluiceError } from '#src/model/problem.ts';
import { parseConfig } from '#src/sources/parse.ts';
import { recordedDeps } from '../../../support/cli.ts';

const ROUTE = `apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: shop}
spec:
  parentRefs: [{name: edge}]
  hostnames: [shop.test]
  rules:
    - matches:
        - {path: {type: PathPrefix, value: /cart}, headers: [{name: x-beta, value: "1"}], queryParams: [{name: q, value: a}]}
      filters:
        - {type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: X-A, value: b}]}}
        - {type: RequestMirror, requestMirror: {backendRef: {name: copy, port: 80}, percent: 5}}
      timeouts: {request: 10s, backendRequest: 2s}
      backendRefs: [{name: shop-v1, port: 8080, weight: 95}, {name: shop-v2, port: 8080, weight: 5}]
    - filters: [{type: ExtensionRef, extensionRef: {group: a, kind: B, name: c}}]
      backendRefs: [{name: web, port: 80}]
`;
const FILES: Readonly<Record<string, string>> = {
  'route.yaml': ROUTE,
  'wrong.yaml': ROUTE.replace('/cart', 'cart'),
  'commands.yaml': ROUTE.replace('x-beta', '"\\u009b2J\\u202e"'),
  'broken.yaml': 'a: [1\n',
  'other.yaml': 'kind: Ingress\n',
};

async function cli(...argv: string[]) {
  const tools = createConfigTools({});
  const readText = async (file: string): Promise<string> => {
    const text = FILES[file];
    if (text === undefined) throw new SluiceError('SLU_CONFIG_UNREADABLE', `cannot read ${file}`);
    return text;
  };
  const { deps, out, err } = recordedDeps({ config: async () => ({ ...tools, readText }) });
  const code = await runCli(['config', 'import', ...argv], deps);
  return { code, out: out(), err: err() };
}

suite('sluice config import', () => {
  test('prints a configuration that a gateway takes, and says what it left out', async () => {
    const { code, out, err } = await cli('route.yaml', '--from', 'gateway-api');
    const leftOut = ['HTTPRoute shop: parentRefs', 'HTTPRoute shop, rule 2: filter ExtensionRef'];
    assert.deepEqual([code, err], [0, leftOut.map((what) => `warning: left out: ${what}\n`).join('')]);
    const result = parseConfig(out, 'out.yaml', {});
    assert.ok(result.ok, JSON.stringify(result));
    assert.deepEqual(
      result.config.routes.map(({ name, backendRefs }) => [name, backendRefs.map(({ version, weight }) => [version, weight])]),
      [
        ['shop-1', [['v1', 95], ['v2', 5]]],
        ['shop-2', [['v1', 1]]],
      ],
    ); // biome-ignore format: pairs
    assert.deepEqual((await cli('route.yaml')).out, out, 'the only source is the default one');
  });

  test('says the problems of what it made', async () => {
    const { code, err } = await cli('wrong.yaml');
    assert.equal(code, 1);
    assert.match(err, /the result:\d+:\d+: SLU\d+ routes\[0\]\.matches\[0\]\.path\.value: /);
  });

  test('does nothing to a terminal', async () => {
    const { out, err } = await cli('commands.yaml');
    assert.match(out, /"\\u009b2J\\u202e"/);
    assert.doesNotMatch(out + err, /[\u009b\u202e]/);
  });

  test('refuses what it cannot read', async () => {
    const broken = await cli('broken.yaml');
    assert.equal(broken.code, 1);
    assert.match(broken.err, /^sluice: broken\.yaml:\d+:\d+: /);
    const other = await cli('other.yaml');
    assert.deepEqual([other.code, other.out], [1, '']);
    assert.match(other.err, /Ingress unnamed: only HTTPRoute is read\nsluice: other\.yaml has no HTTPRoute\n$/);
    assert.equal((await cli('gone.yaml')).code, 1);
    for (const argv of [[], ['a', 'b'], ['route.yaml', '--from', 'gateway-apy']]) {
      assert.equal((await cli(...argv)).code, 2, argv.join(' '));
    }
  });
});
