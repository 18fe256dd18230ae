/**
 * A data plane whose recorder is watched: every exchange that begins and every time one ends, with its own numbers.
 */

import type { TestContext } from 'node:test';
import { nowMs } from '#src/lib/clock.ts';
import { SWEEP_MS } from '#src/lib/deadlines.ts';
import { EFFECTS } from '#src/model/reason.ts';
import { CELL, CELL_WORDS, ENDPOINT, ENDPOINT_WORDS, type Tallies } from '#src/model/tallies.ts';
import { type LinkedSplit, linkTable } from '#src/proxy/decide/table.ts';
import type { Exchange } from '#src/proxy/exchange.ts';
import type { Endpoint } from '#src/proxy/forward/endpoint.ts';
import { Endpoints } from '#src/proxy/forward/endpoints.ts';
import type { Lane } from '#src/proxy/lane.ts';
import { Listener } from '#src/proxy/listener.ts';
import { Recorder } from '#src/proxy/record/recorder.ts';
import { type PlaneSketch, sketchSnapshot } from '../plane.ts';
import { bench } from './parts.ts';
import { eventually } from './running.ts';

/** Counts on top of what the recorder does. */
class WatchedRecorder extends Recorder {
  readonly ends = new Map<Exchange, number>();
  /** The version that each was decided for, whoever answers in the end. */
  readonly decided = new Map<Exchange, LinkedSplit | null>();

  override begin(x: Exchange): void {
    super.begin(x);
    this.ends.set(x, 0);
    this.decided.set(x, x.split);
  }

  override end(x: Exchange): void {
    super.end(x);
    const before = this.ends.get(x);
    if (before !== undefined) this.ends.set(x, before + 1);
  }
}

export interface Watched {
  readonly port: number;
  readonly lane: Lane;
  readonly listener: Listener;
  /** Waits, for a bounded while, until nothing is under way; `faults` says what still is. */
  settled(): Promise<void>;
  /** `method target` of every attempt since the last `forget`. */
  begun(): string[];
  /** Starts a new book; to be called when nothing is under way. */
  forget(): void;
  /** What is wrong with the books, in words; empty when everything that began ended once and nothing is in flight. */
  faults(): string[];
}

/** Starts one; it ends with the test. */
export async function watchedPlane(t: TestContext, sketch: PlaneSketch): Promise<Watched> {
  const on = bench(sketch);
  const recorder = new WatchedRecorder(on.tallies);
  const snapshot = sketchSnapshot(sketch);
  const lane: Lane = { ...on.lane, recorder };
  const all = new Endpoints();
  const endpoints = all.update(snapshot.endpoints, lane) as readonly Endpoint[];
  lane.table = linkTable(snapshot, (index) => endpoints[index] as Endpoint, {
    capacities: on.capacities,
    random: lane.random,
  });
  const listener = new Listener(lane);
  const port = await listener.listen({ host: '127.0.0.1', port: 0, reusePort: false });
  const sweep = setInterval(() => lane.deadlines.sweep(nowMs()), SWEEP_MS);
  t.after(() => {
    clearInterval(sweep);
    listener.destroy();
    all.retireAll();
  });
  // A connection that was still being opened for an exchange that is over comes late.
  const isOver = (): boolean =>
    [...recorder.ends.values()].every((times) => times > 0) && endpointFaults(on.tallies, endpoints).length === 0;
  return {
    port,
    lane,
    listener,
    settled: () => eventually(isOver, 'every exchange is over').catch(() => undefined),
    begun: () =>
      [...recorder.ends.keys()].flatMap(({ method, target, attempts }) =>
        Array.from({ length: attempts }, () => `${method} ${target}`),
      ),
    forget: () => {
      recorder.ends.clear();
      recorder.decided.clear();
      on.tallies.cells.fill(0, 0, CELL_WORDS * 100 * sketch.routes.length);
    },
    faults: () => [
      ...faultsOf(recorder),
      ...cellFaults(on.tallies, recorder, sketch),
      ...endpointFaults(on.tallies, endpoints),
    ],
  };
}

function faultsOf(recorder: WatchedRecorder): string[] {
  return [...recorder.ends]
    .filter(([x, times]) => times !== 1 || !x.isFinished)
    .map(([x, times]) => `${x.method} ${x.target} ended ${times} times`);
}

function cellFaults(tallies: Tallies, recorder: WatchedRecorder, sketch: PlaneSketch): string[] {
  const faults: string[] = [];
  const cells = sketch.routes.flatMap(({ versions }, n) => [100 * n, ...versions.map((_, m) => 100 * n + m + 1)]);
  for (const cell of cells) {
    const word = (index: number): number => tallies.cells[cell * CELL_WORDS + index] as number;
    const begun = [...recorder.decided].filter(([x, split]) => x.route?.cell === cell || split?.cell === cell).length;
    const handedOver = [...recorder.ends.keys()].filter((x) => x.retrying?.rescuedFrom?.cell === cell).length;
    const rescued = EFFECTS.reduce((sum, _, n) => sum + word(CELL.rescues + n), 0);
    if (rescued !== handedOver) faults.push(`cell ${cell}: ${handedOver} handed over, ${rescued} counted`);
    const ended = word(CELL.finished) + word(CELL.ignored);
    if (word(CELL.inFlight) !== 0) faults.push(`cell ${cell}: ${word(CELL.inFlight)} in flight`);
    if (ended !== begun) faults.push(`cell ${cell}: ${begun} began, ${ended} ended`);
  }
  return faults;
}

/** Endpoints of one slot in the tallies are counted together. */
function endpointFaults(tallies: Tallies, endpoints: readonly Endpoint[]): string[] {
  return [...new Set(endpoints.map(({ id }) => id))].flatMap((id) => {
    const word = (index: number): number => tallies.endpoints[id * ENDPOINT_WORDS + index] as number;
    const own = endpoints.filter((endpoint) => endpoint.id === id);
    const sum = (numberOf: (endpoint: Endpoint) => number): number => own.map(numberOf).reduce((a, b) => a + b, 0);
    const open = sum(({ pool }) => pool.open);
    const counts: readonly (readonly [string, number, number])[] = [
      ['in flight', sum(({ inFlight }) => inFlight), 0],
      ['in flight in the tallies', word(ENDPOINT.inFlight), 0],
      ['waiting', sum(({ pool }) => pool.waiting), 0],
      ['open in the tallies', word(ENDPOINT.open), open],
    ];
    return counts
      .filter(([, is, shouldBe]) => is !== shouldBe)
      .map(([what, is, shouldBe]) => `${own[0]?.address}: ${is} ${what}, not ${shouldBe}`);
  });
}
