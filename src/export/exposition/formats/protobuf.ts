/**
 * Writes pages as protobuf: `io.prometheus.client.MetricFamily` messages, each behind its length. Histograms that have counts
 * of `lib/histogram.ts` are native ones as well (`native.ts`), with their classic buckets beside them. Hot path of a page.
 *
 * A family's length stands before it, so a family is ready as a whole; its metrics wait in pieces, whose memory the next family
 * is written into. Families without a sample are left out. Cost: a number allocates nothing, its labels are bytes already
 * (`labels.ts`). docs/adr/0034-native-histograms.md says why `pbf` writes the bytes.
 * Source: Prometheus, client_model, metrics.proto.
 */

import { PbfWriter } from 'pbf';
import { latin1Of, putLatin1 } from '../../../lib/latin1.ts';
import type { Bucket, Exemplar, Family, FamilyHead, HistogramValue, Labels } from '../../family.ts';
import type { LabelSet } from '../labels.ts';
import { unitOf } from './names.ts';
import { type Native, nativeOf, type Span } from './native.ts';
import { type PageWriter, PIECE_BYTES } from './writer.ts';

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
/** A metric that begins below PIECE_BYTES has room for this much without a copy. */
const SLACK_BYTES = 8192;
/** Wire type of what stands behind its length. */
const BYTES = 2;
/** Of a Counter or Gauge message: its one field, a double. */
const NUMBER_BYTES = 9;
/** Of the field that has it: tag and length. */
const NUMBER_HEAD_BYTES = 2;

/** A page of messages. */
export class ProtobufWriter implements PageWriter {
  #pbf = newPiece();
  #family: FamilyHead = { name: '', help: '', type: 'gauge' };
  #valueField: number = METRIC.gauge;
  /** Pieces that are full, of the family that is being written. */
  #pieces: PbfWriter[] = [];
  /** Memory that was taken, and is written again; so much as the largest family needs. */
  #given: PbfWriter[] = [];
  #spare: PbfWriter[] = [];
  #ready: Buffer[] = [];
  #readyBytes = 0;

  get waitingBytes(): number {
    return this.#readyBytes;
  }

  begin(family: FamilyHead): void {
    this.#recycle();
    this.#family = family;
    this.#valueField = family.type === 'counter' ? METRIC.counter : METRIC.gauge;
  }

  add(labels: LabelSet, shared: LabelSet, value: number | HistogramValue): void {
    const own = (labels.message ??= messageOf(labels.pairs));
    const rest = (shared.message ??= messageOf(shared.pairs));
    const pbf = this.#pbf;
    if (typeof value === 'number') {
      pbf.writeTag(FAMILY.metric, BYTES);
      pbf.writeVarint(own.length + rest.length + NUMBER_HEAD_BYTES + NUMBER_BYTES);
      append(own, pbf);
      append(rest, pbf);
      pbf.writeTag(this.#valueField, BYTES);
      pbf.writeVarint(NUMBER_BYTES);
      pbf.writeDoubleField(NUMBER.value, value);
    } else {
      pbf.writeMessage(FAMILY.metric, writeHistogramMetric, [own, rest, value]);
    }
    if (pbf.pos >= PIECE_BYTES) this.#putAside();
  }

  #putAside(): void {
    this.#pieces.push(this.#pbf);
    this.#pbf = this.#spare.pop() ?? newPiece();
    this.#pbf.pos = 0;
  }

  end(): void {
    const pbf = this.#pbf;
    // Most families are small: what is not a whole piece is copied, so that its memory goes on at once.
    const rest = Buffer.copyBytesFrom(pbf.buf, 0, pbf.pos);
    pbf.pos = 0;
    let bytes = rest.length;
    for (const { pos } of this.#pieces) bytes += pos;
    if (bytes === 0) return;
    const head = headOf(this.#family, bytes);
    this.#ready.push(head);
    for (const { buf, pos } of this.#pieces) this.#ready.push(Buffer.from(buf.buffer, buf.byteOffset, pos));
    this.#ready.push(rest);
    this.#readyBytes += head.length + bytes;
    this.#given.push(...this.#pieces);
    this.#pieces = [];
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

  /** What was taken is done with. */
  #recycle(): void {
    if (this.#readyBytes > 0) return;
    this.#spare.push(...this.#given);
    this.#given = [];
  }
}

function newPiece(): PbfWriter {
  return new PbfWriter(Buffer.allocUnsafeSlow(PIECE_BYTES + SLACK_BYTES));
}

/** All that stands before the metrics. @param metricBytes their length */
function headOf({ name, help, type }: FamilyHead, metricBytes: number): Buffer {
  const pbf = new PbfWriter();
  pbf.writeStringField(FAMILY.name, name);
  pbf.writeStringField(FAMILY.help, help);
  pbf.writeVarintField(FAMILY.type, TYPES[type]);
  const unit = unitOf(name);
  if (unit !== '') pbf.writeStringField(FAMILY.unit, unit);
  const facts = pbf.finish();
  const length = new PbfWriter();
  length.writeVarint(facts.length + metricBytes);
  return Buffer.concat([length.finish(), facts]);
}

/** Writes what is written already. */
function append(bytes: string, pbf: PbfWriter): void {
  pbf.realloc(bytes.length);
  pbf.pos += putLatin1(bytesOf(pbf), bytes, pbf.pos);
}

/** Its memory, which is plain after it has grown. */
function bytesOf(pbf: PbfWriter): Buffer {
  if (!(pbf.buf instanceof Buffer)) pbf.buf = Buffer.from(pbf.buf.buffer);
  return pbf.buf as Buffer;
}

const scratch = newPiece();

/** Labels as bytes (`LabelSet.message`). */
function messageOf(labels: Labels): string {
  scratch.pos = 0;
  for (const name in labels) scratch.writeMessage(METRIC.label, writePair, [name, String(labels[name])]);
  return latin1Of(bytesOf(scratch), 0, scratch.pos);
}

function writePair([name, value]: readonly [string, string], pbf: PbfWriter): void {
  pbf.writeStringField(PAIR.name, name);
  pbf.writeStringField(PAIR.value, value);
}

function writeHistogramMetric([own, shared, value]: readonly [string, string, HistogramValue], pbf: PbfWriter): void {
  append(own, pbf);
  append(shared, pbf);
  pbf.writeMessage(METRIC.histogram, writeHistogram, value);
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
