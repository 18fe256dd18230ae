/**
 * A real Prometheus scrapes a running gateway, as protobuf with native histograms and as OpenMetrics; and what it makes of the
 * gateway's counters are the gateway's own burn rates.
 */

import assert from 'node:assert/strict';
import { request } from 'node:http';
import { suite, type TestContext, test } from 'node:test';
import { prometheusRules } from '#src/cli/slo/formats/prometheus.ts';
import { sloTools } from '#src/compose/answers/slo-tools.ts';
import { type Reading, type Sample, samplesOf } from '#src/export/family.ts';
import { sloRows } from '#src/export/rows.ts';
import { SLO_FAMILIES } from '#src/export/slo-families.ts';
import { Random } from '#src/lib/random.ts';
import type { SloSource } from '#src/model/slo.ts';
import { CELL } from '#src/model/tallies.ts';
import { SloEngine } from '#src/slo/budget/engine.ts';
import { DEFAULT_SLO } from '#src/sources/defaults.ts';
import { type Found, type Prometheus, startPrometheus } from '../../../support/clients/prometheus.ts';
import { PROMTOOL, promtool } from '../../../support/clients/promtool.ts';
import { type GatewayProcess, startGatewayProcess, startService, until } from '../../../support/gateway.ts';
import { findBinary } from '../../../support/runner/servers.ts';
import { FakeWorker } from '../../../support/simulate/worker.ts';

const REQUESTS = 40;
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const DURATION = 'http_server_request_duration_seconds';

async function gatewayWithTraffic(t: TestContext): Promise<GatewayProcess> {
  const service = await startService('v1');
  t.after(() => service.close());
  const gateway = await startGatewayProcess(`
listen: 127.0.0.1:0
admin: 127.0.0.1:0
workers: 1
saturation: {response: observe}
accessLog: {sample: 1}
services:
  shop: {versions: {v1: {endpoints: ["127.0.0.1:${service.port}"]}}}
routes:
  - name: shop
    backendRefs: [{name: shop}]
    slo: {availability: 0.99, latency: {threshold: 30s, target: 0.9}}
`);
  t.after(() => gateway.end());
  for (let n = 0; n < REQUESTS; n++) await traced(gateway.proxyUrl);
  await until('all are counted', async () => (await gateway.status()).routes[0]?.requests === REQUESTS);
  return gateway;
}

/** A request that belongs to a trace. */
function traced(url: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { traceparent: `00-${TRACE}-00f067aa0ba902b7-01` };
    request(url, { headers, agent: false }, (response) => response.resume().on('end', resolve))
      .on('error', reject)
      .end();
  });
}

suite('Prometheus', { skip: findBinary('prometheus') === null }, () => {
  test('takes native histograms from protobuf, and classic ones with exemplars from OpenMetrics', async (t) => {
    const gateway = await gatewayWithTraffic(t);
    const scraping = { target: new URL(gateway.adminUrl).host, interval: '2s' };
    const [native, classic] = await Promise.all([
      startPrometheus(t, { ...scraping, features: ['native-histograms', 'exemplar-storage'] }),
      startPrometheus(t, { ...scraping, features: ['exemplar-storage'] }),
    ]);
    // After a scrape that took too long there is nothing until the next one.
    const found = async (from: Prometheus, expr: string, isWhole = (rows: readonly Found[]) => rows.length > 0) => {
      let rows: Found[] = [];
      await until(`${expr} gives what it should`, async () => {
        rows = await from.query(expr);
        return isWhole(rows);
      });
      return rows;
    };
    const valueOf = async (from: Prometheus, expr: string) => (await found(from, expr))[0]?.value;
    const good = 'sluice_requests_total{outcome="good",route="shop"}';
    for (const from of [native, classic]) {
      await found(from, good, ([row]) => row?.value === REQUESTS);
      await until('it has nothing to say against the last scrape', async () => (await from.lastError()) === '');
    }

    assert.equal(await valueOf(native, `histogram_count(${DURATION}{route="shop"})`), REQUESTS);
    assert.deepEqual(await native.query(`${DURATION}_bucket`), [], 'a native histogram is one series');
    const { p50Ms, p99Ms } = (await gateway.status()).routes[0] ?? {};
    for (const [q, ms] of [
      [0.5, p50Ms],
      [0.99, p99Ms],
    ] as const) {
      const theirs = await valueOf(native, `histogram_quantile(${q}, ${DURATION}{route="shop"})`);
      // A bucket is 2.2 % wide; the quantile may be in the next one, as ranks are counted in two ways.
      assert.ok(
        Math.abs((theirs ?? 0) * 1000 - Number(ms)) < 0.045 * Number(ms),
        `p${q * 100} ${theirs} s, ours ${ms} ms`,
      );
    }
    const sums = await Promise.all([
      valueOf(native, `histogram_sum(${DURATION})`),
      valueOf(classic, `${DURATION}_sum`),
    ]);
    assert.equal(sums[0], sums[1]);

    for (const le of ['30.0', '+Inf']) {
      assert.equal(await valueOf(classic, `${DURATION}_bucket{le="${le}"}`), REQUESTS, `le ${le}`);
    }
    assert.equal(await valueOf(classic, `${DURATION}_count`), REQUESTS);
    assert.equal(await valueOf(classic, 'count(sluice_build_info)'), 1);
    // What the access log is given comes later than counts.
    await until('exemplars', async () => (await classic.exemplars(`${DURATION}_bucket`)).length > 0);
    const exemplars = await classic.exemplars(`${DURATION}_bucket`);
    for (const { labels, value } of exemplars) {
      assert.deepEqual(labels, { trace_id: TRACE });
      assert.ok(Number(value) > 0);
    }
    const counted = await found(classic, 'sluice_scrapes_total > 0', (rows) => rows.length === 2);
    assert.deepEqual(new Set(counted.map(({ metric }) => metric['format'])), new Set(['openmetrics', 'protobuf']));
  });
});

