/** `sluice slo ls` and `get` against a real admin server. */

import assert from 'node:assert/strict';
import { suite, type TestContext, test } from 'node:test';
import { startAdmin } from '#src/admin/server.ts';
import { runCli } from '#src/cli/cli.ts';
import { listText, objectiveId, samplesOf, sampleText } from '#src/cli/slo/list.ts';
import type { RequestSample } from '#src/model/threads/requests/samples.ts';
import { recordedDeps } from '../../../support/cli.ts';
import { sampleSlo, sampleStatus } from '../../../support/readings/status.ts';
import { sampleView } from '../../../support/readings/view.ts';

const AT = '2026-11-01T08:01:10.000Z';
const FAILED: RequestSample = {
  ...{ requestId: 'ab'.repeat(16), version: 'v2', at: AT, latencyMs: 12.345 },
  ...{ status: 502, reason: 'connect_refused' },
};
const LATE: RequestSample = { ...FAILED, requestId: 'late-1', latencyMs: 480.4, status: 200, reason: 'none' };
const CALENDAR = { unit: 'month', sinceMs: Date.parse('2026-11-01'), good: 90, bad: 10, remainingRatio: 0.4 } as const;
const SCORE = { now: 0.98, atLeastRatio: 0.95, parts: { success: 0.99 }, isBelow: false, value: null };
const STATUS = sampleStatus({
  slos: [
    sampleSlo({ calendar: CALENDAR }),
    sampleSlo({ indicator: 'latency', targetRatio: 0.99, thresholdMs: 300, remainingRatio: -0.25, exhaustedInMs: 0 }),
    sampleSlo({
      ...{ scope: 'gateway', name: 'business', indicator: 'business', score: SCORE, remainingRatio: null, alerts: [] },
      ...{ burnRates: { '1h': null }, exhaustedInMs: null, events: { good: 0, bad: 0 } },
    }),
  ],
  samples: [{ route: 'checkout', bad: [FAILED], slow: [LATE] }],
});

async function cli(t: TestContext, argv: readonly string[], status = STATUS) {
  const view = sampleView({ status: () => status });
  const admin = await startAdmin({ address: { host: '127.0.0.1', port: 0 }, view });
  t.after(() => admin.close());
  const { deps, out, err } = recordedDeps({ env: { SLUICE_ADMIN: admin.url } });
  const code = await runCli(['slo', ...argv], deps);
  return { code, out: out(), err: err() };
}

suite('sluice slo ls', { timeout: 120_000 }, () => {
  test('has a line for each objective, in the order of the configuration', async (t) => {
    const { code, out } = await cli(t, ['ls']);
    assert.equal(code, 0);
    assert.equal(
      out,
      'objective                    target              budget left  bad           burn 1h  alerts  rollouts\n' +
        'route/checkout/availability  99.9 %              50 %         50 of 100000  14x      page    allowed\n' +
        'route/checkout/latency       99 % within 300 ms  -25 %        50 of 100000  14x      page    allowed\n' +
        'gateway/business/business    99.9 %              -            0 of 0        -        -       allowed\n',
    );
  });

  test('says the same to programs, and that there is none', async (t) => {
    const { objectives } = JSON.parse((await cli(t, ['ls', '-o', 'json'])).out) as { objectives: { id: string }[] };
    assert.deepEqual(
      objectives,
      STATUS.slos.map((slo) => ({ id: objectiveId(slo), ...slo })),
    );
    assert.equal(listText({ slos: [] }), 'no route or service has an objective\n');
  });
});

