/** Spans of attempts, in every lane: what each tells its endpoint, and what it says in the end. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { REASON } from '#src/model/reason.ts';
import { ATTEMPT_SPANS_MAX } from '#src/model/threads/requests/tracing.ts';
import type { Exchange } from '#src/proxy/exchange.ts';
import { beginSpan, Trace, tracedBy } from '#src/proxy/record/trace/trace.ts';
import { fieldIn, http2EndpointOf, oneHttp2 } from '../../../../support/http/h2-endpoint.ts';
import { bench, exchangeOn, routeOf } from '../../../../support/proxy/parts.ts';
import {
  answeringOf,
  clientOf,
  getOf,
  httpUpstreamOf,
  oneVersion,
  refusedPortOf,
} from '../../../../support/proxy/running.ts';
import { switching, upgradeRequest } from '../../../../support/proxy/upgrade.ts';
import { sendAndClose } from '../../../../support/raw.ts';
import { toldOf, tracedPlane, traceparentIn } from '../../../../support/readings/traces/traced.ts';

const CLOSE = 'Connection: close\r\n';
const BUSY = 'HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n';
const NEVER = { retriesMax: 0 };

describe('an attempt that is sampled', () => {
  it('tells its endpoint the id of its own span, whose parent is the request’s', async (t) => {
    const upstream = await answeringOf(t);
    const { plane, spans } = await tracedPlane(t, oneVersion(upstream.port));
    await sendAndClose(plane.port, getOf('/a?b=c', CLOSE));
    const [own, attempt, ...more] = await spans();
    assert.deepEqual(more, []);
    const told = traceparentIn(upstream.received[0]!);
    assert.deepEqual(told, { traceId: own!.traceId, spanId: attempt!.spanId, flags: '01' });
    assert.equal(attempt!.parentId, own!.spanId);
    assert.equal(own!.parentId, null);
    assert.equal(toldOf(attempt!), 'first 200');
    assert.ok(own!.startedAtMs <= attempt!.startedAtMs && attempt!.endedAtMs <= own!.endedAtMs);
  });

  it('is followed by one with another span when it fails', async (t) => {
    const heads: string[] = [];
    const port = await httpUpstreamOf(t, (request, response) => {
      heads.push(`\r\ntraceparent: ${String(request.headers['traceparent'])}\r\n`);
      response.writeHead(heads.length === 1 ? 503 : 200).end('ok');
    });
    const { plane, spans } = await tracedPlane(t, {
      routes: [{ ...oneVersion(port).routes[0]!, retry: { statuses: [503], retriesMax: 2 } }],
    });
    await sendAndClose(plane.port, getOf('/', CLOSE));
    const [own, ...attempts] = await spans();
    assert.deepEqual(attempts.map(toldOf), ['first 503!', 'retry 200']);
    assert.equal(attempts[1]!.attributes['http.request.resend_count'], 1);
    assert.deepEqual(
      heads.map((head) => traceparentIn(head)?.spanId),
      attempts.map(({ spanId }) => spanId),
    );
    assert.ok(attempts.every(({ parentId }) => parentId === own!.spanId));
    assert.equal(own!.attributes['sluice.kept_by'], 'ratio');
    assert.equal(own!.error, null);
  });

  it('says that its endpoint had no place for it', async (t) => {
    const asked = Promise.withResolvers<void>();
    const port = await httpUpstreamOf(t, () => asked.resolve());
    const { plane, spans } = await tracedPlane(t, {
      routes: [{ ...oneVersion(port).routes[0]!, retry: NEVER }],
      limits: { endpointConnectionsMax: 1, endpointPendingMax: 0 },
    });
    const first = clientOf(t, plane);
    first.send(getOf('/'));
    await asked.promise;
    await sendAndClose(plane.port, getOf('/', CLOSE));
    const [own, attempt] = await spans();
    assert.equal(own!.attributes['sluice.reason'], 'shed');
    assert.equal(toldOf(attempt!), 'first shed!');
    assert.equal(attempt!.attributes['sluice.called_off'], undefined);
  });

  it('says that no connection was made', async (t) => {
    const port = await refusedPortOf(t);
    const { plane, spans } = await tracedPlane(t, { routes: [{ ...oneVersion(port).routes[0]!, retry: NEVER }] });
    await sendAndClose(plane.port, getOf('/', CLOSE));
    const [own, attempt] = await spans();
    assert.equal(toldOf(attempt!), 'first connect_refused!');
    assert.equal(own!.attributes['error.type'], 'connect_refused');
    assert.equal(own!.attributes['http.response.status_code'], 502);
  });
});

describe('a rescue', () => {
  for (const sampleRatio of [0, 1]) {
    it(`is an attempt of its own, at a ratio of ${sampleRatio}`, async (t) => {
      const [stable, canary] = [await answeringOf(t), await answeringOf(t, BUSY)];
      const versions = [
        { name: 'stable', ports: [stable.port], weight: 0 },
        { name: 'canary', ports: [canary.port], weight: 1 },
      ];
      const sketch = { routes: [{ versions, rescue: 'unpinned' as const }] };
      const { plane, spans } = await tracedPlane(t, sketch, { sampleRatio });
      await sendAndClose(plane.port, getOf('/', CLOSE));
      const [own, ...attempts] = await spans();
      assert.deepEqual(attempts.map(toldOf), ['first 503!', 'rescue 200']);
      assert.deepEqual(
        attempts.map(({ attributes }) => attributes['sluice.version']),
        ['canary', 'stable'],
      );
      assert.equal(own!.attributes['sluice.rescued_from'], 'canary');
      assert.equal(own!.attributes['http.response.status_code'], 200);
      assert.equal(new Set([own, ...attempts].map((span) => span!.spanId)).size, 3);
      assert.equal(traceparentIn(canary.received[0]!)?.spanId, attempts[0]!.spanId);
      const told = traceparentIn(stable.received[0]!);
      // Who was not sampled is told of no other span.
      assert.equal(told?.spanId, attempts[sampleRatio]!.spanId);
      assert.equal(told?.flags, `0${sampleRatio}`);
    });
  }
});

describe('a fallback', () => {
  it('to another version is an attempt of its own, and the reason of the first is kept', async (t) => {
    const [port, spare] = [await refusedPortOf(t), await answeringOf(t)];
    const version = { name: 'spare', ports: [spare.port], weight: 0 };
    const { plane, spans } = await tracedPlane(
      t,
      {
        routes: [
          {
            ...oneVersion(port).routes[0]!,
            retry: NEVER,
            fallback: [{ kind: 'service', on: ['connect_refused'], version }],
          },
        ],
      },
      { sampleRatio: 0 },
    );
    await sendAndClose(plane.port, getOf('/', CLOSE));
    const [own, ...attempts] = await spans();
    assert.deepEqual(attempts.map(toldOf), ['first connect_refused!', 'fallback 200']);
    assert.equal(own!.attributes['sluice.fallback'], 'service');
    assert.equal(own!.attributes['sluice.kept_by'], 'failure');
  });
});

describe('a hedge', () => {
  it('has a span for each arm; the one that lost was called off', async (t) => {
    const heads: string[] = [];
    const port = async (): Promise<number> =>
      httpUpstreamOf(t, (request, response) => {
        heads.push(String(request.headers['traceparent']));
        if (heads.length === 2) response.end('ok');
      });
    const { plane, spans } = await tracedPlane(t, {
      routes: [{ ...oneVersion(await port(), await port()).routes[0]!, retry: { hedgeMs: 10 } }],
    });
    const client = clientOf(t, plane);
    client.send(getOf('/'));
    await client.until((text) => text.includes('ok'));
    client.socket.destroy();
    const [own, ...attempts] = await spans();
    assert.deepEqual(
      attempts.map(({ attributes }) => attributes['sluice.attempt']),
      ['first', 'hedge'],
    );
    // Whichever came second was answered.
    assert.deepEqual(new Set(attempts.map((span) => toldOf(span).split(' ')[1])), new Set(['200', 'true']));
    assert.deepEqual(new Set(heads.map((head) => head.split('-')[2])), new Set(attempts.map(({ spanId }) => spanId)));
    assert.equal(own!.error, null);
  });
});

describe('an upgrade', () => {
  it('has spans as any request, and its handshake’s end is theirs', async (t) => {
    const upstream = await answeringOf(t, switching());
    const { plane, spans } = await tracedPlane(t, oneVersion(upstream.port));
    const client = clientOf(t, plane);
    client.send(upgradeRequest());
    await client.until((text) => text.includes('101'));
    client.socket.destroy();
    const [own, attempt] = await spans();
    assert.equal(own!.attributes['http.response.status_code'], 101);
    assert.equal(toldOf(attempt!), 'first 101');
    assert.equal(traceparentIn(upstream.received[0]!)?.spanId, attempt!.spanId);
  });

  it('that no endpoint takes is a failure', async (t) => {
    const port = await refusedPortOf(t);
    const { plane, spans } = await tracedPlane(
      t,
      { routes: [{ ...oneVersion(port).routes[0]!, retry: NEVER }] },
      { sampleRatio: 0 },
    );
    await sendAndClose(plane.port, upgradeRequest());
    const [own, attempt] = await spans();
    assert.equal(own!.attributes['sluice.kept_by'], 'failure');
    assert.equal(toldOf(attempt!), 'first connect_refused!');
  });
});

describe('an attempt over HTTP/2', () => {
  it('tells its span, and a failure of gRPC is one although its status is 200', async (t) => {
    const heads: string[] = [];
    const { port } = await http2EndpointOf(t, (stream, raw) => {
      heads.push(fieldIn(raw, 'traceparent'));
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': heads.length === 1 ? '0' : '13' }));
      stream.end();
    });
    const { plane, spans } = await tracedPlane(t, oneHttp2([port]), { sampleRatio: 0 });
    const sampled = `traceparent: 00-${'a'.repeat(32)}-${'b'.repeat(16)}-01\r\n`;
    await sendAndClose(plane.port, getOf('/', sampled + CLOSE));
    await sendAndClose(plane.port, getOf('/', CLOSE));
    const [own, attempt] = await spans(0);
    assert.deepEqual([own!.parentId, attempt!.attributes['network.protocol.version']], ['b'.repeat(16), '2']);
    assert.equal(heads[0], `00-${'a'.repeat(32)}-${attempt!.spanId}-01`);
    const [failed, of] = await spans(1);
    assert.deepEqual(
      [failed!.attributes['sluice.kept_by'], failed!.attributes['error.type']],
      ['failure', 'grpc_failed'],
    );
    assert.equal(toldOf(of!), 'first grpc_failed!');
    assert.equal(of!.attributes['http.response.status_code'], 200);
  });
});

describe('a trace', () => {
  it('has a bounded number of attempts, and counts those beyond', () => {
    const on = bench();
    const origin = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), parentId: null, firstSpanId: 'c'.repeat(16) };
    let n = 0;
    const trace = new Trace({ ...origin, keptBy: 'failure', host: null, client: null }, () => `d${n++}`);
    const x: Exchange = Object.assign(exchangeOn(on), {
      endpoint: on.endpoints[0],
      split: routeOf(on.table).splits[0],
    });
    const traced = tracedBy(trace);
    for (let i = 0; i < ATTEMPT_SPANS_MAX + 5; i++) beginSpan(x, traced, i);
    assert.equal(trace.attempts.length, ATTEMPT_SPANS_MAX);
    assert.equal(trace.attemptCount, ATTEMPT_SPANS_MAX + 5);
    assert.equal(traced.span, null);
    assert.equal(trace.attempts[0]!.spanId, origin.firstSpanId);
    assert.equal(trace.attempts[1]!.reason, REASON.none);
  });
});
