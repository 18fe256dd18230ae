/**
 * Writes pages as protobuf: `io.prometheus.client.MetricFamily` messages, each behind its length. Histograms that have counts
 * of `lib/histogram.ts` are native ones as well (`native.ts`), with their classic buckets beside them.
 *
 * A family's length stands before it, so a family is ready as a whole; its metrics wait in pieces. Families without a sample
 * are left out. docs/adr/0034-native-histograms.md says why `pbf` writes the bytes.
 * Source: Prometheus, client_model, metrics.proto.
 */

import { PbfWriter } from 'pbf';
import type { Bucket, Exemplar, Family, HistogramValue, Labels, Sample } from '../family.ts';
import { unitOf } from './names.ts';
import { type Native, nativeOf, type Span } from './native.ts';
import type { PageWriter } from './writer.ts';

/** Fields by message. */
const FAMILY = { name: 1, help: 2, type: 3, metric: 4, unit: 5 } as const;
const METRIC = { label: 1, gauge: 2, counter: 3, histogram: 7 } as const;
const PAIR = { name: 1, value: 2 } as const;
const NUMBER = { value: 1 } as const;
const HISTOGRAM = {
  count: 1,
  sum: 2,
  bucket: 3,
  schema: 5,
  zeroThreshold: 6,
  zeroCount: 7,
  positiveSpan: 12,
  positiveDelta: 13,
} as const;
const BUCKET = { cumulativeCount: 1, upperBound: 2, exemplar: 3 } as const;
const SPAN = { offset: 1, length: 2 } as const;
const EXEMPLAR = { label: 1, value: 2, timestamp: 3 } as const;
const TIMESTAMP = { seconds: 1, nanos: 2 } as const;
/** Numbers of the enumeration MetricType. */
const TYPES: Readonly<Record<Family['type'], number>> = { counter: 0, gauge: 1, info: 1, histogram: 4 };
/** Metrics are put aside in pieces of this size. */
const PIECE_BYTES = 65_536;

/** A page of messages. */
export class ProtobufWriter implements PageWriter {
  readonly #pbf = new PbfWriter(new Uint8Array(2 * PIECE_BYTES));
  /** Labels that many samples share, as they are written. */
  readonly #shared = new WeakMap<Labels, Uint8Array>();
  #family: Pick<Family, 'name' | 'help' | 'type'> = { name: '', help: '', type: 'gauge' };
  /** Metrics of the family that is being written. */
  #pieces: Buffer[] = [];
  #pieceBytes = 0;
  #ready: Buffer[] = [];
  #readyBytes = 0;

  get waitingBytes(): number {
    return this.#readyBytes;
  }

  begin(family: Pick<Family, 'name' | 'help' | 'type'>): void {
    this.#family = family;
  }

