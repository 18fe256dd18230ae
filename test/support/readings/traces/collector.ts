/**
 * A collector of traces: a real HTTP server that takes OTLP as protobuf, and decodes of it what tests look at.
 *
 * Source: opentelemetry-proto, `trace/v1/trace.proto` and `common/v1/common.proto`; protobuf encoding.
 */

import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { TestContext } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { until } from '../../gateway.ts';
import { listenLoopback } from '../../plane.ts';

export type Value = string | number | boolean | Value[];

export interface SeenSpan {
  readonly traceId: string;
  readonly spanId: string;
  /** Empty: it is a root. */
  readonly parentId: string;
  readonly name: string;
  /** 1 internal, 2 server, 3 client. */
  readonly kind: number;
  readonly attributes: Readonly<Record<string, Value>>;
  /** 0 unset, 2 error. */
  readonly status: number;
  readonly startedAtNs: bigint;
  readonly endedAtNs: bigint;
  readonly links: readonly string[];
  readonly resource: Readonly<Record<string, Value>>;
}

/** How it answers: takes spans, refuses them, or keeps silent. */
export type Mood = 'takes' | 'refuses' | 'silent';

export interface TestCollector {
  readonly url: string;
  readonly spans: SeenSpan[];
  /** Whole messages, to look for what must not be in them. */
  readonly messages: Buffer[];
  readonly headers: IncomingHttpHeaders[];
  readonly paths: string[];
  mood: Mood;
  /** Messages that came, whatever became of them. */
  asked: number;
  /** Resolves with the spans that pass, once there are so many. */
  wait(count: number, passes?: (span: SeenSpan) => boolean): Promise<SeenSpan[]>;
}

/** Starts one on a free port; the test ends it. */
export async function startCollector(t: Pick<TestContext, 'after'>): Promise<TestCollector> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      collector.asked++;
      if (collector.mood === 'silent') return;
      const isTaken = collector.mood === 'takes';
      if (isTaken) {
        const body = Buffer.concat(chunks);
        const message = request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body;
        collector.headers.push(request.headers);
        collector.paths.push(request.url ?? '');
        collector.messages.push(message);
        collector.spans.push(...decode(message));
      }
      response.writeHead(isTaken ? 200 : 400, { 'content-type': 'application/x-protobuf' }).end();
    });
  });
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const port = await listenLoopback(server);
  const collector: TestCollector = {
    url: `http://127.0.0.1:${port}`,
    spans: [],
    messages: [],
    headers: [],
    paths: [],
    mood: 'takes',
    asked: 0,
    wait: async (count, passes = () => true) => {
      const passing = (): SeenSpan[] => collector.spans.filter(passes);
      await until(`${count} spans are exported`, () => passing().length >= count);
      return passing();
    },
  };
  return collector;
}

/** One field of a message: a number for varints, bytes for the rest. */
type Field = readonly [id: number, value: bigint | Buffer];

function fieldsOf(bytes: Buffer): Field[] {
  const fields: Field[] = [];
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++] as number;
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const key = Number(varint());
    const [id, form] = [key >> 3, key & 7];
    if (form === 0) fields.push([id, varint()]);
    else {
      const length = form === 1 ? 8 : form === 5 ? 4 : Number(varint());
      fields.push([id, bytes.subarray(at, at + length)]);
      at += length;
    }
  }
  return fields;
}

function all(bytes: Buffer, id: number): Buffer[] {
  return fieldsOf(bytes).flatMap(([field, value]) => (field === id ? [value as Buffer] : []));
}

function one(bytes: Buffer, id: number): Buffer {
  return all(bytes, id)[0] ?? Buffer.alloc(0);
}

function numberAt(bytes: Buffer, id: number): number {
  return Number(fieldsOf(bytes).find(([field]) => field === id)?.[1] ?? 0);
}

function decode(message: Buffer): SeenSpan[] {
  return all(message, 1).flatMap((ofResource) => {
    const resource = attributesOf(one(ofResource, 1), 1);
    return all(ofResource, 2).flatMap((scope) => all(scope, 2).map((span) => spanOf(span, resource)));
  });
}

function spanOf(span: Buffer, resource: SeenSpan['resource']): SeenSpan {
  return {
    traceId: one(span, 1).toString('hex'),
    spanId: one(span, 2).toString('hex'),
    parentId: one(span, 4).toString('hex'),
    name: one(span, 5).toString(),
    kind: numberAt(span, 6),
    startedAtNs: one(span, 7).readBigUInt64LE(),
    endedAtNs: one(span, 8).readBigUInt64LE(),
    attributes: attributesOf(span, 9),
    links: all(span, 13).map((link) => `${one(link, 1).toString('hex')}-${one(link, 2).toString('hex')}`),
    status: numberAt(one(span, 15), 3),
    resource,
  };
}

function attributesOf(bytes: Buffer, id: number): Record<string, Value> {
  return Object.fromEntries(all(bytes, id).map((pair) => [one(pair, 1).toString(), valueOf(one(pair, 2))]));
}

function valueOf(any: Buffer): Value {
  const [id, value] = fieldsOf(any)[0] ?? [0, 0n];
  if (id === 1) return (value as Buffer).toString();
  if (id === 2) return value === 1n;
  if (id === 3) return Number(value);
  if (id === 4) return (value as Buffer).readDoubleLE();
  if (id === 5) return all(value as Buffer, 1).map(valueOf);
  throw new Error(`a value of kind ${id}`);
}
