import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { ProtobufWriter } from '#src/export/exposition/formats/protobuf.ts';
import { TextWriter } from '#src/export/exposition/formats/text.ts';
import type { Reading, SampleSink } from '#src/export/family.ts';
import { routeRows, serviceRows, versionRows } from '#src/export/rows.ts';
import type { RouteReading } from '#src/export/source.ts';
import { TRAFFIC_FAMILIES } from '#src/export/traffic-families.ts';
import type { EndpointState } from '#src/model/health.ts';
import { REASON, REASON_COUNT, REASONS } from '#src/model/reason.ts';
import type { EndpointStatus } from '#src/model/status.ts';
import { reserveTallies, SESSION_END, SESSION_ENDS, viewTallies } from '#src/model/tallies.ts';
import { Totals } from '#src/slo/totals/totals.ts';
import { bytesPerCall, COUNTED } from '../../support/proxy/allocation.ts';
import { cellOf, sampleTraffic } from '../../support/readings/cells.ts';
import { scrape, series } from '../../support/readings/metrics/scrape.ts';
import { sampleRoute, sampleStatus, sampleVersion } from '../../support/readings/status.ts';
import { FakeWorker } from '../../support/simulate/worker.ts';

suite('traffic-families', () => {
  test('the duration histogram is cumulative, ends in +Inf = count, and has the threshold as a boundary', async () => {
    const families = await scrape();
    const family = families.get('http_server_request_duration_seconds');
    assert.equal(family?.type, 'histogram');
    const of = (suffix: string, version: string) =>
      (family?.samples ?? []).filter(
        ({ name, labels }) =>
          name === `http_server_request_duration_seconds_${suffix}` && labels['service_version'] === version,
      );
    for (const [version, total, sum] of [
      ['v1', 5, 0.553],
      ['v2', 2, 0.604],
    ] as const) {
      const buckets = of('bucket', version);
      const values = buckets.map(({ value }) => value);
      assert.deepEqual(
        values,
        [...values].sort((a, b) => a - b),
      );
      assert.equal(buckets.at(-1)?.labels['le'], '+Inf');
      assert.equal(buckets.at(-1)?.value, total);
      assert.equal(of('count', version)[0]?.value, total);
      assert.ok(Math.abs((of('sum', version)[0]?.value ?? 0) - sum) < 1e-9);
      const { le, ...labels } = buckets[0]?.labels ?? {};
      assert.equal(le, '0.005');
      assert.deepEqual(labels, {
        http_route: '/checkout',
        route: 'checkout',
        service: 'checkout',
        service_version: version,
      });
    }
    const threshold = of('bucket', 'v1').find(({ labels }) => labels['le'] === '0.3');
    assert.equal(threshold?.value, 4);
  });

  test('copies for a mirror are counted by outcome, for routes that made or wanted some', async () => {
    const cell = { ...cellOf([1]), mirrored: { sent: 5, skipped: 2, failed: 1 } };
    const families = await scrape({ traffic: () => [sampleTraffic({ cell }), sampleTraffic({ route: 'other' })] });
    const samples = families.get('sluice_mirror_requests_total')?.samples ?? [];
    assert.deepEqual(
      samples.map(({ labels, value }) => [labels['route'], labels['outcome'], value]),
      [
        ['checkout', 'sent', 5],
        ['checkout', 'skipped', 2],
        ['checkout', 'failed', 1],
      ],
    );
  });

  test('attempts after the first are counted by what became of them', async () => {
    const cell = { ...cellOf([1]), retries: { made: 7, hedged: 1, skipped: 2 } };
    const versions = [
      { service: 'checkout', version: 'v1', hasBreaker: false, cell: cellOf([1]) },
      { service: 'checkout', version: 'v2', hasBreaker: false, cell },
    ];
    const families = await scrape({ traffic: () => [sampleTraffic({ versions })] });
    const labels = 'route=checkout service=checkout version=v2';
    assert.deepEqual(series(families, 'sluice_retries_total'), [
      `outcome=hedged ${labels} 1`,
      `outcome=made ${labels} 7`,
      `outcome=skipped ${labels} 2`,
    ]);
  });

  test('rescues and what was mended are counted from the first one on', async () => {
    const cell = { ...cellOf([1]), mended: 3, rescued: { good: 7, bad: 1, ignored: 0, skipped: 2 } };
    const versions = [
      { service: 'checkout', version: 'v1', hasBreaker: false, cell: cellOf([1]) },
      { service: 'checkout', version: 'v2', hasBreaker: false, cell },
    ];
    const families = await scrape({ traffic: () => [sampleTraffic({ versions })] });
    const labels = 'route=checkout service=checkout version=v2';
    assert.deepEqual(series(families, 'sluice_rescues_total'), [
      `outcome=bad ${labels} 1`,
      `outcome=good ${labels} 7`,
      `outcome=ignored ${labels} 0`,
      `outcome=skipped ${labels} 2`,
    ]);
    assert.deepEqual(series(families, 'sluice_mended_requests_total'), [`${labels} 3`]);
  });

  test('streams have a histogram of their own, in steps up to two hours, from the first one on', async () => {
    const cell = { ...cellOf([1]), streams: [1, 0, 2, 0, 0, 0, 3], streamSeconds: 30_000 };
    const versions = [
      { service: 'checkout', version: 'v1', hasBreaker: false, cell: cellOf([1]) },
      { service: 'checkout', version: 'v2', hasBreaker: false, cell },
    ];
    const families = await scrape({ traffic: () => [sampleTraffic({ versions })] });
    const samples = families.get('sluice_stream_duration_seconds')?.samples ?? [];
    assert.deepEqual(
      samples.map(({ labels, value }) => [labels['version'], labels['le'], value]),
      [
        ['v2', '1', 1],
        ['v2', '10', 1],
        ['v2', '60', 3],
        ['v2', '300', 3],
        ['v2', '1800', 3],
        ['v2', '7200', 3],
        ['v2', '+Inf', 6],
        ['v2', undefined, 30_000],
        ['v2', undefined, 6],
      ],
    );
  });

  test('fallbacks are counted by kind, from the first one on', async () => {
    const cell = { ...cellOf([1]), fallbacks: { stale: 3, service: 0, static: 1 } };
    const families = await scrape({ traffic: () => [sampleTraffic({ cell }), sampleTraffic({ route: 'other' })] });
    assert.deepEqual(series(families, 'sluice_fallbacks_total'), [
      'fallback=service route=checkout 0',
      'fallback=stale route=checkout 3',
      'fallback=static route=checkout 1',
    ]);
  });

  test('requests are counted by outcome, for versions and for what users saw', async () => {
    const families = await scrape();
    assert.deepEqual(series(families, 'sluice_requests_total'), [
      'outcome=bad route=checkout service=checkout version=v1 0',
      'outcome=bad route=checkout service=checkout version=v2 1',
      'outcome=good route=checkout service=checkout version=v1 5',
      'outcome=good route=checkout service=checkout version=v2 1',
      'outcome=ignored route=checkout service=checkout version=v1 0',
      'outcome=ignored route=checkout service=checkout version=v2 0',
    ]);
    assert.deepEqual(series(families, 'sluice_route_requests_total'), [
      'outcome=bad route=checkout 1',
      'outcome=good route=checkout 6',
      'outcome=ignored route=checkout 0',
    ]);
    assert.deepEqual(series(families, 'sluice_inflight'), ['route=checkout 2']);
  });

  test('responses are counted by status class', async () => {
    const lines = series(await scrape(), 'sluice_upstream_requests_total');
    assert.equal(lines.length, 10);
    assert.ok(lines.includes('code_class=2xx route=checkout service=checkout version=v2 1'));
    assert.ok(lines.includes('code_class=5xx route=checkout service=checkout version=v2 1'));
    assert.ok(lines.includes('code_class=2xx route=checkout service=checkout version=v1 5'));
  });

  test('every reason but "the upstream answered" is a series, of a route and of refused requests', async () => {
    const reasons = new Uint32Array(REASON_COUNT);
    reasons[REASON.none] = 90;
    reasons[REASON.connectRefused] = 7;
    const cell = { ...cellOf([1, 2]), reasons };
    const families = await scrape({ traffic: () => [sampleTraffic({ cell })] });
    const lines = series(families, 'sluice_responses_by_reason_total');
    assert.equal(lines.length, REASONS.length - 1);
    assert.ok(lines.includes('reason=connect_refused route=checkout 7'));
    assert.ok(lines.includes('reason=shed route=checkout 0'));
    assert.equal(series(families, 'sluice_refused_requests_total').length, REASONS.length - 1);
    assert.ok(series(families, 'sluice_refused_requests_total').includes('reason=bad_request 3'));
  });

  test('a cell that saw nothing has counters at 0 and neither histogram nor reasons', async () => {
    const idle = cellOf([]);
    const traffic = sampleTraffic({
      cell: idle,
      versions: [{ service: 'checkout', version: 'v1', hasBreaker: false, cell: idle }],
    });
    const families = await scrape({ traffic: () => [traffic] });
    assert.equal(families.get('http_server_request_duration_seconds')?.samples.length, 0);
    assert.equal(families.get('sluice_responses_by_reason_total')?.samples.length, 0);
    assert.equal(families.get('sluice_requests_total')?.samples.length, 3);
  });

  test('sessions are exported from the first upgrade on: those that are open, and every way to end', async () => {
    assert.deepEqual(series(await scrape(), 'sluice_upgrade_sessions'), []);
    const sessionEnds = new Uint32Array(SESSION_ENDS.length);
    sessionEnds[SESSION_END.rolledBack] = 3;
    const versions = [
      { service: 'checkout', version: 'v1', hasBreaker: false, cell: { ...cellOf([1]), sessions: 5 } },
      { service: 'checkout', version: 'v2', hasBreaker: false, cell: { ...cellOf([1]), sessionEnds } },
      { service: 'checkout', version: 'v3', hasBreaker: false, cell: cellOf([1]) },
    ];
    const families = await scrape({ traffic: () => [sampleTraffic({ versions })] });
    assert.deepEqual(series(families, 'sluice_upgrade_sessions'), [
      'route=checkout service=checkout version=v1 5',
      'route=checkout service=checkout version=v2 0',
    ]);
    const ended = series(families, 'sluice_upgrade_sessions_ended_total');
    assert.equal(ended.length, 2 * SESSION_ENDS.length);
    assert.ok(ended.includes('reason=rolled_back route=checkout service=checkout version=v2 3'));
    assert.ok(ended.includes('reason=client_abnormal route=checkout service=checkout version=v1 0'));
  });

  test('an endpoint that stands on two routes is exported once', async () => {
    const endpoint = {
      address: '127.0.0.1:7001',
      inFlight: 1,
      connections: 4,
      requests: 50,
      bad: 2,
      connectFailures: 3,
      panics: 6,
      state: 'slow-start',
      capacityRatio: 0.25,
      because: '',
      ejections: 2,
    } as const;
    const versions = [sampleVersion({ endpoints: [endpoint] })];
    const routes = [sampleRoute({ versions }), sampleRoute({ name: 'other', versions })];
    const families = await scrape({ status: () => sampleStatus({ routes }) });
    const labels = 'endpoint=127.0.0.1:7001 service=checkout version=v1';
    assert.deepEqual(series(families, 'sluice_endpoint_requests_total'), [`${labels} 50`]);
    assert.deepEqual(series(families, 'sluice_endpoint_failures_total'), [`${labels} 2`]);
    assert.deepEqual(series(families, 'sluice_endpoint_connect_failures_total'), [`${labels} 3`]);
    assert.deepEqual(series(families, 'sluice_endpoint_connections'), [`${labels} 4`]);
    assert.deepEqual(series(families, 'sluice_endpoint_inflight'), [`${labels} 1`]);
    assert.deepEqual(series(families, 'sluice_endpoint_up'), [`${labels} 1`]);
    assert.deepEqual(series(families, 'sluice_endpoint_capacity_ratio'), [`${labels} 0.25`]);
    assert.deepEqual(series(families, 'sluice_endpoint_ejections_total'), [`${labels} 2`]);
    assert.deepEqual(series(families, 'sluice_endpoint_panic_requests_total'), [`${labels} 6`]);
  });

  test('the breaker of an endpoint has a state from its first ejection on', async () => {
    const stateOf = async (state: EndpointState, ejections: number): Promise<string[]> => {
      const counts = { inFlight: 0, connections: 0, requests: 0, bad: 0, connectFailures: 0, panics: 0 };
      const endpoint: EndpointStatus = { ...counts, address: 'a:1', state, ejections, capacityRatio: 0, because: '' };
      const routes = [sampleRoute({ versions: [sampleVersion({ endpoints: [endpoint] })] })];
      const families = await scrape({ status: () => sampleStatus({ routes }) });
      return series(families, 'sluice_endpoint_circuit_breaker_state');
    };
    const labels = 'endpoint=a:1 service=checkout';
    const lines = (closed: number, open: number, halfOpen: number): string[] => [
      `${labels} state=closed version=v1 ${closed}`,
      `${labels} state=half-open version=v1 ${halfOpen}`,
      `${labels} state=open version=v1 ${open}`,
    ];
    assert.deepEqual(await stateOf('up', 0), []);
    assert.deepEqual((await stateOf('ejected', 1)).sort(), lines(0, 1, 0));
    assert.deepEqual((await stateOf('half-open', 1)).sort(), lines(0, 0, 1));
    for (const state of ['up', 'slow-start', 'unhealthy'] as const)
      assert.deepEqual((await stateOf(state, 1)).sort(), lines(1, 0, 0));
  });

  test('a limit is a gauge of its version, refusals are counted by route and priority; nothing where there is none', async () => {
    const limited = { ...cellOf([1]), admission: { limit: 16, inFlight: 10, queued: 4 }, shed: [0, 1, 2, 3] };
    const versions = [
      { service: 'checkout', version: 'v1', hasBreaker: false, cell: limited },
      { service: 'checkout', version: 'v2', hasBreaker: false, cell: cellOf([1]) },
    ];
    const traffic = () => [sampleTraffic({ versions }), sampleTraffic({ route: 'other', versions })];
    const families = await scrape({ traffic });
    assert.deepEqual(series(families, 'sluice_concurrency_limit'), ['service=checkout version=v1 16']);
    assert.deepEqual(series(families, 'sluice_concurrency_inflight'), ['service=checkout version=v1 10']);
    assert.deepEqual(series(families, 'sluice_concurrency_queued'), ['service=checkout version=v1 4']);
    const shed = series(families, 'sluice_shed_total');
    assert.equal(shed.length, 8);
    assert.ok(shed.includes('priority=best-effort route=checkout service=checkout version=v1 3'), shed.join());
  });

  for (const writer of [new TextWriter(true), new ProtobufWriter()]) {
    const format = writer instanceof TextWriter ? 'text' : 'protobuf';
    test(`routes that nobody uses cost nothing at a scrape but their bytes, as ${format}`, COUNTED, () => {
      const reading = idleReading();
      let samples = 0;
      const sink: SampleSink = {
        add: (labels, shared, value) => {
          samples += 1;
          writer.add(labels, shared, value);
        },
      };
      const families = TRAFFIC_FAMILIES.filter((family) => 'rows' in family);
      const scrapeAll = (): void => {
        samples = 0;
        for (const { route } of reading.traffic) route.refresh();
        for (const family of families) {
          writer.begin(family);
          const rows = family.rows(reading);
          for (let n = 0; n < rows.length; n++) family.write(rows[n], sink, reading);
          writer.end();
        }
        writer.take();
      };
      const bytes = bytesPerCall(scrapeAll, 5, 4 * 20 * IDLE_ROUTES) / samples;
      assert.equal(samples, 20 * IDLE_ROUTES);
      assert.ok(bytes < 4, `${bytes} B for each of ${samples} samples`);
    });
  }
});

const IDLE_ROUTES = 1000;

/** Of live readings, as the gateway has them. */
function idleReading(): Reading {
  const totals = new Totals();
  totals.follow([new FakeWorker(1, viewTallies(reserveTallies())).region]);
  const readings = Array.from({ length: IDLE_ROUTES }, (_, n): RouteReading => {
    const [cell, v1, v2] = [totals.live(3 * n), totals.live(3 * n + 1), totals.live(3 * n + 2)];
    const about = { service: 'shop', hasBreaker: false };
    const versions = [
      { ...about, version: 'v1', cell: v1 },
      { ...about, version: 'v2', cell: v2 },
    ];
    const refresh = (): void => {
      cell.refresh();
      v1.refresh();
      v2.refresh();
    };
    return { route: `r${n}`, httpRoute: '/', slowMs: 300, cell, versions, refresh };
  });
  const traffic = Array.from(routeRows(readings));
  const versions = Array.from(versionRows(traffic));
  const services = Array.from(serviceRows(versions));
  return { traffic, versions, services, endpoints: [], exemplars: () => [] } as Partial<Reading> as Reading;
}
