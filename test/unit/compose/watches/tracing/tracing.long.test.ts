/** The thread that exports spans: it ends when it has nothing to do, and there is one at a time. */

import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { Worker } from 'node:worker_threads';
import type { FromTracing, ToTracing, TracingSetup } from '#src/compose/watches/tracing/thread.ts';
import { Tracing } from '#src/compose/watches/tracing/tracing.ts';
import { createLog } from '#src/lib/log.ts';
import type { TracingConfig } from '#src/model/threads/requests/tracing.ts';
import { until } from '../../../../support/gateway.ts';
import { sampleDecision } from '../../../../support/readings/status.ts';
import { startCollector } from '../../../../support/readings/traces/collector.ts';
import { withoutThreads } from '../../../../support/state/threads.ts';

const THREAD_FILE = new URL('../../../../../src/compose/watches/tracing/thread.ts', import.meta.url);
const LONG_MS = 3_600_000;

function configOf(endpoint: string): TracingConfig {
  const sampling = { sampleRatio: 0, parent: 'nobody', propagators: ['tracecontext'], query: 'omit' } as const;
  return { ...sampling, endpoint, headers: [], resource: {}, queueMax: 64, timeoutMs: LONG_MS };
}

/** Resolves when a thread that has a decision to hand over says that it is closed. */
async function closed(t: TestContext, endpoint: string, flushMs: number): Promise<void> {
  const workerData: TracingSetup = { tracing: configOf(endpoint), release: '1.2.3', environment: {} };
  const thread = new Worker(THREAD_FILE, { workerData });
  t.after(() => thread.terminate());
  const note = { kind: 'step', trigger: 'evidence', sentence: 's', route: 'shop', rollout: null, atWallMs: 1 };
  thread.postMessage({ kind: 'decision', note: { ...note, requestIds: ['unknown'] } } satisfies ToTracing);
  thread.postMessage({ kind: 'close', flushMs } satisfies ToTracing);
  await new Promise<void>((resolve) => {
    thread.on('message', ({ kind }: FromTracing) => {
      if (kind === 'closed') resolve();
    });
  });
}

describe('the thread of traces', { timeout: 120_000 }, () => {
  it('is closed as soon as everything is handed over', async (t) => {
    const collector = await startCollector(t);
    await closed(t, collector.url, LONG_MS);
    assert.deepEqual(
      collector.spans.map(({ name }) => name),
      ['configuration step'],
    );
  });

  it('is closed after a while although the collector keeps silent', async (t) => {
    const collector = await startCollector(t);
    collector.mood = 'silent';
    await closed(t, collector.url, 100);
    assert.deepEqual(collector.spans, []);
  });

  it('whose place another one has taken tells nothing of how that one stands', async (t) => {
    const [former, present] = [await startCollector(t), await startCollector(t)];
    const tracing = new Tracing({
      log: createLog({ level: 'silent' }),
      release: { version: '1.2.3' },
      environment: {},
    });
    t.after(() => tracing.close());
    const telemetry = { accessLog: { sampleRatio: 0 } };
    tracing.follow({ ...telemetry, tracing: configOf(former.url) });
    tracing.noting(() => undefined)(sampleDecision(), null);
    tracing.follow(telemetry);
    tracing.follow({ ...telemetry, tracing: configOf(present.url) });
    const told = new Set<string>();
    const seen = (): void => {
      if (tracing.status !== null) told.add(tracing.status.endpoint);
    };
    await until('the former has handed over, and has ended', () => {
      seen();
      return former.spans.length > 0 && told.has(present.url);
    });
    await tracing.close();
    assert.deepEqual([...told], [present.url]);
  });

  it('that died is replaced once, also when another configuration comes before that; and it ends when it is closed', async (t) => {
    // Nobody ends it but itself.
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const collector = await startCollector(t);
    let threads = 0;
    const count = (): void => void threads++;
    process.on('worker', count);
    t.after(() => process.off('worker', count));
    const died = Promise.withResolvers<void>();
    const log = { ...createLog({ level: 'silent' }), error: () => died.resolve() };
    const tracing = new Tracing({ log, release: { version: '1.2.3' }, environment: {} });
    t.after(() => tracing.close());
    const telemetry = { accessLog: { sampleRatio: 0 } };
    tracing.follow({ ...telemetry, tracing: configOf('no URL') });
    await died.promise;
    tracing.follow({ ...telemetry, tracing: configOf(collector.url) });
    t.mock.timers.tick(LONG_MS);
    await tracing.close();
    assert.equal(threads, 2);
  });

  it('that cannot be made is told, and tried again until there is one', async (t) => {
    const giveBack = withoutThreads(t);
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const causes: string[] = [];
    const error = (_event: string, fields?: object): void => void causes.push((fields as { cause: string }).cause);
    const log = { ...createLog({ level: 'silent' }), error };
    const tracing = new Tracing({ log, release: { version: '1.2.3' }, environment: {} });
    t.after(() => tracing.close());
    const collector = await startCollector(t);
    tracing.follow({ accessLog: { sampleRatio: 0 }, tracing: configOf(collector.url) });
    t.mock.timers.tick(LONG_MS);
    assert.ok(causes.length > 1);
    for (const cause of causes) assert.match(cause, /^Error: EAGAIN/);
    giveBack();
    t.mock.timers.tick(LONG_MS);
    t.mock.timers.reset();
    await until('the thread has said how it stands', () => tracing.status !== null);
  });
});
