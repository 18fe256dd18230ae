/** The exporter against a real collector: what arrives, and what a collector that fails leads to. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join, posix } from 'node:path';
import { describe, it } from 'node:test';
import { Collector, type CollectorOptions } from '#src/export/requests/collector.ts';
import { decisionSpan, spansOf } from '#src/export/requests/spans.ts';
import { listenLoopback } from '../../../support/plane.ts';
import { startCollector, type TestCollector } from '../../../support/readings/traces/collector.ts';
import { attemptRow, REF, traceRow } from '../../../support/readings/traces/rows.ts';

const SPANS = spansOf(traceRow({ status: 500, attempts: [attemptRow({})] }), 1_700_000_000_000);

function collectorAt({ url }: Pick<TestCollector, 'url'>, changes: Partial<CollectorOptions> = {}): Collector {
  return new Collector({
    endpoint: `${url}/v1/traces`,
    headers: async () => ({ 'x-tenant': 'seven' }),
    resource: { 'deployment.environment.name': 'test' },
    release: '1.2.3',
    instance: 'i7',
    timeoutMs: 60_000,
    ...changes,
  });
}

describe('a collector', { timeout: 240_000 }, () => {
  it('gets spans with all that they say, and the headers that are asked for anew each time', async (t) => {
    const receiver = await startCollector(t);
    let asked = 0;
    const collector = collectorAt(receiver, { headers: async () => ({ 'x-tenant': `t${++asked}` }) });
    await collector.send(SPANS);
    await collector.send([decisionSpan({ ...NOTE, requestIds: ['r'] }, REF, [REF])]);
    await collector.close();
    const [own, attempt, decision] = receiver.spans;
    assert.deepEqual(receiver.paths, ['/v1/traces', '/v1/traces']);
    assert.deepEqual(
      receiver.headers.map((headers) => headers['x-tenant']),
      ['t1', 't2'],
    );
    assert.deepEqual([own!.kind, own!.status, own!.parentId, own!.name], [2, 2, '', 'GET /cart']);
    assert.deepEqual(own!.attributes, SPANS[0]!.attributes);
    assert.equal(own!.startedAtNs, 1_700_000_000_010_000_000n);
    assert.equal(own!.endedAtNs, 1_700_000_000_035_500_000n);
    assert.deepEqual([attempt!.kind, attempt!.parentId, attempt!.status], [3, own!.spanId, 0]);
    assert.deepEqual([decision!.kind, decision!.links], [1, [`${REF.traceId}-${REF.spanId}`]]);
    assert.deepEqual(decision!.attributes['sluice.decision.request_ids'], ['r']);
  });

  it('is told who sends, and nothing that was detected', async (t) => {
    const receiver = await startCollector(t);
    await collectorAt(receiver, { resource: { 'service.name': 'edge', a: 'b' } }).send(SPANS);
    const own = { 'service.name': 'edge', 'service.version': '1.2.3', 'service.instance.id': 'i7' };
    assert.deepEqual(receiver.spans[0]!.resource, { ...own, a: 'b' });
  });

  it('that refuses is an error with its status', async (t) => {
    const receiver = await startCollector(t);
    receiver.mood = 'refuses';
    await assert.rejects(collectorAt(receiver).send(SPANS), /400|Bad Request/);
  });

  it('that is not there, or keeps silent, is an error within the time', async (t) => {
    const receiver = await startCollector(t);
    receiver.mood = 'silent';
    await assert.rejects(collectorAt(receiver, { timeoutMs: 100 }).send(SPANS));
    await assert.rejects(collectorAt({ url: 'http://127.0.0.1:1' }, { timeoutMs: 100 }).send(SPANS));
  });

  it('that answers without end is an error within the time', async (t) => {
    const server = createServer((request, response) => {
      request.resume();
      response.writeHead(200);
      const drip = setInterval(() => response.write('x'), 10);
      response.on('close', () => clearInterval(drip));
    });
    t.after(() => {
      server.closeAllConnections();
      server.close();
    });
    const url = `http://127.0.0.1:${await listenLoopback(server)}`;
    await assert.rejects(collectorAt({ url }, { timeoutMs: 200 }).send(SPANS), /not taken within 200 ms|timed out/);
  });

  it('whose headers cannot be read gets nothing', async (t) => {
    const receiver = await startCollector(t);
    const headers = async (): Promise<never> => {
      throw new Error('no such file');
    };
    await assert.rejects(collectorAt(receiver, { headers }).send(SPANS), /no such file/);
    assert.equal(receiver.asked, 0);
  });
});

/** An import, export or dynamic import of one of our modules that is there at run time. */
const LOADS = /^(?:import|export) (?!type\b)[^;']*?'(\.[^']+\.ts)'|\bimport\(\s*'(\.[^']+\.ts)'/gm;

/** Files that a file leads to by imports that are there at run time; itself included. */
function loadedBy(entry: string, seen = new Set<string>()): Set<string> {
  if (seen.has(entry)) return seen;
  seen.add(entry);
  const code = readFileSync(join(import.meta.dirname, '../../../..', entry), 'utf8');
  for (const [, target = '', later = ''] of code.matchAll(LOADS)) {
    loadedBy(posix.join(posix.dirname(entry), target || later), seen);
  }
  return seen;
}

it('the exporter is loaded by its thread and by nobody else', () => {
  const file = 'src/export/requests/collector.ts';
  assert.ok(loadedBy('src/compose/watches/tracing/thread.ts').has(file));
  for (const entry of ['src/main.ts', 'src/compose/worker.ts']) {
    const loaded = loadedBy(entry);
    assert.ok(loaded.size > 100 && !loaded.has(file), entry);
  }
});

const NOTE = { kind: 'rollback', trigger: 'evidence', sentence: 's', route: 'shop', rollout: null, atWallMs: 1 };
