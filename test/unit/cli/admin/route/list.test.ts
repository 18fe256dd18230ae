/** `sluice route ls` and `get` against a real admin server. */

import assert from 'node:assert/strict';
import { suite, type TestContext, test } from 'node:test';
import { startAdmin } from '#src/admin/server.ts';
import { listed } from '#src/cli/admin/route/list.ts';
import { runCli } from '#src/cli/cli.ts';
import { recordedDeps } from '../../../../support/cli.ts';
import {
  sampleListing,
  sampleRoute,
  sampleSlo,
  sampleStatus,
  sampleVersion,
} from '../../../../support/readings/status.ts';
import { sampleView } from '../../../../support/readings/view.ts';

const PAY = sampleListing({
  name: 'pay',
  matches: ['any host  POST Exact /pay', 'any host  POST PathPrefix /bills'],
  filters: ['cors'],
  rateLimits: ['calm'],
  experiments: ['fees'],
  priority: 'critical',
  requestTimeoutMs: 1500,
});
const LISTINGS = [sampleListing(), PAY];
const STATUS = sampleStatus({
  routes: [
    sampleRoute(),
    sampleRoute({
      ...{ name: 'pay', rollout: null, requests: 0, bad: 0, errorRatio: null },
      versions: [sampleVersion(), sampleVersion({ service: 'bank', weight: 100 / 3 })],
    }),
  ],
  slos: [
    sampleSlo(),
    sampleSlo({ indicator: 'latency', thresholdMs: 300, remainingRatio: -0.25 }),
    sampleSlo({ scope: 'service', remainingRatio: -4 }),
    sampleSlo({ name: 'pay', remainingRatio: null }),
  ],
});

async function cli(t: TestContext, argv: readonly string[], status = STATUS, listings = LISTINGS) {
  const view = sampleView({ status: () => status, routes: () => listings });
  const admin = await startAdmin({ address: { host: '127.0.0.1', port: 0 }, view });
  t.after(() => admin.close());
  const { deps, out, err } = recordedDeps({ env: { SLUICE_ADMIN: admin.url } });
  const code = await runCli(['route', ...argv], deps);
  return { code, out: out(), err: err() };
}

suite('sluice route ls', { timeout: 120_000 }, () => {
  test('has a line for each route, in the order of the configuration', async (t) => {
    const { code, out } = await cli(t, ['ls']);
    assert.equal(code, 0);
    assert.equal(
      out,
      'route     weights                        requests  errors  p99  rollout      budget left  matches\n' +
        'checkout  v1 80, v2 0                    1000      1.2 %   -    rolled-back  -25 %        shop.test  PathPrefix /checkout\n' +
        'pay       checkout v1 80, bank v1 33.33  0         -       -    -            -            any host  POST Exact /pay  and 1 more\n',
    );
  });

  test('says the same to programs', async (t) => {
    const { code, out } = await cli(t, ['ls', '-o', 'json']);
    const { routes } = JSON.parse(out) as { routes: readonly Record<string, unknown>[] };
    assert.equal(code, 0);
    assert.deepEqual(routes[1], {
      ...PAY,
      requests: 0,
      bad: 0,
      errorRatio: null,
      p99Ms: null,
      versions: [
        { service: 'checkout', version: 'v1', weight: 80 },
        { service: 'bank', version: 'v1', weight: 100 / 3 },
      ],
      rollout: null,
      remainingRatio: null,
    });
    assert.deepEqual([routes[0]?.['rollout'], routes[0]?.['remainingRatio']], ['rolled-back', -0.25]);
  });

  test('a route that came or went between the two answers is left out', () => {
    const listings = [sampleListing({ name: 'new' }), sampleListing()];
    assert.deepEqual(
      listed({ listings, status: STATUS }).map(({ name }) => name),
      ['checkout'],
    );
  });

  test('a name does nothing to a terminal', async (t) => {
    const name = 'a\u001b[2Jb';
    const status = sampleStatus({ routes: [sampleRoute({ name })] });
    const listings = [sampleListing({ name, matches: ['any host  Exact /\u202e'] })];
    for (const argv of [['ls'], ['get', name]]) {
      const { out } = await cli(t, argv, status, listings);
      assert.ok(out.includes('a\ufffd[2Jb') && out.includes('Exact /\ufffd'), out);
      assert.ok(!out.includes('\u001b') && !out.includes('\u202e'));
    }
  });
});

suite('sluice route get', { timeout: 120_000 }, () => {
  test('shows what a route is before how it fares', async (t) => {
    const { code, out } = await cli(t, ['get', 'pay']);
    assert.equal(code, 0);
    assert.deepEqual(out.split('\n').slice(0, 5), [
      'matches  any host  POST Exact /pay',
      '         any host  POST PathPrefix /bills',
      'does     filter cors, rate limit calm, experiment fees',
      'limits   priority critical, an answer within 1.5 s',
      'route pay  0 requests, - errors',
    ]);
    const plain = await cli(t, ['get', 'checkout']);
    assert.match(plain.out, /^matches {2}shop\.test {2}PathPrefix \/checkout\nlimits {3}priority default/);
    assert.match(
      plain.out,
      /rolled-back: v2 rolled back[^]*objectives\n[^]*latency 99\.9 % within 300 ms {2}budget overspent/,
    );
  });

  test('says the same to programs', async (t) => {
    const { out } = await cli(t, ['get', 'checkout', '-o', 'json']);
    const { listing, route, slos } = JSON.parse(out) as Record<string, unknown> & { slos: unknown[] };
    assert.deepEqual([listing, route, slos.length], [sampleListing(), STATUS.routes[0], 2]);
  });

  test('a name that is not known is not shown', async (t) => {
    const { code, out, err } = await cli(t, ['get', 'chekout']);
    assert.deepEqual([code, out], [1, '']);
    assert.equal(err, 'sluice: there is no route chekout (did you mean checkout?)\n');
  });

  test('wrong usage and a server that is not there have exit codes of their own', async (t) => {
    for (const argv of [['get'], ['get', 'a', 'b'], ['ls', 'a'], ['ls', '-o', 'xml']]) {
      assert.equal((await cli(t, argv)).code, 2, argv.join(' '));
    }
    for (const argv of [['ls'], ['get', 'checkout']]) {
      const gone = await cli(t, [...argv, '--admin', 'http://127.0.0.1:1']);
      assert.equal(gone.code, 3);
      assert.match(gone.err, /cannot reach the admin server at http:\/\/127\.0\.0\.1:1/);
    }
  });
});