/** Seconds between two samples. */
const STEP_S = 10;
const MINUTES = 75;
const SLO = { ...DEFAULT_SLO, availabilityRatio: 0.999, latency: null, calendar: null };
const SOURCE: SloSource = { scope: 'route', name: 'checkout', cells: [1], slo: SLO };
const OBJECTIVE = {
  scope: 'route',
  name: 'checkout',
  indicator: 'availability',
  targetRatio: 0.999,
  thresholdMs: null,
  calendar: null,
} as const;
/** Windows that the recording rules and the gateway both have, and that have been filled. */
const WINDOWS = ['5m', '30m', '1h'] as const;

/** What the gateway's own metrics said: counters at every step, burn rates at some minutes. */
function simulate(random: Random, minutes: readonly number[]) {
  const engine = new SloEngine();
  const worker = new FakeWorker(1);
  engine.follow([SOURCE]);
  const series = { good: [0], bad: [0] };
  const burns = new Map<number, ReadonlyMap<string, number>>();
  // Read a moment before a slot of the gateway's windows ends, so that both look at the same seconds.
  let nowMs = -50;
  const collect = (name: string): Sample[] => {
    const reading = { slos: Array.from(sloRows(engine.status({ nowMs, wallMs: nowMs }))) } as unknown as Reading;
    return SLO_FAMILIES.filter((family) => family.name === name).flatMap((family) => samplesOf(family, reading));
  };
  for (let second = 1; second <= MINUTES * 60; second++) {
    const count = 50 + Math.floor(100 * random.nextFloat());
    // An outage of eight minutes after an hour, in which a third fails, above a murmur of single failures.
    const isOut = second > 3600 && second <= 4080;
    worker.add(1, CELL.finished, count);
    worker.add(1, CELL.bad, isOut ? Math.floor(count / 3) : random.nextFloat() < 0.05 ? 1 : 0);
    for (let turn = 0; turn < 10; turn++) {
      nowMs += 100;
      engine.turn([worker.region], { nowMs, wallMs: nowMs });
    }
    if (second % STEP_S !== 0) continue;
    for (const { labels, value } of collect('sluice_slo_events_total')) {
      series[labels['outcome'] as 'good' | 'bad'].push(value as number);
    }
    if (!minutes.includes(second / 60)) continue;
    const rates = collect('sluice_slo_burn_rate').map(
      ({ labels, value }) => [String(labels['window']), value as number] as const,
    );
    burns.set(second / 60, new Map(rates));
  }
  return { series, burns };
}

test('Prometheus computes the gateway’s own burn rates from its counters, within 1 %', {
  skip: PROMTOOL === null,
}, async (t) => {
  const seed = 20_261_122;
  t.diagnostic(`seed ${seed}`);
  const minutes = [62, 66, 70, 75];
  const { series, burns } = simulate(new Random(seed), minutes);
  const own = '{sloth_id="checkout-route-availability"}';
  const ratio = (window: string) => `sum(slo:sli_error:ratio_rate${window}${own})`;
  const file = {
    rule_files: ['rules.json'],
    evaluation_interval: `${STEP_S}s`,
    tests: [
      {
        interval: `${STEP_S}s`,
        input_series: (['good', 'bad'] as const).map((outcome) => ({
          series: `sluice_slo_events_total{scope="route",name="checkout",sli="availability",outcome="${outcome}"}`,
          values: series[outcome].join(' '),
        })),
        promql_expr_test: minutes.flatMap((minute) =>
          WINDOWS.map((window) => {
            const burn = burns.get(minute)?.get(window);
            assert.ok(burn !== undefined && burn > 0, `${window} at ${minute} min`);
            const theirs = `${ratio(window)} / sum(slo:error_budget:ratio${own})`;
            return {
              expr: `abs(${theirs} / ${burn} - 1) < bool 0.01`,
              eval_time: `${minute}m`,
              exp_samples: [{ labels: '{}', value: 1 }],
            };
          }),
        ),
      },
    ],
  };
  // The last group has the alerts, whose windows of days have nothing to do with this.
  const rules = { groups: prometheusRules([OBJECTIVE], sloTools.rules, '9.9.9').groups.slice(0, 2) };
  const files = { 'rules.json': JSON.stringify(rules), 'test.json': JSON.stringify(file) };
  const { code, output } = await promtool(t, files, ['test', 'rules', 'test.json']);
  assert.equal(code, 0, output.slice(0, 4000));
});
