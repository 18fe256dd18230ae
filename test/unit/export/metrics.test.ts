import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { suite, type TestContext, test } from 'node:test';
import type { Asked } from '#src/export/exposition/negotiate.ts';
import { createMetrics, FAMILIES, type Metrics, SCRAPES_MAX } from '#src/export/metrics.ts';
import { sampleTraffic } from '../../support/readings/cells.ts';
import { parseExposition } from '../../support/readings/metrics/exposition.ts';
import { readFamilies } from '../../support/readings/metrics/protobuf.ts';
import { fullSource, scrape, series, sourceOf } from '../../support/readings/metrics/scrape.ts';
import { sampleStatus } from '../../support/readings/status.ts';
import { samples, WAITS } from '../../support/runner/depth.ts';

const PROTOBUF = 'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited';
const TEXT: Asked = { accept: '', acceptEncoding: '' };

/** Serves pages on a real socket. */
async function served(t: TestContext, metrics: Metrics): Promise<(accept: string) => Promise<Response>> {
  const server = createServer((_, response) => {
    void metrics.scrape({ accept: response.req.headers.accept ?? '', acceptEncoding: 'gzip' }).then((page) => {
      if (page === null) response.writeHead(503).end();
      else page.take(response);
    });
  });
  t.after(() => server.close());
  t.after(() => server.closeAllConnections());
  // One that is closed while a page is read, in this process, would be asked for the next.
  server.keepAliveTimeout = 0;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  return (accept) => fetch(url, { headers: { accept } });
}

