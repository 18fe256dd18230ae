/** A gateway and an identity provider: keys that change, a provider that hangs and one that is gone, signed colors onward. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, get, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { describe, it, type TestContext } from 'node:test';
import { type GatewayProcess, logged, startGatewayProcess, startService, until } from '../../support/gateway.ts';
import {
  AUDIENCE,
  claimsOf,
  ISSUER,
  type KeyServer,
  keyOf,
  keySetOf,
  signed,
  startKeyServer,
  type TestKey,
} from '../../support/http/tokens.ts';
import { listenLoopback } from '../../support/plane.ts';

const FIRST = keyOf('2026-01');
const SECOND = keyOf('2026-02', 'EdDSA');

interface Scene {
  readonly gateway: GatewayProcess;
  readonly ask: (token: string) => Promise<string>;
}

function tokenOf(key = FIRST, more: Record<string, unknown> = {}): string {
  return signed(key, claimsOf(Date.now(), { stage: 'v2', ...more }));
}

/** The canary has weight 0: only a color leads to it. */
async function sceneOf(t: TestContext, provider: KeyServer): Promise<Scene> {
  const services = await Promise.all(['v1', 'v2'].map((name) => startService(name)));
  const [v1, v2] = services as [(typeof services)[0], (typeof services)[0]];
  const gateway = await startGatewayProcess(`listen: "127.0.0.1:0"
admin: "127.0.0.1:0"
workers: 2
saturation: {response: observe}
color:
  jwt:
    claim: stage
    cookie: session
    issuer: ${ISSUER}
    audience: [${AUDIENCE}]
    jwks: {url: "${provider.url}", interval: 1s}
services:
  shop: {versions: {v1: {endpoints: ["127.0.0.1:${v1.port}"]}, v2: {endpoints: ["127.0.0.1:${v2.port}"]}}}
routes:
  - name: shop
    backendRefs: [{name: shop, version: v1, weight: 1}, {name: shop, version: v2, weight: 0}]
`);
  t.after(async () => {
    await gateway.end();
    await Promise.all(services.map((service) => service.close()));
    await provider.stop();
  });
  const ask = async (token: string): Promise<string> =>
    (await fetch(gateway.proxyUrl, { headers: { authorization: `Bearer ${token}` } })).text();
  return { gateway, ask };
}

async function countOf(gateway: GatewayProcess, result: string): Promise<number> {
  const page = await (await fetch(`${gateway.adminUrl}/metrics`)).text();
  return Number(new RegExp(`^sluice_color_tokens_total\\{result="${result}"\\} (\\d+)`, 'm').exec(page)?.[1] ?? 0);
}

describe('a gateway with an identity provider', () => {
  it('pins by verified tokens, follows its keys, and keeps the last good ones', async (t) => {
    const provider = await startKeyServer(keySetOf(FIRST));
    const { gateway, ask } = await sceneOf(t, provider);
    let pinned = 0;
    const isPinned = async (asking: Promise<string>): Promise<boolean> => {
      const isIt = (await asking) === 'v2';
      pinned += Number(isIt);
      return isIt;
    };
    // A request goes on without its color when its token takes 100 ms to be verified, as on a busy machine; the next one has it.
    const pins = (what: string, key?: TestKey): Promise<void> => until(what, () => isPinned(ask(tokenOf(key))));
    const refused = (token: string, result: string): Promise<void> =>
      until(`${result} is counted`, async () => {
        assert.equal(await ask(token), 'v1');
        return (await countOf(gateway, result)) > 0;
      });
    await pins('the keys are there');
    const cookie = `a=1; session=${tokenOf()}`;
    await until('one in a cookie counts', () => {
      return isPinned(fetch(gateway.proxyUrl, { headers: { cookie } }).then((answer) => answer.text()));
    });
    await refused(tokenOf(keyOf(FIRST.kid)), 'signature');
    await refused(tokenOf(FIRST, { exp: 1 }), 'expired');
    await until('each is counted', async () => (await countOf(gateway, 'verified')) === pinned);

    assert.equal(await ask(tokenOf(SECOND)), 'v1');
    provider.keySet = keySetOf(FIRST, SECOND);
    await pins('the new key counts', SECOND);
    await pins('the old one still does');
    provider.keySet = keySetOf(SECOND);
    const unknown = await countOf(gateway, 'unknown_key');
    await until('the old key is gone', async () => {
      return (await ask(tokenOf())) === 'v1' && (await countOf(gateway, 'unknown_key')) > unknown;
    });

    provider.isFrozen = true;
    const { asked } = provider;
    await until('it hangs', () => provider.asked > asked);
    await pins('it is not asked', SECOND);
    assert.equal(await ask(tokenOf(keyOf('unheard of'))), 'v1', 'no request waits for the provider');

    await provider.stop();
    await logged(gateway, /color_keys_failed/);
    await pins('it is not needed', SECOND);
  });

  it('starts without it, and serves; tokens count from the first answer on', async (t) => {
    const provider = await startKeyServer('{"keys": []}');
    const { gateway, ask } = await sceneOf(t, provider);
    assert.equal(await ask(tokenOf()), 'v1');
    await until('it is counted', async () => (await countOf(gateway, 'no_keys')) === 1);
    provider.keySet = keySetOf(FIRST);
    await until('the keys are there', async () => (await ask(tokenOf())) === 'v2');
  });
});

