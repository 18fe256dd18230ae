/**
 * What each endpoint did since the last look: the increase of its words over all workers.
 *
 * Counters wrap at 2^32; differences are taken modulo that. A worker that is new counts from zero; what one that left
 * counted since the last look is lost, a tick's worth, which no judgement notices.
 * Cost: one load per endpoint and worker while nothing happens, eight bytes per word kept.
 */

import { deltaOf, ENDPOINT, ENDPOINT_WORDS, ENDPOINTS_MAX, type Tallies } from '../model/tallies.ts';
import { PROBE_RESULTS, type ProbeResult } from '../model/threads/load/capacity.ts';

/** Tallies of one worker's life. `id` is never used again: a successor gets a new one. */
export interface Region {
  readonly id: number;
  readonly tallies: Tallies;
}

/** The increase of one endpoint's words. */
export interface Sample {
  good: number;
  bad: number;
  /** Longest row of failures, up to now, in a worker that saw another one since the last look. */
  inRow: number;
  answered: number;
  waitedMs: number;
}

/** What came of a probe, as a worker wrote it. */
export interface ProbeReport {
  readonly number: number;
  readonly result: ProbeResult;
}

/** Words kept of each endpoint: finished, good, bad, answered. */
const LAST_WORDS = 4;

interface Last {
  readonly id: number;
  readonly tallies: Tallies;
  readonly words: Int32Array;
  readonly waitedMs: Float64Array;
}

export class SampleReader {
  #regions: readonly Region[] = [];
  #lasts: readonly Last[] = [];

  /** Takes in which workers are alive. */
  follow(regions: readonly Region[]): void {
    if (regions === this.#regions) return;
    this.#regions = regions;
    this.#lasts = regions.map((region) => this.#lasts.find(({ id }) => id === region.id) ?? fresh(region));
  }

  /** Writes the increase of an endpoint's words since the last reading to `out`. False when there was none. */
  read(endpoint: number, out: Sample): boolean {
    out.good = 0;
    out.bad = 0;
    out.inRow = 0;
    out.answered = 0;
    out.waitedMs = 0;
    let isNew = false;
    for (const last of this.#lasts) isNew = take(last, endpoint, out) || isNew;
    return isNew;
  }

  /** What came of the latest probe of an endpoint in each worker that made one, however long ago. */
  probes(endpoint: number): ProbeReport[] {
    return this.#lasts.flatMap(({ tallies }) => {
      const word = Atomics.load(tallies.endpoints, endpoint * ENDPOINT_WORDS + ENDPOINT.probe);
      const result = (word % PROBE_RESULTS) as ProbeResult;
      return word === 0 ? [] : [{ number: (word - result) / PROBE_RESULTS, result }];
    });
  }
}

function fresh({ id, tallies }: Region): Last {
  const words = new Int32Array(ENDPOINTS_MAX * LAST_WORDS);
  return { id, tallies, words, waitedMs: new Float64Array(ENDPOINTS_MAX) };
}

/** `finished` tells whether anything ended; an answer that is still streaming is counted when it ends. */
function take({ tallies, words, waitedMs }: Last, endpoint: number, out: Sample): boolean {
  const base = endpoint * ENDPOINT_WORDS;
  const last = endpoint * LAST_WORDS;
  const finished = Atomics.load(tallies.endpoints, base + ENDPOINT.finished);
  if (finished === words[last]) return false;
  words[last] = finished;
  const good = Atomics.load(tallies.endpoints, base + ENDPOINT.good);
  const bad = Atomics.load(tallies.endpoints, base + ENDPOINT.bad);
  const answered = Atomics.load(tallies.endpoints, base + ENDPOINT.answered);
  const waited = tallies.endpointFloats[(base + ENDPOINT.waitedMs) >> 1] as number;
  const failures = deltaOf(bad, words[last + 2] as number);
  out.good += deltaOf(good, words[last + 1] as number);
  out.bad += failures;
  if (failures > 0) out.inRow = Math.max(out.inRow, Atomics.load(tallies.endpoints, base + ENDPOINT.consecutive));
  out.answered += deltaOf(answered, words[last + 3] as number);
  out.waitedMs += waited - (waitedMs[endpoint] as number);
  words[last + 1] = good;
  words[last + 2] = bad;
  words[last + 3] = answered;
  waitedMs[endpoint] = waited;
  return true;
}
