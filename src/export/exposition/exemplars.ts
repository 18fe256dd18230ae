/**
 * Exemplars: for each version of a route one known request in every range of latencies, from what the access log records.
 *
 * Nothing is recorded for them: requests that the workers hand over to be logged (`proxy/record/access-log.ts`) are looked
 * at once more on the control thread, so they are a sample as large as the log's, with all failures. While the log is off
 * there are none. The id is the trace's, if the request belonged to one, else the request's own.
 *
 * Bounded: `SERIES_MAX` versions of routes, of which the one that was heard of least recently makes room; a label and its
 * value of at most `CHARS_MAX` characters together, as OpenMetrics asks, and no exemplar of a longer one.
 * Source: OpenMetrics 1.0, "Exemplars".
 */

import type { AccessRecord } from '../../model/threads/requests/access.ts';
import type { Bucket, Exemplar } from '../family.ts';
import { BOUNDS_SECONDS } from './buckets.ts';

/** Versions of routes that have exemplars: 2 MB at most. */
export const SERIES_MAX = 1000;
export const CHARS_MAX = 128;

/** By number of the boundary that they are at or below. */
type Slots = (Exemplar | undefined)[];

const NO_EXEMPLARS: readonly Exemplar[] = [];

/** The newest exemplars. */
export class Exemplars {
  readonly #bySeries = new Map<string, Slots>();

  /** @param offsetMs wall clock minus the records' clock */
  take(records: readonly AccessRecord[], offsetMs: number): void {
    for (const record of records) this.#keep(record, offsetMs);
  }

  /** Of a version on a route, in rising order of their values. */
  of(route: string, version: string): readonly Exemplar[] {
    return this.#bySeries.get(keyOf(route, version))?.filter((one) => one !== undefined) ?? NO_EXEMPLARS;
  }

  #keep(record: AccessRecord, offsetMs: number): void {
    const durationMs = record[1];
    const traceId = record[4];
    const route = record[11];
    const version = record[12];
    const id = traceId ?? record[3];
    if (route === null || version === null || id === null) return;
    const label = traceId === null ? 'request_id' : 'trace_id';
    if (label.length + id.length > CHARS_MAX) return;
    const value = (record[24] ?? durationMs) / 1000;
    const atSeconds = (record[0] + durationMs + offsetMs) / 1000;
    this.#slots(keyOf(route, version))[slotOf(value)] = { label, id, value, atSeconds };
  }

  /** Those of a series, which is the newest from now on. */
  #slots(key: string): Slots {
    const slots = this.#bySeries.get(key) ?? new Array<Exemplar | undefined>(BOUNDS_SECONDS.length + 1).fill(undefined);
    this.#bySeries.delete(key);
    this.#bySeries.set(key, slots);
    if (this.#bySeries.size > SERIES_MAX) this.#bySeries.delete(this.#bySeries.keys().next().value as string);
    return slots;
  }
}

/** Names of routes and versions have no line feed. */
function keyOf(route: string, version: string): string {
  return `${route}\n${version}`;
}

function slotOf(seconds: number): number {
  const slot = BOUNDS_SECONDS.findIndex((bound) => seconds <= bound);
  return slot === -1 ? BOUNDS_SECONDS.length : slot;
}

/**
 * The same buckets, with each exemplar in the one that its value belongs to. A bucket that counted nothing has none: the request
 * was not to be counted, or stands in the neighbor because a boundary lies within a bucket of the tallies.
 * @param exemplars in rising order of their values
 */
export function withExemplars(buckets: readonly Bucket[], exemplars: readonly Exemplar[]): readonly Bucket[] {
  if (exemplars.length === 0) return buckets;
  let below = -Infinity;
  let countBelow = 0;
  return buckets.map((bucket) => {
    const { le, count } = bucket;
    const exemplar = count > countBelow ? exemplars.findLast(({ value }) => value > below && value <= le) : undefined;
    below = le;
    countBelow = count;
    return exemplar === undefined ? bucket : { ...bucket, exemplar };
  });
}
