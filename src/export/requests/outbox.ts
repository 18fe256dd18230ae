/**
 * What waits to be exported, handed over in batches, one at a time.
 *
 * ```
 * take, decided ─▸ queue (at most `queueMax`, the rest is dropped and counted) ─▸ batch ─▸ send ─▸ exported │ failed
 * ```
 * A batch that the collector does not take is lost and counted, and the next one waits for the next turn: nothing here
 * ever holds up who hands something over. Requests that failed are remembered by their ids for decisions that name them.
 */

import type { DecisionNote, TraceBatch, TraceRow, TracingCounts } from '../../model/threads/requests/tracing.ts';
import { decisionSpan, failureOf, type Span, type SpanRef, spansOf } from './spans.ts';

/** Requests at a time; with their attempts some 600 spans, 0.5 MB. */
export const BATCH_ITEMS = 256;
/** Requests that are remembered for decisions, those that ended last: decisions name far fewer. */
export const REMEMBERED_MAX = 4096;

type Item = { readonly row: TraceRow } | { readonly note: DecisionNote };

export interface OutboxDeps {
  /** Resolves when the collector has taken them. Rejects, at the latest after its own time, when it has not. */
  readonly send: (spans: readonly Span[]) => Promise<void>;
  /** Wall clock minus the rows' clock, in ms. */
  readonly offsetMs: () => number;
  /** Ids that no other span has. */
  readonly newRef: () => SpanRef;
  readonly queueMax: number;
}

/** What is known of the exports so far. */
export interface OutboxState {
  readonly queued: number;
  readonly because: string;
  readonly counts: TracingCounts;
}

export class Outbox {
  readonly #deps: OutboxDeps;
  /** More than this is dropped. */
  queueMax: number;
  #queue: Item[] = [];
  #sending: Promise<void> | null = null;
  readonly #remembered = new Map<string, SpanRef>();
  #exported = 0;
  #failed = 0;
  #queueFull = 0;
  #failureRate = 0;
  #worker = 0;
  #because = '';

  constructor(deps: OutboxDeps) {
    this.#deps = deps;
    this.queueMax = deps.queueMax;
  }

  get state(): OutboxState {
    const dropped = { queueFull: this.#queueFull, failureRate: this.#failureRate, worker: this.#worker };
    const counts = { exported: this.#exported, failed: this.#failed, dropped };
    return { queued: this.#queue.length, because: this.#because, counts };
  }

  /** A worker's batch. */
  take({ rows, queueFull, failureRate }: TraceBatch): void {
    this.#worker += queueFull;
    this.#failureRate += failureRate;
    for (const row of rows) {
      this.#remember(row);
      this.#add({ row });
    }
    if (this.#queue.length >= BATCH_ITEMS) this.turn();
  }

  /** Whether all of these requests are here, or were: a decision that names them can be linked to them. */
  knows(requestIds: readonly string[]): boolean {
    return requestIds.every((id) => this.#remembered.has(keyOf(id)));
  }

  /** A decision, once the requests that led to it are here. */
  decided(note: DecisionNote): void {
    this.#add({ note });
  }

  /** Hands over what waits, unless a batch is on its way. Call it now and then. */
  turn(): void {
    if (this.#sending !== null || this.#queue.length === 0) return;
    this.#sending = this.#sendAll().finally(() => {
      this.#sending = null;
    });
  }

  /** Hands over everything; resolves when the collector took it, or would not. */
  async flush(): Promise<void> {
    await this.#sending;
    this.turn();
    await this.#sending;
  }

  /** Batch by batch, up to the first that fails. */
  async #sendAll(): Promise<void> {
    while (this.#queue.length > 0) {
      const items = this.#queue.splice(0, BATCH_ITEMS);
      const offsetMs = this.#deps.offsetMs();
      const spans = items.flatMap((item) => ('row' in item ? spansOf(item.row, offsetMs) : this.#spanOf(item.note)));
      try {
        await this.#deps.send(spans);
        this.#exported += spans.length;
        this.#because = '';
      } catch (error) {
        this.#failed += spans.length;
        this.#because = (error instanceof Error ? error.message : String(error)) || 'the collector did not take it';
        return;
      }
    }
  }

  #spanOf(note: DecisionNote): Span {
    const links = note.requestIds.flatMap((id) => this.#remembered.get(keyOf(id)) ?? []);
    return decisionSpan(note, this.#deps.newRef(), links);
  }

  #add(item: Item): void {
    if (this.#queue.length >= this.queueMax) this.#queueFull++;
    else this.#queue.push(item);
  }

  #remember(row: TraceRow): void {
    const failed = failureOf(row);
    if (failed === null) return;
    const key = keyOf(failed.requestId);
    this.#remembered.delete(key);
    this.#remembered.set(key, failed.ref);
    if (this.#remembered.size > REMEMBERED_MAX) {
      this.#remembered.delete(this.#remembered.keys().next().value as string);
    }
  }
}

/** Decisions name requests by digits alone. */
function keyOf(requestId: string): string {
  return requestId.replaceAll('-', '').toLowerCase();
}
