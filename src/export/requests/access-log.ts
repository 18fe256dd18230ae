/**
 * Writes the access log: one JSON object per line on stdout, fields as in docs/ACCESS-LOG.md.
 *
 * A line is printable ASCII: whatever a client sent, it can neither break a line nor steer a terminal. No failure of the
 * stream ends or blocks the process (`lib/sink.ts`). What was not written is counted by cause and said in the log, at
 * most once per `REPORT_MS`.
 */

import { isoTime, nowMs, wallTime } from '../../lib/clock.ts';
import type { Log } from '../../lib/log.ts';
import { type LineSink, openSink } from '../../lib/sink.ts';
import { asciiOf } from '../../lib/text/ascii.ts';
import { reasonRow } from '../../model/reason.ts';
import type { AccessBatch, AccessRecord } from '../../model/threads/requests/access.ts';
import { Exemplars } from '../exposition/exemplars.ts';
import type { AccessLosses } from '../source.ts';
import { Samples } from './samples.ts';

const STDOUT_FD = 1;
/** Lines that wait for a slow reader, in bytes: 2 s of 10,000 lines a second. */
const QUEUE_BYTES_MAX = 8 * 1024 * 1024;
const REPORT_MS = 10_000;

/** What the writer stands on. */
export interface AccessLogOptions {
  readonly log: Pick<Log, 'warn'>;
  /** Default: stdout, opened with the first line. */
  readonly sink?: LineSink;
  /** Wall clock minus the records' clock, in ms. Default: the system's. */
  readonly offsetMs?: () => number;
}

function systemOffsetMs(): number {
  return Date.parse(wallTime()) - nowMs();
}

/** The main thread's side of the access log. */
export class AccessLogWriter {
  /** Of the records, for the metrics page. */
  readonly exemplars = new Exemplars();
  /** Requests that missed objectives, whether the log is on or not. */
  readonly samples = new Samples();
  readonly #log: Pick<Log, 'warn'>;
  readonly #offsetMs: () => number;
  #sink: LineSink | null;
  #queueFull = 0;
  #failureRate = 0;
  /** Lost lines that were reported. */
  #reported = 0;
  #report: NodeJS.Timeout | null = null;

  constructor({ log, sink, offsetMs }: AccessLogOptions) {
    this.#log = log;
    this.#sink = sink ?? null;
    this.#offsetMs = offsetMs ?? systemOffsetMs;
  }

  /** Writes a worker's batch. Never throws, never blocks. */
  take(batch: AccessBatch): void {
    this.#queueFull += batch.queueFull;
    this.#failureRate += batch.failureRate;
    if (batch.samples !== undefined) this.samples.take(batch.samples, this.#offsetMs());
    if (batch.records.length > 0) {
      this.#sink ??= openSink(STDOUT_FD, undefined, QUEUE_BYTES_MAX);
      const offsetMs = this.#offsetMs();
      this.exemplars.take(batch.records, offsetMs);
      this.#sink.writeAll(batch.records.map((record) => accessLine(record, offsetMs)));
    }
    if (this.#lost() === this.#reported || this.#report !== null) return;
    this.#say();
    this.#report = setTimeout(() => {
      this.#report = null;
      if (this.#lost() > this.#reported) this.#say();
    }, REPORT_MS).unref();
  }

  /** Lines not written since the start, by cause. */
  losses(): AccessLosses {
    const stream = this.#sink?.losses().lines ?? 0;
    return { queueFull: this.#queueFull, failureRate: this.#failureRate, stream };
  }

  /** Resolves when everything is written, at the latest after `timeoutMs`; says what was lost since it last did. */
  async flush(timeoutMs: number): Promise<void> {
    await this.#sink?.flush(timeoutMs);
    if (this.#report !== null) clearTimeout(this.#report);
    this.#report = null;
    if (this.#lost() > this.#reported) this.#say();
  }

  #lost(): number {
    const { queueFull, failureRate, stream } = this.losses();
    return queueFull + failureRate + stream;
  }

  #say(): void {
    const lost = this.#lost();
    const streamError = this.#sink?.losses().lastCode ?? '';
    this.#log.warn('access_log_dropped', { lines: lost - this.#reported, total: this.losses(), streamError });
    this.#reported = lost;
  }
}

/** One line, newline included. @param offsetMs wall clock minus the records' clock. */
export function accessLine(record: AccessRecord, offsetMs: number): string {
  return `${asciiOf(JSON.stringify(accessFields(record, offsetMs)))}\n`;
}

/**
 * The fields of a line, which are those of docs/ACCESS-LOG.md, in order. By index: taking 24 values out of a record one after the
 * other, as destructuring does, was half of a line's price.
 */
export function accessFields(record: AccessRecord, offsetMs: number) {
  const ttfbMs = record[2];
  const experiments = record[23];
  return {
    event: 'request',
    time: isoTime(record[0] + offsetMs),
    requestId: record[3],
    traceId: record[4],
    client: record[5],
    method: record[6],
    host: record[7],
    path: record[8],
    status: record[9] === 0 ? null : record[9],
    reason: reasonRow(record[10]).name,
    route: record[11],
    version: record[12],
    rescuedFrom: record[13],
    endpoint: record[14],
    attempts: record[15],
    requestBytes: record[16],
    responseBytes: record[17],
    durationMs: micros(record[1]),
    ttfbMs: ttfbMs === null ? null : micros(ttfbMs),
    userAgent: record[18],
    sampleRatio: record[19],
    fallback: record[20],
    protocol: record[21],
    idempotency: record[22],
    experiments: experiments === null ? null : Object.fromEntries(experiments),
  };
}

/** Three digits are what the clock is good for. */
function micros(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
