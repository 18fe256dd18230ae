/**
 * Reads metric families from protobuf, for checking what is exported: only the fields that the gateway writes, and any other
 * one is an error.
 */

import assert from 'node:assert/strict';
import { PbfReader } from 'pbf';

export interface ReadExemplar {
  labels: Record<string, string>;
  value: number;
  seconds: number;
}

export interface ReadMetric {
  labels: Record<string, string>;
  value?: number;
  count?: number;
  sum?: number;
  buckets: { count: number; le: number; exemplar?: ReadExemplar }[];
  schema?: number;
  zeroThreshold?: number;
  zeroCount?: number;
  spans: { offset: number; length: number }[];
  deltas: number[];
}

export interface ReadFamily {
  name: string;
  help: string;
  type: number;
  unit: string;
  metrics: ReadMetric[];
}

type Fields<T> = Readonly<Record<number, (into: T, pbf: PbfReader) => void>>;

function read<T>(pbf: PbfReader, into: T, fields: Fields<T>): T {
  const end = pbf.readVarint() + pbf.pos;
  while (pbf.pos < end) {
    const tag = pbf.readVarint();
    const field = fields[tag >> 3];
    assert.ok(field !== undefined, `field ${tag >> 3}`);
    field(into, pbf);
  }
  assert.equal(pbf.pos, end);
  return into;
}

function labelInto(labels: Record<string, string>, pbf: PbfReader): void {
  const pair = read(
    pbf,
    { name: '', value: '' },
    {
      1: (into, from) => (into.name = from.readString()),
      2: (into, from) => (into.value = from.readString()),
    },
  );
  assert.ok(!(pair.name in labels), `label ${pair.name} twice`);
  labels[pair.name] = pair.value;
}

const EXEMPLAR: Fields<ReadExemplar> = {
  1: (into, pbf) => labelInto(into.labels, pbf),
  2: (into, pbf) => (into.value = pbf.readDouble()),
  3: (into, pbf) => {
    read(pbf, into, {
      1: (one, from) => (one.seconds += from.readVarint()),
      2: (one, from) => (one.seconds += from.readVarint() / 1e9),
    });
  },
};

const HISTOGRAM: Fields<ReadMetric> = {
  1: (into, pbf) => (into.count = pbf.readVarint()),
  2: (into, pbf) => (into.sum = pbf.readDouble()),
  3: (into, pbf) => {
    const bucket: ReadMetric['buckets'][number] = { count: 0, le: Number.NaN };
    read(pbf, bucket, {
      1: (one, from) => (one.count = from.readVarint()),
      2: (one, from) => (one.le = from.readDouble()),
      3: (one, from) => (one.exemplar = read(from, { labels: {}, value: 0, seconds: 0 }, EXEMPLAR)),
    });
    into.buckets.push(bucket);
  },
  5: (into, pbf) => (into.schema = pbf.readSVarint()),
  6: (into, pbf) => (into.zeroThreshold = pbf.readDouble()),
  7: (into, pbf) => (into.zeroCount = pbf.readVarint()),
  12: (into, pbf) => {
    const span = { offset: 0, length: 0 };
    into.spans.push(
      read(pbf, span, {
        1: (one, from) => (one.offset = from.readSVarint()),
        2: (one, from) => (one.length = from.readVarint()),
      }),
    );
  },
  13: (into, pbf) => {
    const end = pbf.readVarint() + pbf.pos;
    while (pbf.pos < end) into.deltas.push(pbf.readSVarint());
  },
};

const NUMBER: Fields<ReadMetric> = { 1: (into, pbf) => (into.value = pbf.readDouble()) };

const METRIC: Fields<ReadMetric> = {
  1: (into, pbf) => labelInto(into.labels, pbf),
  2: (into, pbf) => read(pbf, into, NUMBER),
  3: (into, pbf) => read(pbf, into, NUMBER),
  7: (into, pbf) => read(pbf, into, HISTOGRAM),
};

const FAMILY: Fields<ReadFamily> = {
  1: (into, pbf) => (into.name = pbf.readString()),
  2: (into, pbf) => (into.help = pbf.readString()),
  3: (into, pbf) => (into.type = pbf.readVarint()),
  4: (into, pbf) => into.metrics.push(read(pbf, { labels: {}, buckets: [], spans: [], deltas: [] }, METRIC)),
  5: (into, pbf) => (into.unit = pbf.readString()),
};

/** All families of a page. Fails on anything that is not exactly right. */
export function readFamilies(bytes: Uint8Array): ReadFamily[] {
  const pbf = new PbfReader(bytes);
  const families: ReadFamily[] = [];
  while (pbf.pos < bytes.length)
    families.push(read(pbf, { name: '', help: '', type: -1, unit: '', metrics: [] }, FAMILY));
  assert.equal(pbf.pos, bytes.length);
  return families;
}

/** The buckets of a native histogram. */
interface Buckets {
  readonly spans: readonly { readonly offset: number; readonly length: number }[];
  readonly deltas: readonly number[];
}

/** Counts by index of the bucket. */
export function countsOf({ spans, deltas }: Buckets): Map<number, number> {
  const counts = new Map<number, number>();
  let index = 0;
  let count = 0;
  let n = 0;
  for (const { offset, length } of spans) {
    index += offset;
    for (let k = 0; k < length; k++) {
      count += deltas[n++] as number;
      if (count !== 0) counts.set(index, count);
      index += 1;
    }
  }
  assert.equal(n, deltas.length, 'a delta for every bucket');
  return counts;
}
