/** `sluice check canary` against a running gateway with real versions behind it: what is fit, and each way of not being so. */

import assert from 'node:assert/strict';
import { createServer, type RequestListener } from 'node:http';
import { after, before, describe, it } from 'node:test';
import type { CanaryReport, StageName } from '#src/cli/check/report.ts';
import { runCli } from '#src/cli/cli.ts';
import { recordedDeps } from '../../support/cli.ts';
import { type GatewayProcess, startGatewayProcess, until } from '../../support/gateway.ts';
import { listenLoopback } from '../../support/plane.ts';

/** A version whose answers a test decides. */
interface Version {
  port: number;
  served: number;
  answer: RequestListener;
  close(): void;
}

async function versionOf(name: string): Promise<Version> {
  const version: Version = {
    port: 0,
    served: 0,
    answer: (_request, response) => void response.end(name),
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
  const server = createServer((request, response) => {
    version.served++;
    if (request.url === '/health') response.end(JSON.stringify({ status: name === 'sick' ? 'DOWN' : 'UP' }));
    else version.answer(request, response);
  });
  version.port = await listenLoopback(server);
  return version;
}

const LIMIT = { timeout: 540_000 };
const versions: Record<'v1' | 'v2' | 'sick', Version> = {} as never;
let gateway: GatewayProcess;

const documentOf = (acceptFrom = 'anyone'): string => `
listen: 127.0.0.1:0
admin: 127.0.0.1:0
workers: 1
saturation: {response: observe}
color: {header: x-color, acceptFrom: ${acceptFrom}}
services:
  shop:
    versions:
      v1: {endpoints: ["127.0.0.1:${versions.v1.port}"]}
      v2: {colors: [green], endpoints: ["127.0.0.1:${versions.v2.port}"]}
      sick: {endpoints: ["127.0.0.1:${versions.sick.port}"]}
routes:
  - name: shop
    matches: [{path: {value: /shop}}]
    slo: {availability: 0.01}
    backendRefs:
      - {name: shop, version: v1, weight: 100}
      - {name: shop, version: v2, weight: 0}
      - {name: shop, version: sick, weight: 0}
    rollout: {stable: v1, canary: v2}
`;

before(async () => {
  for (const name of ['v1', 'v2', 'sick'] as const) versions[name] = await versionOf(name);
  gateway = await startGatewayProcess(documentOf());
  await until('the rollout is known', async () => (await gateway.status()).routes[0]?.rollout !== null);
}, LIMIT);

after(async () => {
  await gateway.end();
  for (const version of Object.values(versions)) version.close();
});

async function check(...argv: readonly string[]): Promise<{ code: number; report: CanaryReport; failed: StageName[] }> {
  const { deps, out, err } = recordedDeps();
  const common = ['check', 'canary', 'shop', '--admin', gateway.adminUrl, '--path', '/shop', '-o', 'json'];
  const code = await runCli([...common, ...argv], deps);
  assert.notEqual(out(), '', err());
  const report = JSON.parse(out()) as CanaryReport;
  const failed = report.stages.filter(({ state }) => state === 'fail').map(({ name }) => name);
  assert.equal(report.ok, code === 0);
  return { code, report, failed };
}

const sentenceOf = ({ stages }: CanaryReport, wanted: StageName): string =>
  stages.find(({ name }) => name === wanted)?.sentence ?? '';

/** Saves a document and waits until the gateway has made up its mind about it, and whoever serves obeys it. */
async function saved(text: string, result: 'accepted' | 'refused'): Promise<void> {
  const decidedAt = (await gateway.status()).config.last.at;
  gateway.save(text);
  await until(`the document is ${result}`, async () => {
    const { config, workers } = await gateway.status();
    const isObeyed = workers.every(({ revision }) => revision === config.revision);
    return config.last.result === result && config.last.at !== decidedAt && isObeyed;
  });
}

describe('check canary', LIMIT, () => {
  it('finds a version fit, with every stage told and no request of its to stable', async () => {
    const stableBefore = versions.v1.served;
    const { code, report, failed } = await check('--health', '/health', '--probes', '3');
    assert.deepEqual([code, failed], [0, []], JSON.stringify(report, null, 1));
    assert.deepEqual(
      report.stages.map(({ name, state }) => `${name} ${state}`),
      ['gateway', 'version', 'endpoints', 'health', 'route', 'probe', 'sli'].map((name) => `${name} pass`),
    );
    const { route, service, version, color, gateway: url, sli } = report;
    assert.deepEqual([route, service, version, color, url], ['shop', 'shop', 'v2', 'v2', gateway.proxyUrl]);
    assert.ok((sli?.version.requests ?? 0) >= 3);
    assert.deepEqual(
      sli?.others.map((one) => one.version),
      ['v1', 'sick'],
    );
    assert.equal(versions.v1.served, stableBefore);
    assert.ok(versions.v2.served >= 4);
  });

  it('takes another color of it, and refuses one of another version', async () => {
    assert.equal((await check('--color', 'green')).code, 0);
    const other = await check('--color', 'v1');
    assert.equal(other.failed[0], 'route');
    assert.match(sentenceOf(other.report, 'route'), /x-color: v1 goes to shop v1: that is its color, see --color$/);
  });

  it('fails when answers are not the expected ones', async () => {
    versions.v2.answer = (_request, response) => void response.writeHead(500).end('broken');
    try {
      const { code, report, failed } = await check('--probes', '2', '--max-errors', '0');
      assert.equal(code, 1);
      assert.ok(failed.includes('probe'));
      assert.match(sentenceOf(report, 'probe'), /^2 of 2 answers were 500$/);
      assert.match(
        report.stages.find(({ name }) => name === 'probe')?.facts[0] ?? '',
        /\/shop: 500 broken, [\d.]+ ms$/,
      );
      // Expected, they are still bad by the gateway's own measure.
      const counted = await check('--probes', '2', '--expect', '5xx');
      assert.match(sentenceOf(counted.report, 'probe'), /^the gateway counted [2-4] bad of [2-4] requests meanwhile$/);
    } finally {
      versions.v2.answer = (_request, response) => void response.end('v2');
    }
    await until('the failures are counted', async () => {
      const { routes } = await gateway.status();
      return (routes[0]?.versions.find(({ version }) => version === 'v2')?.bad ?? 0) >= 4;
    });
    const { report, failed } = await check('--max-errors', '0.001');
    assert.deepEqual(failed, ['sli']);
    assert.match(sentenceOf(report, 'sli'), / % of its requests were bad, more than 0\.1 %$/);
  });

  it('fails when an answer is slow, or does not come', async () => {
    try {
      versions.v2.answer = (_request, response) => void setTimeout(() => response.end('v2'), 100);
      const slow = await check('--probes', '1', '--slowest', '50');
      assert.deepEqual(slow.failed, ['probe']);
      assert.match(sentenceOf(slow.report, 'probe'), /^an answer took \d+\.\d ms, more than 50 ms$/);
      versions.v2.answer = () => undefined;
      // What answers has as long.
      const hung = await check('--probes', '1', '--timeout', '5000', '--retries', '0');
      assert.deepEqual(hung.failed, ['probe']);
      assert.match(sentenceOf(hung.report, 'probe'), /^no whole answer within 5000 ms$/);
    } finally {
      versions.v2.answer = (_request, response) => void response.end('v2');
    }
  });

  it('fails when an endpoint says that it is not well', async () => {
    const { report, failed } = await check('--version', 'sick', '--health', '/health');
    assert.deepEqual(failed, ['health']);
    assert.equal(sentenceOf(report, 'health'), '0 of 1 endpoints say that they are well');
    assert.match(report.stages.find(({ name }) => name === 'health')?.facts[0] ?? '', /: 200 \{"status":"DOWN"\}$/);
  });

  it('sends nothing when the request would be taken by nobody', async () => {
    const { report, failed } = await check('--path', '/elsewhere');
    // Whether anything was counted before depends on the other tests.
    assert.equal(failed[0], 'route');
    assert.match(sentenceOf(report, 'route'), /is refused with 404 no_route: say --path and --host/);
    assert.equal(report.stages.find(({ name }) => name === 'probe')?.state, 'skipped');
  });

  it('sends nothing when the color does not count, and fails while a document is refused', async (t) => {
    t.after(() => saved(documentOf(), 'accepted'));
    await saved(documentOf('trustedProxies'), 'accepted');
    const before = Object.values(versions).map(({ served }) => served);
    const stranger = await check();
    assert.equal(stranger.failed[0], 'route');
    assert.match(sentenceOf(stranger.report, 'route'), /goes to shop v1, as the color does not count from a stranger/);
    assert.deepEqual(
      Object.values(versions).map(({ served }) => served),
      before,
    );
    await saved('routes: {}\n', 'refused');
    const { report, failed } = await check();
    assert.deepEqual(failed, ['gateway']);
    assert.match(sentenceOf(report, 'gateway'), /^it refused the newest configuration: .*gateway\.yaml/);
    assert.equal(report.stages.filter(({ state }) => state === 'skipped').length, 5);
  });
});
