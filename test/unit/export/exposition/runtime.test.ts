import assert from 'node:assert/strict';
import perfHooks from 'node:perf_hooks';
import { suite, test } from 'node:test';
import { Histogram, Registry, Summary } from 'prom-client';
import { measuredBy, runtimeRegistry } from '#src/export/exposition/runtime.ts';
import { type Family, type Reading, samplesOf } from '#src/export/family.ts';

const READING = {} as Reading;

suite('runtime', () => {
  test('metrics of the runtime are families like ours, without those whose names are a counter’s', async () => {
    const families = new Map((await measuredBy(runtimeRegistry())).map((family) => [family.name, family]));
    for (const name of [
      'process_cpu_seconds_total',
      'process_resident_memory_bytes',
      'nodejs_eventloop_lag_p99_seconds',
    ]) {
      assert.equal(samplesOf(families.get(name) as Family, READING).length, 1, name);
    }
    for (const { name, type } of families.values()) {
      assert.equal(name.endsWith('_total'), type === 'counter', `${name} is a ${type}`);
    }
  });

  test('the delay of the event loop is sampled every 20 ms, as each sample wakes it', (t) => {
    const monitor = t.mock.method(perfHooks, 'monitorEventLoopDelay');
    runtimeRegistry();
    assert.deepEqual(
      monitor.mock.calls.map(({ arguments: [options] }) => options?.resolution),
      [20],
    );
  });

  test('a histogram is put together for each set of its labels', async () => {
    const registry = new Registry();
    const histogram = new Histogram({
      name: 'x_seconds',
      help: 'x',
      labelNames: ['kind'],
      buckets: [0.5, 1],
      registers: [registry],
    });
    for (const [kind, value] of [
      ['a', 0.25],
      ['b', 0.75],
      ['a', 3],
    ] as const)
      histogram.observe({ kind }, value);
    const [family] = await measuredBy(registry);
    const bucketsOf = (...counts: number[]) => [0.5, 1, Infinity].map((le, n) => ({ le, count: counts[n] }));
    assert.deepEqual(samplesOf(family as Family, READING), [
      { labels: { kind: 'a' }, value: { buckets: bucketsOf(1, 1, 2), sum: 3.25 } },
      { labels: { kind: 'b' }, value: { buckets: bucketsOf(0, 1, 1), sum: 0.75 } },
    ]);
  });

  test('a type that no writer knows is an error', async () => {
    const registry = new Registry();
    new Summary({ name: 'x', help: 'x', registers: [registry] });
    await assert.rejects(measuredBy(registry), /x is a summary/);
  });
});
