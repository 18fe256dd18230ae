import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { buildConfig } from '#src/sources/build/config.ts';
import {
  DEFAULT_COLOR,
  DEFAULT_RETRY,
  DEFAULT_SATURATION,
  DEFAULT_SLO,
  DEFAULT_UPGRADE,
  NO_FILTERS,
} from '#src/sources/defaults.ts';
import { configOf, SOUND, SOUND_ROLLOUT } from '../../../support/config.ts';

describe('buildConfig', () => {
  test('fills every default in', () => {
    const { services, routes, ...rest } = configOf(SOUND);
    assert.deepEqual(rest, {
      listen: { host: '0.0.0.0', port: 8080 },
      admin: { host: '127.0.0.1', port: 9900 },
      adminTokenHash: null,
      workers: 'auto',
      color: DEFAULT_COLOR,
      overload: { priorityHeader: null },
      saturation: DEFAULT_SATURATION,
      http: { absoluteForm: 'refuse', pathNormalization: 'normalize', serverTiming: false },
      accessLog: { sampleRatio: 0 },
      trustedProxies: [],
      limits: {
        requestLineBytesMax: 8192,
        headBytesMax: 32_768,
        headerCountMax: 128,
        trailerBytesMax: 8192,
        trailerCountMax: 128,
        bodyBytesMax: 1_073_741_824,
        bodyRateMin: 240,
        connectionsMax: 10_000,
        endpointConnectionsMax: 256,
        endpointPendingMax: 1024,
        requestsPerConnectionMax: 10_000,
        replayBodyBytesMax: 65_536,
        staleBytesMax: 67_108_864,
        compareBytesMax: 4_194_304,
        endpointSessionsMax: 2,
        sessionStreamsMax: 100,
        http2StreamsMax: 100,
        http2AbuseMax: 500,
      },
      timeouts: {
        headMs: 10_000,
        idleMs: 60_000,
        bodyIdleMs: 30_000,
        connectMs: 1000,
        firstByteMs: 30_000,
        pendingMs: 1000,
        upstreamIdleMs: 4000,
        upstreamLifetimeMs: 300_000,
        dnsMs: 5000,
        upgradeIdleMs: 300_000,
        streamIdleMs: 300_000,
        upstreamPingMs: 20_000,
      },
      drain: { delayMs: 5000, timeoutMs: 25_000 },
      state: { directory: null },
      revisions: { keep: 20, bytesMax: 16_777_216, watchMs: 60_000 },
      fleet: null,
    });
    assert.deepEqual(services[0]?.versions[0], {
      name: 'v1',
      colors: [],
      endpoints: [{ host: '127.0.0.1', port: 7001, weight: 1 }],
      limit: null,
    });
    assert.deepEqual(routes, [
      {
        name: 'shop',
        hostnames: [],
        matches: [{ path: { type: 'PathPrefix', value: '/' }, method: null, headers: [], query: [] }],
        backendRefs: [
          { service: 'shop', version: 'v1', weight: 95 },
          { service: 'shop', version: 'v2', weight: 5 },
        ],
        sticky: null,
        requestTimeoutMs: 60_000,
        retry: DEFAULT_RETRY,
        filters: NO_FILTERS,
        upgrade: { protocols: ['websocket'], onRollback: 'close' },
        slo: null,
        rollout: null,
        priority: 'default',
        rateLimits: [],
      },
    ]);
  });

  test('takes every value that is written', () => {
    const config = configOf(`listen: {host: "::", port: 0}
admin: {host: "::1", port: 9000, hosts: [Sluice.internal, "FD00:0::1"]}
adminToken: sixteen-visible-characters
workers: 3
color: {header: X-Stage, acceptFrom: anyone}
overload: {priorityHeader: X-Priority}
http: {absoluteForm: rewrite, pathNormalization: strict, serverTiming: true}
accessLog: {sample: 0.01}
trustedProxies: [10.0.0.1, FD00::/8]
limits: {requestLineBytesMax: 4KiB, headBytesMax: 8192, headerCountMax: 1, bodyBytesMax: 0, bodyRateMin: 1KiB, connectionsMax: 2,
  trailerBytesMax: 4KiB, trailerCountMax: 0,
  endpointConnectionsMax: 3, endpointPendingMax: 0, requestsPerConnectionMax: 4, replayBodyBytesMax: 1MiB, staleBytesMax: 2MiB, compareBytesMax: 3MiB,
  endpointSessionsMax: 5, sessionStreamsMax: 6, http2StreamsMax: 7, http2AbuseMax: 70}
timeouts: {head: 1ms, idle: 2ms, bodyIdle: 3ms, connect: 4ms, firstByte: 5ms, pending: 6ms, upstreamIdle: 7ms,
  upstreamLifetime: 8ms, dns: 9ms, upgradeIdle: 10ms, upstreamPing: 1s, streamIdle: 11ms}
drain: {delay: 0s, timeout: 1m30s}
state: {directory: /var/lib/sluice}
revisions: {keep: 5, bytesMax: 2MiB, watch: 0s}
${SOUND}    sticky: {header: X-User, cookie: Sid, clientIp: true}
    hostnames: [A.Example, "*.B.example"]
    timeouts: {request: 2s}
    priority: critical
    slo: {availability: 0.99, latency: {threshold: 300ms, target: 0.95}}
    rollout: {stable: v1, canary: v2, alpha: 0.01, toleratedRatio: 2, badMin: 5, absoluteFloor: 0.001,
      latencyTolerance: 0.5, latencyFloor: 20ms, promotion: {beta: 0.01, ratioMax: 2, errorRatioMax: 0.02},
      shadows: [{name: bold, alpha: 0.1, promotion: {ratioMax: 5}}]}
    matches:
      - {path: {type: Exact, value: /a/}, method: POST, headers: [{name: X-A, value: B}]}
      - {path: {value: /b/}}
`);
    const { services: _services, routes, ...rest } = config;
    assert.deepEqual(rest, {
      listen: { host: '::', port: 0 },
      admin: { host: '::1', port: 9000, hosts: ['sluice.internal', 'fd00::1'] },
      adminTokenHash: createHash('sha256').update('sixteen-visible-characters').digest('hex'),
      workers: 3,
      color: { ...DEFAULT_COLOR, header: 'x-stage', acceptFrom: 'anyone' },
      overload: { priorityHeader: 'x-priority' },
      saturation: DEFAULT_SATURATION,
      http: { absoluteForm: 'rewrite', pathNormalization: 'strict', serverTiming: true },
      accessLog: { sampleRatio: 0.01 },
      trustedProxies: ['10.0.0.1/32', 'fd00::/8'],
      limits: {
        requestLineBytesMax: 4096,
        headBytesMax: 8192,
        headerCountMax: 1,
        trailerBytesMax: 4096,
        trailerCountMax: 0,
        bodyBytesMax: 0,
        bodyRateMin: 1024,
        connectionsMax: 2,
        endpointConnectionsMax: 3,
        endpointPendingMax: 0,
        requestsPerConnectionMax: 4,
        replayBodyBytesMax: 1_048_576,
        staleBytesMax: 2_097_152,
        compareBytesMax: 3_145_728,
        endpointSessionsMax: 5,
        sessionStreamsMax: 6,
        http2StreamsMax: 7,
        http2AbuseMax: 70,
      },
      timeouts: {
        headMs: 1,
        idleMs: 2,
        bodyIdleMs: 3,
        connectMs: 4,
        firstByteMs: 5,
        pendingMs: 6,
        upstreamIdleMs: 7,
        upstreamLifetimeMs: 8,
        dnsMs: 9,
        upgradeIdleMs: 10,
        streamIdleMs: 11,
        upstreamPingMs: 1000,
      },
      drain: { delayMs: 0, timeoutMs: 90_000 },
      state: { directory: '/var/lib/sluice' },
      revisions: { keep: 5, bytesMax: 2_097_152, watchMs: 0 },
      fleet: null,
    });
    const { name: _name, backendRefs: _refs, ...route } = routes[0] ?? assert.fail();
    assert.deepEqual(route, {
      hostnames: ['a.example', '*.b.example'],
      matches: [
        {
          path: { type: 'Exact', value: '/a/' },
          method: 'POST',
          headers: [{ name: 'x-a', type: 'Exact', value: 'B' }],
          query: [],
        },
        { path: { type: 'PathPrefix', value: '/b' }, method: null, headers: [], query: [] },
      ],
      sticky: { header: 'x-user', cookie: 'Sid', clientIp: true },
      requestTimeoutMs: 2000,
      retry: DEFAULT_RETRY,
      filters: NO_FILTERS,
      upgrade: DEFAULT_UPGRADE,
      slo: {
        ...DEFAULT_SLO,
        availabilityRatio: 0.99,
        latency: { thresholdMs: 300, targetRatio: 0.95 },
        calendar: null,
      },
      rollout: {
        stable: 'v1',
        canary: 'v2',
        alpha: 0.01,
        toleratedRatio: 2,
        badMin: 5,
        absoluteFloor: 0.001,
        latencyTolerance: 0.5,
        latencyFloorMs: 20,
        promotion: { beta: 0.01, ratioMax: 2, errorRatioMax: 0.02 },
        plan: null,
        shadows: [
          {
            name: 'bold',
            alpha: 0.1,
            toleratedRatio: 2,
            badMin: 5,
            absoluteFloor: 0.001,
            promotion: { beta: 0.01, ratioMax: 5, errorRatioMax: 0.02 },
          },
        ],
        rescue: true,
        rescuePinned: false,
      },
      priority: 'critical',
      rateLimits: [],
    });
  });

  test('a rollout has its defaults', () => {
    assert.deepEqual(configOf(SOUND_ROLLOUT).routes[0]?.rollout, {
      stable: 'v1',
      canary: 'v2',
      alpha: 0.001,
      toleratedRatio: 1.5,
      badMin: 3,
      absoluteFloor: null,
      latencyTolerance: 0.1,
      latencyFloorMs: 5,
      promotion: { beta: 0.05, ratioMax: 3, errorRatioMax: null },
      plan: null,
      shadows: [],
      rescue: true,
      rescuePinned: false,
    });
  });

  test('a version that is left out is the only one of the service; a weight is 1', () => {
    const config = configOf(SOUND.replace(/ {6}v2:.*\n/, '').replace(/ {6}- \{name[^]*/, '      - {name: shop}\n'));
    assert.deepEqual(config.routes[0]?.backendRefs, [{ service: 'shop', version: 'v1', weight: 1 }]);
  });

  test('the order of services and versions in the document does not matter', () => {
    const swapped = SOUND.replace(/( {6}v1:.*\n)( {6}v2:.*\n)/, '$2$1');
    assert.notEqual(swapped, SOUND);
    assert.deepEqual(configOf(swapped), configOf(SOUND));
  });

  test('a document that was not checked is a programmer’s error', () => {
    const routes = [{ name: 'r', backendRefs: [{ name: 'toString' }] }];
    assert.throws(() => buildConfig({ services: {}, routes }), /was not checked/);
  });
});