  sample(sample: Sample): void {
    this.#pbf.writeMessage(FAMILY.metric, this.#writeMetric, sample);
    if (this.#pbf.pos >= PIECE_BYTES) this.#putAside();
  }

  readonly #writeMetric = ({ labels, shared, value }: Sample, pbf: PbfWriter): void => {
    writeLabels(labels, pbf);
    if (shared !== undefined) append(this.#bytesOf(shared), pbf);
    if (typeof value !== 'number') pbf.writeMessage(METRIC.histogram, writeHistogram, value);
    else pbf.writeMessage(this.#family.type === 'counter' ? METRIC.counter : METRIC.gauge, writeNumber, value);
  };

  #bytesOf(shared: Labels): Uint8Array {
    let bytes = this.#shared.get(shared);
    if (bytes === undefined) {
      const pbf = new PbfWriter(new Uint8Array(64));
      writeLabels(shared, pbf);
      bytes = pbf.finish();
      this.#shared.set(shared, bytes);
    }
    return bytes;
  }

  #putAside(): void {
    // What `finish` gives is the writer's own memory, which the next piece is written into.
    const piece = Buffer.from(this.#pbf.finish());
    this.#pbf.length = this.#pbf.buf.length;
    this.#pieces.push(piece);
    this.#pieceBytes += piece.length;
  }

  end(): void {
    if (this.#pbf.pos > 0) this.#putAside();
    if (this.#pieces.length === 0) return;
    const head = headOf(this.#family);
    const length = new PbfWriter(new Uint8Array(16));
    length.writeVarint(head.length + this.#pieceBytes);
    const message = [Buffer.from(length.finish()), head, ...this.#pieces];
    this.#ready.push(...message);
    for (const { length: bytes } of message) this.#readyBytes += bytes;
    this.#pieces = [];
    this.#pieceBytes = 0;
  }

  close(): void {
    // The page ends where its last message ends.
  }

  take(): Buffer[] {
    const ready = this.#ready;
    this.#ready = [];
    this.#readyBytes = 0;
    return ready;
  }
}

function headOf({ name, help, type }: Pick<Family, 'name' | 'help' | 'type'>): Buffer {
  const pbf = new PbfWriter();
  pbf.writeStringField(FAMILY.name, name);
  pbf.writeStringField(FAMILY.help, help);
  pbf.writeVarintField(FAMILY.type, TYPES[type]);
  const unit = unitOf(name);
  if (unit !== '') pbf.writeStringField(FAMILY.unit, unit);
  return Buffer.from(pbf.finish());
}

/** Writes what is written already. */
function append(bytes: Uint8Array, pbf: PbfWriter): void {
  pbf.realloc(bytes.length);
  pbf.buf.set(bytes, pbf.pos);
  pbf.pos += bytes.length;
}

function writeLabels(labels: Labels, pbf: PbfWriter): void {
  for (const name in labels) pbf.writeMessage(METRIC.label, writePair, [name, String(labels[name])]);
}

function writePair([name, value]: readonly [string, string], pbf: PbfWriter): void {
  pbf.writeStringField(PAIR.name, name);
  pbf.writeStringField(PAIR.value, value);
}

function writeNumber(value: number, pbf: PbfWriter): void {
  pbf.writeDoubleField(NUMBER.value, value);
}

/** The counts of one histogram agree: those of the native one were taken in the same moment as the classic buckets. */
function writeHistogram({ buckets, sum, counts }: HistogramValue, pbf: PbfWriter): void {
  pbf.writeVarintField(HISTOGRAM.count, buckets.at(-1)?.count ?? 0);
  pbf.writeDoubleField(HISTOGRAM.sum, sum);
  for (const bucket of buckets) pbf.writeMessage(HISTOGRAM.bucket, writeBucket, bucket);
  if (counts !== undefined) writeNative(nativeOf(counts), pbf);
}

function writeBucket({ count, le, exemplar }: Bucket, pbf: PbfWriter): void {
  pbf.writeVarintField(BUCKET.cumulativeCount, count);
  pbf.writeDoubleField(BUCKET.upperBound, le);
  if (exemplar !== undefined) pbf.writeMessage(BUCKET.exemplar, writeExemplar, exemplar);
}

function writeNative({ schema, zeroThreshold, zeroCount, spans, deltas }: Native, pbf: PbfWriter): void {
  pbf.writeSVarintField(HISTOGRAM.schema, schema);
  pbf.writeDoubleField(HISTOGRAM.zeroThreshold, zeroThreshold);
  pbf.writeVarintField(HISTOGRAM.zeroCount, zeroCount);
  // Without a bucket, a span of nothing says that the histogram is a native one.
  for (const span of spans.length === 0 ? [{ offset: 0, length: 0 }] : spans) {
    pbf.writeMessage(HISTOGRAM.positiveSpan, writeSpan, span);
  }
  pbf.writePackedSVarint(HISTOGRAM.positiveDelta, deltas as number[]);
}

function writeSpan({ offset, length }: Span, pbf: PbfWriter): void {
  pbf.writeSVarintField(SPAN.offset, offset);
  pbf.writeVarintField(SPAN.length, length);
}

function writeExemplar({ label, id, value, atSeconds }: Exemplar, pbf: PbfWriter): void {
  pbf.writeMessage(EXEMPLAR.label, writePair, [label, id]);
  pbf.writeDoubleField(EXEMPLAR.value, value);
  pbf.writeMessage(EXEMPLAR.timestamp, writeTimestamp, atSeconds);
}

function writeTimestamp(seconds: number, pbf: PbfWriter): void {
  const whole = Math.floor(seconds);
  pbf.writeVarintField(TIMESTAMP.seconds, whole);
  pbf.writeVarintField(TIMESTAMP.nanos, Math.floor((seconds - whole) * 1e9));
}