it('users of verified tokens stay with their version, on whatever worker, and no upstream is told who they are', async (t) => {
  const heard: string[] = [];
  const provider = await startKeyServer(keySetOf(FIRST));
  const servers = ['v1', 'v2'].map((name) =>
    createServer((request, response) => {
      heard.push(JSON.stringify(request.rawHeaders));
      // A connection for each answer: so both workers are asked.
      response.writeHead(200, { connection: 'close' }).end(name);
    }),
  );
  const [v1, v2] = await Promise.all(servers.map(listenLoopback));
  const gateway = await startGatewayProcess(`listen: "127.0.0.1:0"
admin: "127.0.0.1:0"
workers: 2
saturation: {response: observe}
color: {jwt: {issuer: ${ISSUER}, audience: [${AUDIENCE}], jwks: {url: "${provider.url}", interval: 1s}}}
services: {shop: {versions: {v1: {endpoints: ["127.0.0.1:${v1}"]}, v2: {endpoints: ["127.0.0.1:${v2}"]}}}}
routes:
  - name: shop
    sticky: {jwt: true}
    backendRefs: [{name: shop, version: v1}, {name: shop, version: v2}]
`);
  t.after(async () => {
    await gateway.end();
    for (const server of servers) server.close();
    await provider.stop();
  });
  const { port } = new URL(gateway.proxyUrl);
  const ask = async (token: string): Promise<string> => {
    const options = { port, host: '127.0.0.1', agent: false, headers: { authorization: `Bearer ${token}` } };
    const [answer] = (await once(get(options), 'response')) as [IncomingMessage];
    return text(answer);
  };
  // Before the keys are there, versions are drawn.
  await until('the keys are there', async () => {
    await ask(tokenOf());
    return (await countOf(gateway, 'verified')) > 0;
  });
  const answers = new Map<string, string[]>();
  for (let n = 0; n < 160; n++) {
    const sub = `user-${n % 16}`;
    answers.set(sub, [...(answers.get(sub) ?? []), await ask(tokenOf(FIRST, { sub, jti: String(n) }))]);
  }
  // Whose token takes 100 ms to be verified, as on a busy machine, is nobody that is known, and gets a version that is drawn.
  const timesOf = (seen: readonly string[], name: string): number => seen.filter((version) => version === name).length;
  const strays = [...answers.values()].map((seen) => Math.min(timesOf(seen, 'v1'), timesOf(seen, 'v2')));
  const strayed = strays.reduce((sum, count) => sum + count);
  await until(`the tokens of ${strays.join()} were late`, async () => strayed <= (await countOf(gateway, 'late')));
  assert.deepEqual([...new Set([...answers.values()].flat())].toSorted(), ['v1', 'v2']);
  assert.doesNotMatch(heard.join(), /token-user/);
});

it('a color that one gateway signed pins at the next, which trusts nobody', async (t) => {
  const seen: (string | undefined)[] = [];
  const v2 = createServer((request, response) => {
    const { 'x-release-stage': color, 'x-release-stage-signature': signature } = request.headers;
    seen.push([color].flat()[0], [signature].flat()[0]);
    response.end('v2');
  });
  const v2Port = await listenLoopback(v2);
  const v1 = await startService('v1');
  const gateways: GatewayProcess[] = [];
  t.after(async () => {
    await Promise.all(gateways.map((gateway) => gateway.end()));
    await v1.close();
    v2.closeAllConnections();
    v2.close();
  });
  process.env['SLUICE_TEST_COLOR_KEY'] = 'k'.repeat(40);
  t.after(() => delete process.env['SLUICE_TEST_COLOR_KEY']);
  const start = async (color: string, ports: readonly number[]): Promise<GatewayProcess> => {
    const gateway = await startGatewayProcess(`listen: "127.0.0.1:0"
admin: "127.0.0.1:0"
workers: 1
saturation: {response: observe}
color: {${color} signature: {keys: [{variable: SLUICE_TEST_COLOR_KEY}]}}
services:
  shop: {versions: {v1: {endpoints: ["127.0.0.1:${ports[0]}"]}, v2: {endpoints: ["127.0.0.1:${ports[1]}"]}}}
routes:
  - name: shop
    backendRefs: [{name: shop, version: v1, weight: 1}, {name: shop, version: v2, weight: 0}]
`);
    gateways.push(gateway);
    return gateway;
  };
  const inner = await start('', [v1.port, v2Port]);
  const innerPort = Number(new URL(inner.proxyUrl).port);
  const outer = await start('acceptFrom: anyone, query: stage,', [innerPort, innerPort]);
  const ask = async (url: string, headers: Record<string, string> = {}): Promise<string> =>
    (await fetch(url, { headers })).text();
  assert.equal(await ask(`${outer.proxyUrl}/?stage=v2`), 'v2');
  assert.equal(seen[0], 'v2');
  assert.match(seen[1] ?? '', /^\d+\.[\w-]{43}$/);
  assert.equal(await ask(inner.proxyUrl, { 'x-release-stage': 'v2' }), 'v1', 'unsigned');
  const [, right] = seen as [string, string];
  const forged = right.replace(/.$/, (last) => (last === 'A' ? 'E' : 'A'));
  assert.equal(await ask(inner.proxyUrl, { 'x-release-stage': 'v2', 'x-release-stage-signature': forged }), 'v1');
  await until('both signatures are counted', async () => {
    const page = await (await fetch(`${inner.adminUrl}/metrics`)).text();
    const count = (result: string): boolean => page.includes(`\nsluice_color_signatures_total{result="${result}"} 1\n`);
    return count('valid') && count('forged');
  });
  assert.doesNotMatch(gateways.map((gateway) => gateway.output()).join(''), /kkkk/);
});
