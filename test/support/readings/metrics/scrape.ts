/**
 * One scrape of the metrics page over sample readings, parsed.
 */

import { createMetrics } from '#src/export/metrics.ts';
import type { MetricsSource } from '#src/export/source.ts';
import { REASON_COUNT } from '#src/model/reason.ts';
import type { EndpointStatus, RolloutStatus, Status } from '#src/model/status.ts';
import { sampleActive, sampleChannelStatus } from '../alerts.ts';
import { cellOf, sampleTraffic } from '../cells.ts';
import { sampleFleet } from '../fleet.ts';
import { sampleMirror, sampleRoute, sampleSlo, sampleSource, sampleStatus, sampleVersion } from '../status.ts';
import { type ParsedFamily, type ParsedSample, parseExposition } from './exposition.ts';

/** What differs; the status has the routes and objectives. */
export type SourceChanges = Partial<Omit<MetricsSource, 'status'>> & { readonly status?: () => Status };

/** A gateway with one canary that was rolled back. */
export function sourceOf({ status = sampleStatus, ...changes }: SourceChanges = {}): MetricsSource {
  return {
    generation: () => 1,
    status,
    routes: () => status().routes,
    slos: () => status().slos,
    rollouts: () =>
      new Map(status().routes.flatMap(({ name, rollout }) => (rollout === null ? [] : [[name, rollout]]))),
    exemplars: () => [],
    traffic: () => [sampleTraffic()],
    refused: () => new Uint32Array(REASON_COUNT).fill(3),
    rollbacks: () => [{ route: 'checkout', version: 'v2', count: 1 }],
    handshakes: () => [3, 2, 1],
    proxyHeaders: () => [1, 2],
    http2: () => [4, 5, 6],
    colors: () => ({ tokens: [7, 1], signatures: [5, 2, 1] }),
    accessLosses: () => ({ queueFull: 5, failureRate: 6, stream: 7 }),
    ratesForgotten: () => 8,
    samplesLost: () => 9,
    injected: () => [],
    viewers: () => ({ clients: 0, refused: 0, dropped: 0 }),
    staleBytes: () => 4096,
    ...changes,
  };
}

const LIMITED = {
  admission: { limit: 8, inFlight: 3, queued: 1 },
  breaker: { open: 1, halfOpen: 0 },
  sessions: 1,
  mended: 1,
  mirrored: { sent: 1, skipped: 1, failed: 1 },
  fallbacks: { stale: 1, service: 1, static: 1 },
  retries: { made: 1, hedged: 1, skipped: 1 },
  rescued: { good: 1, bad: 1, ignored: 1, skipped: 1 },
};

/** A gateway that has everything there are metrics of. */
export function fullSource(): MetricsSource {
  const cell = { ...cellOf([3, 20], 300), ...LIMITED, streams: [1, 0, 0, 0, 0, 0, 0], streamSeconds: 1 };
  const versions = ['v1', 'v2'].map((version) => ({ service: 'checkout', version, hasBreaker: true, cell }));
  const parts = { success: 0.9, latency: null };
  const score = { now: 0.8, atLeastRatio: 0.9, parts, isBelow: true, value: { asked: 40, served: 30 } };
  const endpoint = {
    address: '127.0.0.1:7001',
    requests: 9,
    bad: 1,
    connectFailures: 1,
    connections: 2,
    capacityRatio: 1,
    ejections: 1,
    panics: 1,
    inFlight: 1,
  } as unknown as EndpointStatus;
  const rollout = sampleRoute().rollout as RolloutStatus;
  const staple = { nextUpdate: '2026-11-30T00:00:00.000Z', because: '' };
  const certificate = { names: ['a'], notAfter: '2026-12-01T00:00:00.000Z', expiresInMs: 1, staple };
  const listener = {
    address: '0.0.0.0:443',
    state: 'serving',
    because: '',
    clientAuth: 'off',
    certificates: [certificate],
  } as const;
  const counts = Object.fromEntries(
    [
      'executed',
      'replayed',
      'conflicts',
      'mismatches',
      'unavailable',
      'waited',
      'kept',
      'released',
      'evicted',
      'storeFailures',
    ].map((name) => [name, 1]),
  );
  return sourceOf({
    traffic: () => [sampleTraffic({ cell, versions })],
    injected: () => [{ route: 'checkout', kind: 'delay', count: 1 }],
    status: () =>
      sampleStatus({
        routes: [
          sampleRoute({
            versions: [
              sampleVersion({ endpoints: [endpoint], downstream: { kept: 1, lost: 1, lostRatio: 0.5, sentence: '' } }),
            ],
            rollout: { ...rollout, next: 'in 5 s' },
          }),
        ],
        slos: [sampleSlo(), sampleSlo({ indicator: 'composite', score })],
        sources: [sampleSource()],
        fleet: sampleFleet(),
        tracing: {
          url: 'http://c',
          because: '',
          queued: 1,
          counts: { exported: 1, failed: 1, dropped: { queueFull: 1, worker: 1, failureRate: 1 } },
        } as unknown as Status['tracing'],
        alerts: { active: [sampleActive()], activeCount: 1, dropped: 1, channels: [sampleChannelStatus()] },
        tls: { listeners: [listener], upstreamsFailed: [], reloads: { done: 1, failed: 0 } },
        signatures: { refused: { unsigned: 1 }, reloads: { done: 1, failed: 0 } } as unknown as Status['signatures'],
        mirrors: [sampleMirror()],
        idempotency: { mode: 'shared', entries: 1, bytes: 1, running: 1, counts } as unknown as Status['idempotency'],
      }),
  });
}

export async function scrape(changes: SourceChanges = {}): Promise<Map<string, ParsedFamily>> {
  return parseExposition((await createMetrics(sourceOf(changes)).page()).body);
}

/** `a=x b=y 1` per sample of a family, labels and lines sorted. */
export function series(families: Map<string, ParsedFamily>, name: string): string[] {
  const show = ({ labels, value }: ParsedSample) =>
    [
      ...Object.keys(labels)
        .sort()
        .map((key) => `${key}=${labels[key]}`),
      value,
    ].join(' ');
  return (families.get(name)?.samples ?? []).map(show).sort();
}