suite('metrics', () => {
  test('the page is Prometheus text in which every family has help, a type and the right suffix', async () => {
    const { contentType, body } = await createMetrics(sourceOf()).page();
    assert.equal(contentType, 'text/plain; version=0.0.4; charset=utf-8');
    for (const [name, family] of parseExposition(body)) {
      assert.notEqual(family.help, '', name);
      assert.match(family.type, /^(?:counter|gauge|histogram)$/, name);
      assert.equal(name.endsWith('_total'), family.type === 'counter', `${name} is a ${family.type}`);
      if (!name.startsWith('sluice_')) continue;
      assert.doesNotMatch(name, /_ms|_percent|_milliseconds|_(?:created|bucket|count|sum)$/);
    }
  });

  test('names are unique, and an info says so', () => {
    const names = FAMILIES.map(({ name }) => name);
    assert.equal(new Set(names).size, names.length);
    for (const { name, type } of FAMILIES) assert.equal(name.endsWith('_info'), type === 'info', name);
  });

  test('samples have the labels that their family says, and no others', async () => {
    const families = parseExposition((await createMetrics(fullSource()).page()).body);
    for (const { name, type, labels = [] } of FAMILIES) {
      const { samples = [] } = families.get(name) ?? {};
      assert.notEqual(samples.length, 0, `${name} has a sample`);
      const seen = new Set(samples.flatMap((sample) => Object.keys(sample.labels)));
      if (type === 'histogram') seen.delete('le');
      assert.deepEqual([...seen].sort(), [...labels].sort(), name);
      for (const label of labels) assert.match(label, /^[a-z][a-z_]*[a-z]$/, name);
    }
  });

  test("Node's own metrics are there", async () => {
    const families = await scrape();
    for (const name of [
      'process_cpu_seconds_total',
      'process_resident_memory_bytes',
      'nodejs_eventloop_lag_p99_seconds',
    ]) {
      assert.ok(families.has(name), name);
    }
  });

  test('every format has the same series, in its own content type', async (t) => {
    const get = await served(t, createMetrics(sourceOf()));
    const [text, openMetrics, protobuf] = [
      await get(''),
      await get('application/openmetrics-text'),
      await get(PROTOBUF),
    ];
    assert.deepEqual(
      [text, openMetrics, protobuf].map(({ headers }) => headers.get('content-type')),
      [
        'text/plain; version=0.0.4; charset=utf-8',
        'application/openmetrics-text; version=1.0.0; charset=utf-8',
        'application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited',
      ],
    );
    const families = parseExposition(await text.text());
    const end = await openMetrics.text();
    assert.match(end, /\n# EOF\n$/);
    const lines = (page: string) => page.split('\n').filter((line) => line.startsWith('sluice_')).length;
    const messages = readFamilies(await protobuf.bytes()).filter(({ name }) => name.startsWith('sluice_'));
    let samples = 0;
    for (const { name, metrics } of messages) {
      const family = families.get(name);
      assert.ok(family !== undefined, name);
      for (const metric of metrics) samples += metric.value === undefined ? metric.buckets.length + 2 : 1;
      if (family.type !== 'histogram') assert.equal(metrics.length, family.samples.length, name);
    }
    assert.equal(samples, lines(end));
  });

  test('scrapes that overlap refresh the readings once, later ones refresh them again', async () => {
    let reads = 0;
    const traffic = [sampleTraffic({ refresh: () => void reads++ })];
    const metrics = createMetrics(sourceOf({ traffic: () => traffic }));
    const [first, second] = await Promise.all([metrics.page(), metrics.page()]);
    assert.equal(parseExposition(first.body).size, parseExposition(second.body).size);
    assert.equal(reads, 1);
    await metrics.page();
    assert.equal(reads, 2);
  });

  test('the source is asked for routes and objectives once for a configuration, and for objectives when there are others', async () => {
    let generation = 1;
    let slos = sampleStatus().slos;
    const asked = { traffic: 0, routes: 0 };
    const counted = <T>(name: keyof typeof asked, value: T) => {
      asked[name] += 1;
      return value;
    };
    const metrics = createMetrics(
      sourceOf({
        generation: () => generation,
        traffic: () => counted('traffic', [sampleTraffic()]),
        routes: () => counted('routes', sampleStatus().routes),
        slos: () => slos,
      }),
    );
    for (let n = 0; n < 3; n++) await metrics.page();
    assert.deepEqual(asked, { traffic: 1, routes: 1 });
    generation = 2;
    await metrics.page();
    assert.deepEqual(asked, { traffic: 2, routes: 2 });
    slos = [];
    const families = parseExposition((await metrics.page()).body);
    assert.deepEqual(series(families, 'sluice_slo_objective_ratio'), []);
  });

  test('a reading that the configuration changed under is taken again', async () => {
    let generation = 1;
    let reads = 0;
    const changes = 2;
    const source = sourceOf({
      generation: () => generation,
      traffic: function* () {
        reads += 1;
        if (reads <= changes) generation += 1;
        yield sampleTraffic({ route: `read-${reads}` });
      },
    });
    const families = parseExposition((await createMetrics(source).page()).body);
    assert.deepEqual(series(families, 'sluice_inflight'), ['route=read-3 2']);
    const restless = sourceOf({ generation: () => reads++ });
    assert.ok(parseExposition((await createMetrics(restless).page()).body).has('sluice_inflight'), 'it ends');
  });

  test('a source that throws fails that scrape only', async () => {
    let isBroken = true;
    const metrics = createMetrics(
      sourceOf({
        traffic: () => {
          if (isBroken) throw new Error('no traffic');
          return [];
        },
      }),
    );
    await assert.rejects(metrics.page(), /no traffic/);
    for (let n = 0; n <= SCRAPES_MAX; n++) await assert.rejects(metrics.scrape(TEXT), /no traffic/);
    isBroken = false;
    assert.match((await metrics.page()).body, /sluice_ready 1/);
    assert.notEqual(await metrics.scrape(TEXT), null, 'no place was lost');
  });

  test('so many pages are rendered at a time, others are refused, and what came of them is counted', async (t) => {
    const metrics = createMetrics(sourceOf());
    const taken = await Promise.all(Array.from({ length: SCRAPES_MAX }, () => metrics.scrape(TEXT)));
    assert.ok(taken.every((one) => one !== null));
    assert.equal(await metrics.scrape(TEXT), null);
    const server = createServer({ keepAliveTimeout: 0 }, (_, response) => taken.pop()?.take(response));
    t.after(() => server.close());
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    for (let n = 0; n < SCRAPES_MAX; n++) assert.match(await (await fetch(url)).text(), /sluice_ready 1/);
    assert.notEqual(await metrics.scrape({ ...TEXT, accept: PROTOBUF }), null);
    const families = parseExposition((await metrics.page()).body);
    assert.deepEqual(series(families, 'sluice_scrapes_total'), [
      'format=openmetrics 0',
      'format=protobuf 1',
      `format=text ${SCRAPES_MAX}`,
    ]);
    assert.deepEqual(series(families, 'sluice_scrapes_failed_total'), ['result=aborted 0', 'result=refused 1']);
  });

  test('a page that nobody read to its end leaves nothing in the next one', WAITS, async (t) => {
    const many = Array.from({ length: samples(2000, 500) }, (_, n) => sampleTraffic({ route: `r${n}` }));
    const metrics = createMetrics(sourceOf({ traffic: () => many }));
    const get = await served(t, metrics);
    // One of the process's own appears with the first collection of garbage, whenever that is.
    const names = async () =>
      readFamilies(await (await get(PROTOBUF)).bytes())
        .map(({ name }) => name)
        .filter((name) => name.startsWith('sluice_'));
    const first = await names();
    await (await get(PROTOBUF)).body?.cancel();
    assert.deepEqual(await names(), first);
    assert.deepEqual(await names(), first);
  });

  test('a page that fails on its way is told of', async (t) => {
    const failures: string[] = [];
    const status = sampleStatus();
    const broken = {
      ...status,
      get workers(): never {
        throw new Error('no workers today');
      },
    };
    const many = Array.from({ length: 200 }, (_, n) => sampleTraffic({ route: `r${n}` }));
    const source = sourceOf({ traffic: () => many });
    const metrics = createMetrics({ ...source, status: () => broken }, (error) => failures.push(String(error)));
    const get = await served(t, metrics);
    await assert.rejects((await get('')).text());
    assert.deepEqual(failures, ['Error: no workers today']);
  });
});