suite('sluice slo get', { timeout: 120_000 }, () => {
  test('shows an objective with its numbers and the requests that missed it', async (t) => {
    const { code, out } = await cli(t, ['get', 'route/checkout/availability']);
    assert.equal(code, 0);
    const lines = out.split('\n');
    assert.deepEqual(lines.slice(0, 8), [
      'route/checkout/availability  99.9 %',
      '  budget    50 % of the budget left, 50 bad of 100000 in 28 days; at the burn of the last hour it is gone in 24 h 0 min',
      '  month     40 % of the budget left, 10 bad of 100, since 2026-11-01T00:00:00.000Z',
      '  burn      5m -, 30m 20x, 1h 14x, 6h 2x, 3d 0.5x',
      '  alert     page above 14.4x over 1h and 5m: quiet',
      '  alert     page above 6x over 6h and 30m: firing for 1 min 1 s',
      '  alert     ticket above 1x over 3d and 6h: quiet',
      '  errors    4 client, 10 transient, 2 server; weighted 12',
    ]);
    assert.equal(lines[8], '  rollouts  allowed: 50 % of the error budget is left');
    // 1,000 requests in 90 s.
    assert.match(lines[9] ?? '', /^ {2}allows {4}11\.11 events\/s: 28 days allow 26880 bad ones; an outage fires page/);
    assert.equal(lines[10], `  request   ${FAILED.requestId}  502 connect_refused, 12.3 ms, v2, ${AT}`);
    assert.equal(lines.length, 12);
  });

  test('of a route has all of its objectives; what is late misses the one about latency first', async (t) => {
    for (const name of ['checkout', 'route/checkout']) {
      const { out } = await cli(t, ['get', name]);
      assert.equal(out.split('\n\n').length, 2, name);
      const [, latency = ''] = out.split('\n\n');
      assert.match(
        latency,
        /^route\/checkout\/latency {2}99 % within 300 ms\n {2}budget {4}budget overspent by 25 %, 50 bad/,
      );
      assert.ok(!latency.includes('gone in'));
      assert.match(latency, /request {3}late-1 {2}200, 480 ms, v2, [^\n]+\n {2}request {3}abab/);
    }
  });

  test('of seconds tells its score', async (t) => {
    const { out } = await cli(t, ['get', 'business']);
    assert.match(out, /budget {4}nothing was counted\n/);
    assert.match(out, /\n {2}score {5}98 %, a good second needs 95 %: success 99 %\n/);
  });

  test('says the same to programs', async (t) => {
    const { out } = await cli(t, ['get', 'route/checkout/latency', '-o', 'json']);
    const { objectives } = JSON.parse(out) as { objectives: Record<string, unknown>[] };
    assert.deepEqual([objectives.length, objectives[0]?.['id']], [1, 'route/checkout/latency']);
    assert.deepEqual(objectives[0]?.['samples'], [LATE, FAILED]);
    assert.ok(typeof objectives[0]?.['feasibility'] === 'object');
  });

  test('a name that is not known is not shown', async (t) => {
    const { code, out, err } = await cli(t, ['get', 'route/checkout/latncy']);
    assert.deepEqual([code, out], [1, '']);
    assert.equal(err, 'sluice: there is no objective route/checkout/latncy (did you mean route/checkout/latency?)\n');
    const none = await cli(t, ['get', 'x'], sampleStatus());
    assert.equal(none.err, 'sluice: there is no objective x; no route or service has one\n');
  });

  test('a name does nothing to a terminal', async (t) => {
    const status = sampleStatus({ slos: [sampleSlo({ name: 'a\u001b[2Jb' })] });
    for (const argv of [['ls'], ['get', 'a\u001b[2Jb']]) {
      assert.ok((await cli(t, argv, status)).out.includes('route/a\ufffd[2Jb/availability'));
    }
  });

  test('wrong usage and a server that is not there have exit codes of their own', async (t) => {
    for (const argv of [['get'], ['get', 'a', 'b'], ['ls', 'a'], ['ls', '-o', 'xml']]) {
      assert.equal((await cli(t, argv)).code, 2, argv.join(' '));
    }
    for (const argv of [['ls'], ['get', 'checkout']]) {
      assert.equal((await cli(t, [...argv, '--admin', 'http://127.0.0.1:1'])).code, 3);
    }
  });
});

suite('requests that missed an objective', () => {
  test('are of its route alone, and none where an earlier release does not tell them', () => {
    const [availability, latency, business] = STATUS.slos;
    assert.ok(availability !== undefined && latency !== undefined && business !== undefined);
    assert.deepEqual(samplesOf(availability, STATUS), [FAILED]);
    assert.deepEqual(samplesOf(latency, STATUS), [LATE, FAILED]);
    assert.deepEqual(samplesOf(business, STATUS), []);
    assert.deepEqual(samplesOf({ ...availability, scope: 'service' }, STATUS), []);
    assert.deepEqual(samplesOf(availability, {}), []);
  });

  test('say when none answered', () => {
    const { requestId } = FAILED;
    const text = sampleText({ ...FAILED, status: null, reason: 'response_timeout', version: null });
    assert.equal(text, `${requestId}  no answer response_timeout, 12.3 ms, ${AT}`);
  });
});
