import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildTracing } from '#src/sources/build/process/tracing.ts';

const endpoint = 'http://127.0.0.1:4318';

test('nothing is built of nothing, and defaults are filled in', () => {
  assert.deepEqual(buildTracing(undefined), {});
  assert.deepEqual(buildTracing({ endpoint }).tracing, {
    endpoint: 'http://127.0.0.1:4318/v1/traces',
    headers: [],
    sampleRatio: 0.01,
    parent: 'trustedProxies',
    propagators: ['tracecontext'],
    query: 'redact',
    resource: {},
    queueMax: 8192,
    timeoutMs: 5000,
  });
});

test('a path of the collector’s own stays', () => {
  const built = (at: string) => buildTracing({ endpoint: at }).tracing?.endpoint;
  assert.equal(built('HTTPS://Otel.Example/'), 'https://otel.example/v1/traces');
  assert.equal(built('https://otel.example:443/otlp/v1/traces'), 'https://otel.example/otlp/v1/traces');
});

test('headers have their values by where they are', () => {
  const headers = [
    { name: 'Authorization', variable: 'OTLP' },
    { name: 'X-Tenant', file: '/run/tenant' },
  ];
  assert.deepEqual(buildTracing({ endpoint, headers }).tracing?.headers, [
    { name: 'authorization', from: { kind: 'variable', name: 'OTLP' } },
    { name: 'x-tenant', from: { kind: 'file', path: '/run/tenant' } },
  ]);
});
