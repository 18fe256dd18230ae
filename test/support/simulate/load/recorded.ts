/**
 * Recorded traffic for tests.
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { REASON } from '#src/model/reason.ts';
import type { RecordedRequest, TrafficObjective } from '#src/model/threads/load/traffic.ts';

/** Midnight, UTC. */
export const TRAFFIC_MS = Date.UTC(2026, 10, 1);

/** A good answer of route checkout. */
export function recordedRequest(changes: Partial<RecordedRequest> = {}): RecordedRequest {
  return {
    endedAtMs: TRAFFIC_MS,
    route: 'checkout',
    service: null,
    version: null,
    rescuedFrom: null,
    path: null,
    status: 200,
    reason: REASON.none,
    durationMs: 10,
    user: null,
    count: 1,
    ...changes,
  };
}

/** 99.9 % of route checkout. */
export function trafficObjective(changes: Partial<TrafficObjective> = {}): TrafficObjective {
  return {
    scope: 'route',
    name: 'checkout',
    indicator: 'availability',
    targetRatio: 0.999,
    thresholdMs: null,
    ...changes,
  };
}

/** A file that goes with the test. */
export function fileWith(t: TestContext, text: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-traffic-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const file = join(directory, 'traffic.csv');
  writeFileSync(file, text);
  return file;
}
