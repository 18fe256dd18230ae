/**
 * Measures what recorded evidence costs: writing it while a canary is judged, replaying it, verifying it, and shadows.
 *
 * One rollout, 1,000 requests per second, 1 % bad, 5 % on the canary, both latencies judged. A looked-at tick is one event.
 */

import { audit } from '#src/cli/log/verify/audit.ts';
import { Random } from '#src/lib/random.ts';
import type { RolloutSpec, ShadowPolicy } from '#src/model/rollout.ts';
import type { LogLine, Segment } from '#src/model/threads/state.ts';
import { createController } from '#src/slo/controller.ts';
import { backtest } from '#src/slo/replay/backtest.ts';
import { createLatencyDials, setLatency } from '#src/snapshot/latency-dials.ts';
import { SPEC } from '../../test/support/simulate/detection.ts';
import { FakeWorker, smallTallies } from '../../test/support/simulate/worker.ts';
import type { Table } from './tables.ts';

const PER_TICK = 100;
const USERS = 20_000;
/** A history of `ticks`, recorded or not. */
function run(ticks: number, { isRecorded, shadows }: { readonly isRecorded: boolean; readonly shadows: number }) {
  const latencyDials = createLatencyDials();
  const workers = [1, 2].map((id) => new FakeWorker(id, smallTallies(), latencyDials));
  const regions = workers.map(({ region }) => region);
  const random = new Random(3);
  const segments: Segment[] = [];
  const spec: RolloutSpec = { ...SPEC, shadows: Array.from({ length: shadows }, (_, n) => shadowOf(n)) };
  let nowMs = 10_000;
  const controller = createController({
    regions: () => regions,
    rollouts: () => [spec],
    weightOf: () => 5,
    setDial: () => undefined,
    setLatency: (unit, dial) => setLatency(latencyDials, unit, dial),
    ...(isRecorded ? { tapes: (segment: Segment) => segments.push(segment) } : {}),
    nowMs: () => nowMs,
    wallTime: () => '2026-01-01T00:00:00.000Z',
  });
  const times = new Float64Array(ticks);
  for (let tick = 0; tick < ticks; tick++) {
    nowMs += 100;
    for (let n = 0; n < PER_TICK; n++) {
      const { cell, unit } = random.nextUint32() % 20 === 0 ? SPEC.canary : SPEC.stable;
      const [user, isBad] = [random.nextUint32() % USERS, random.nextUint32() % 100 === 0];
      const tookMs = 5 + 40 * random.nextFloat() ** 4;
      (workers[n & 1] as FakeWorker).finish({ cell, unit, user, isBad, nowMs: nowMs - 50, tookMs });
    }
    const startedMs = performance.now();
    controller.tick(nowMs);
    times[tick] = 1000 * (performance.now() - startedMs);
  }
  controller.seal();
  return { segments, micros: times.sort()[ticks >> 1] as number };
}

function shadowOf(n: number): ShadowPolicy {
  const { alpha, toleratedRatio, badMin, absoluteFloor, promotion } = SPEC;
  return { name: `shadow ${n}`, alpha: alpha / (n + 2), toleratedRatio, badMin, absoluteFloor, promotion };
}

/** One short recording, told `times` over as if it were so many tapes. */
function* repeated(segments: readonly Segment[], times: number): Generator<Segment> {
  for (let n = 0; n < times; n++) for (const segment of segments) yield { ...segment, watch: `${segment.watch}/${n}` };
}

function* asLines(segments: Iterable<Segment>): Generator<LogLine> {
  for (const segment of segments) yield { kind: 'segment', ...segment };
}

/** Processor time, which others on the machine do not change much. */
function secondsOf(what: () => number): string {
  const started = process.cpuUsage();
  const events = what();
  const { user, system } = process.cpuUsage(started);
  return `${((user + system) / 1e6).toFixed(1)} s for ${events.toLocaleString('en-US')} ticks`;
}

/** @param ticks of the median tick; ten times a tenth of `events` is replayed and verified */
export function evidenceCosts(ticks: number, events: number): Table {
  const median = (isRecorded: boolean, shadows: number): string => {
    return `${run(ticks, { isRecorded, shadows }).micros.toFixed(1)} us`;
  };
  median(true, 4);
  const { segments } = run(events / 10, { isRecorded: true, shadows: 0 });
  const bytes = segments.reduce((sum, segment) => sum + segment.bytes.length, 0);
  const all = () => repeated(segments, 10);
  return {
    title: 'Evidence: writing it down, replaying it, verifying it',
    head: ['what', 'cost'],
    rows: [
      ['a tick, nothing recorded', median(false, 0)],
      ['recorded', median(true, 0)],
      ['recorded, with a shadow', median(true, 1)],
      ['recorded, with four shadows', median(true, 4)],
      ['bytes of tape per tick', (bytes / (events / 10)).toFixed(1)],
      ['replay', secondsOf(() => backtest(all(), [], (spec) => spec).ticks)],
      ['replay under another alpha', secondsOf(() => backtest(all(), [], (spec) => ({ ...spec, alpha: 0.01 })).ticks)],
      ['verification', secondsOf(() => audit(asLines(all())).looks)],
    ],
  };
}
