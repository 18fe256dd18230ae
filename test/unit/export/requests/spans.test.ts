import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import { decisionSpan, failureOf, spansOf } from '#src/export/requests/spans.ts';
import { REASON } from '#src/model/reason.ts';
import type { AttemptRow, TraceRow } from '#src/model/threads/requests/tracing.ts';
import { attemptRow, REF, traceRow } from '../../../support/readings/traces/rows.ts';

const own = (changes: Parameters<typeof traceRow>[0]) => spansOf(traceRow(changes), 0)[0]!;
const attempt = (changes: Parameters<typeof attemptRow>[0]) =>
  spansOf(traceRow({ attempts: [attemptRow(changes)] }), 0)[1]!;

describe('the span of a request', () => {
  it('is named after its method and the route’s path, and its times are the wall clock’s', () => {
    const span = spansOf(traceRow({}), 1_700_000_000_000)[0]!;
    assert.equal(span.name, 'GET /cart');
    assert.deepEqual([span.startedAtMs, span.endedAtMs], [1_700_000_000_010, 1_700_000_000_035.5]);
    assert.deepEqual([span.kind, span.parentId, span.isParentRemote], ['server', null, true]);
  });

  it('has an error from 500 on, or when the gateway or an upstream failed; not when its client left or was wrong', () => {
    for (const [status, reason, error, type] of [
      [200, REASON.none, null, undefined],
      [404, REASON.none, null, undefined],
      [404, REASON.noRoute, null, undefined],
      [0, REASON.clientClosed, null, undefined],
      [500, REASON.none, '', '500'],
      [502, REASON.connectRefused, 'The upstream refused the connection', 'connect_refused'],
      [0, REASON.upstreamTruncated, 'The upstream closed the connection within the response', 'upstream_truncated'],
      [200, REASON.grpcFailed, 'The upstream answered with a gRPC status that is an error', 'grpc_failed'],
    ] as const) {
      const span = own({ status, reason });
      assert.deepEqual([span.error, span.attributes['error.type']], [error, type], `${status} ${reason}`);
      assert.equal(span.attributes['http.response.status_code'], status === 0 ? undefined : status);
    }
  });

  it('with a method that nobody knows is named HTTP, and says which it was', () => {
    const span = own({ method: `BREW${'!'.repeat(100)}` });
    assert.equal(span.name, 'HTTP /cart');
    assert.equal(span.attributes['http.request.method'], '_OTHER');
    assert.equal(String(span.attributes['http.request.method_original']).length, 64);
  });

  it('leaves out what is not known', () => {
    const { attributes } = own({ httpRoute: null, route: null, query: null, color: null });
    for (const name of ['http.route', 'sluice.route', 'url.query', 'sluice.color'])
      assert.ok(!(name in attributes), name);
  });
});

describe('the span of an attempt', () => {
  it('is a child of the request’s, and has an error from 400 on', () => {
    assert.equal(attempt({}).parentId, REF.spanId);
    assert.equal(attempt({}).isParentRemote, false);
    assert.equal(attempt({ status: 399 }).error, null);
    assert.equal(attempt({ status: 404 }).error, '');
    assert.equal(attempt({ status: 0, reason: REASON.responseTimeout }).attributes['error.type'], 'response_timeout');
  });

  it('that was called off says so, and has none', () => {
    const span = attempt({ status: 0 });
    assert.deepEqual([span.attributes['sluice.called_off'], span.error], [true, null]);
    assert.equal(attempt({}).attributes['sluice.called_off'], undefined);
    assert.equal(attempt({ status: 0, reason: REASON.clientClosed }).error, null);
  });

  it('names its endpoint, IPv6 in brackets', () => {
    const { attributes } = attempt({ host: '::1', port: 7001, isHttp2: true });
    assert.deepEqual(
      [attributes['server.address'], attributes['server.port'], attributes['sluice.endpoint']],
      ['::1', 7001, '[::1]:7001'],
    );
    assert.equal(attributes['network.protocol.version'], '2');
  });

  it('counts how often the request was sent before', () => {
    const attempts: AttemptRow[] = [attemptRow({}), attemptRow({ kind: 'retry' })];
    const counts = spansOf(traceRow({ attempts }), 0).map(({ attributes }) => attributes['http.request.resend_count']);
    assert.deepEqual(counts, [undefined, undefined, 1]);
  });
});

test('a decision is a span of its own, linked to what led to it', () => {
  const note = {
    kind: 'rollback',
    trigger: 'evidence',
    sentence: 'It failed.',
    route: 'shop',
    atWallMs: 5,
    requestIds: ['a'],
  };
  const rollout = { service: 'web', stable: 'v1', canary: 'v2', weightBefore: 50, weightAfter: 0 };
  const span = decisionSpan({ ...note, rollout }, REF, [REF]);
  assert.deepEqual([span.name, span.kind, span.parentId, span.links], ['rollout rollback', 'internal', null, [REF]]);
  assert.equal(span.attributes['sluice.decision.sentence'], 'It failed.');
  assert.equal(span.attributes['sluice.decision.weight_after'], 0);
  const revert = decisionSpan({ ...note, kind: 'revert', rollout: null }, REF, []);
  assert.equal(revert.name, 'configuration revert');
  assert.ok(!('sluice.service' in revert.attributes));
});

test('a request that failed is known by its id', () => {
  const of = (changes: Parameters<typeof traceRow>[0]): TraceRow => traceRow({ requestId: 'r1', ...changes });
  assert.equal(failureOf(of({})), null);
  assert.deepEqual(failureOf(of({ status: 500 })), { requestId: 'r1', ref: REF });
  assert.deepEqual(failureOf(of({ rescuedFrom: 'v2' })), { requestId: 'r1', ref: REF });
  assert.deepEqual(failureOf(of({ keptBy: 'failure' })), { requestId: 'r1', ref: REF });
  assert.equal(failureOf(of({ status: 500, requestId: null })), null);
});
