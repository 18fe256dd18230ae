/**
 * Bodies that pass through a plane both ways, told by their hashes: nothing of them is kept, so they may be long.
 *
 * A body is a course over one pool of random bytes, so that both sides know it without having it. Up and down go one
 * after the other, or both at once: then the upstream answers while it still reads.
 */

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { Readable, Writable } from 'node:stream';
import type { TestContext } from 'node:test';
import fc from 'fast-check';
import { Random } from '#src/lib/random.ts';
import type { TestPlane } from '../plane.ts';
import { httpUpstreamOf, oneVersion, planeOf } from './running.ts';

const MIB = 1_048_576;
/** Above this a slow reader waits until everything that can be buffered is. */
const LONG_BYTES = 2 * MIB;
const STANDSTILL_MS = 300;
/** Most writes of one body, so that a run stays short. */
const WRITES_MAX = 200;

/** Random bytes that bodies repeat from their own offset on. */
const POOL = Buffer.alloc(MIB);
const random = new Random(1);
for (let i = 0; i < POOL.length; i += 4) POOL.writeUInt32LE(random.nextUint32(), i);

/** One direction of one exchange. */
export interface Course {
  /** Where in the pool the body begins. */
  readonly at: number;
  readonly size: number;
  /** Sizes of the writes, over and over. */
  readonly pieces: readonly number[];
  readonly isChunked: boolean;
  /** The writer lets the event loop turn between writes. */
  readonly isSlowWriter: boolean;
  /** The reader takes little at a time. */
  readonly isSlowReader: boolean;
}

/** Courses of sizes up to `bytesMax`, with those at which buffers end among them. */
export function coursesUpTo(bytesMax: number): fc.Arbitrary<Course> {
  const size = fc.oneof(
    { weight: 2, arbitrary: fc.integer({ min: 0, max: 40 }) },
    { weight: 3, arbitrary: fc.integer({ min: 0, max: 70_000 }) },
    { weight: 2, arbitrary: fc.integer({ min: 0, max: bytesMax }) },
    { weight: 1, arbitrary: fc.constantFrom(16_383, 16_384, 16_385, 65_535, 65_536, 65_537, 131_072) },
  );
  return fc.record({
    at: fc.nat({ max: MIB - 1 }),
    size,
    pieces: fc.array(fc.integer({ min: 1, max: 200_000 }), { minLength: 1, maxLength: 4 }),
    isChunked: fc.boolean(),
    isSlowWriter: fc.boolean(),
    isSlowReader: fc.boolean(),
  });
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** The pieces of a course's body. */
function* partsOf({ at, size, pieces }: Course): Generator<Buffer> {
  const least = Math.ceil(size / WRITES_MAX);
  for (let from = 0, n = 0; from < size; n++) {
    const start = (at + from) % MIB;
    const wanted = Math.max(least, pieces[n % pieces.length] as number);
    const part = POOL.subarray(start, Math.min(MIB, start + Math.min(wanted, size - from)));
    yield part;
    from += part.length;
  }
}

/** Length and SHA-1 of a body, in words. */
export function nameOf(course: Course): string {
  const hash = createHash('sha1');
  for (const part of partsOf(course)) hash.update(part);
  return `${course.size} bytes ${hash.digest('hex')}`;
}

async function write(stream: Writable, course: Course): Promise<void> {
  for (const part of partsOf(course)) {
    if (!stream.write(part)) await once(stream, 'drain');
    if (course.isSlowWriter) await turn();
  }
  stream.end();
}

/** Reads a body; a slow reader of a long one begins when the writer has nothing left to do but wait. */
async function read(stream: Readable, course: Course): Promise<string> {
  const hash = createHash('sha1');
  let size = 0;
  if (course.isSlowReader && course.size > LONG_BYTES)
    await new Promise((resolve) => setTimeout(resolve, STANDSTILL_MS));
  for await (const part of stream) {
    size += (part as Buffer).length;
    hash.update(part as Buffer);
    if (course.isSlowReader) for (let i = 0; i < 3; i++) await turn();
  }
  return `${size} bytes ${hash.digest('hex')}`;
}

function framing(course: Course): Record<string, string | number> {
  return course.isChunked ? { 'Transfer-Encoding': 'chunked' } : { 'Content-Length': course.size };
}

/** What one exchange is to be. */
export interface Passage {
  readonly up: Course;
  readonly down: Course;
  /** The answer begins before the request has ended. */
  readonly isTogether: boolean;
}

export interface Mirror {
  readonly plane: TestPlane;
  /** Of the upstream. */
  readonly port: number;
  /** Sends one body up and one down; both must arrive as they were sent. */
  readonly assertPasses: (passage: Passage) => Promise<void>;
}

/** A plane whose upstream reads and answers as the passage at hand says. */
export async function mirrorOf(t: TestContext): Promise<Mirror> {
  let now: Passage;
  let received = '';
  const answer = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const reading = read(incoming, now.up).then((name) => (received = name));
    if (!now.isTogether) await reading;
    response.writeHead(200, framing(now.down));
    // Its end waits for the request's: a whole answer ends an exchange.
    await Promise.all([reading, now.isTogether ? writeUntil(response, now.down, reading) : write(response, now.down)]);
  };
  const port = await httpUpstreamOf(t, (incoming, response) => {
    answer(incoming, response).catch((error: unknown) => response.destroy(error as Error));
  });
  const plane = await planeOf(t, oneVersion(port));
  const exchange = async ({ up, down }: Passage): Promise<string> => {
    const outgoing: ClientRequest = request({ port: plane.port, method: 'POST', headers: framing(up), agent: false });
    const answered = (once(outgoing, 'response') as Promise<[IncomingMessage]>).then(async ([response]) => {
      assert.equal(response.statusCode, 200);
      return read(response, down);
    });
    const [name] = await Promise.all([answered, write(outgoing, up)]);
    return name;
  };
  return {
    plane,
    port,
    assertPasses: async (passage) => {
      now = passage;
      const answered = await exchange(passage);
      assert.equal(received, nameOf(passage.up), 'up');
      assert.equal(answered, nameOf(passage.down), 'down');
    },
  };
}

/** Writes all but the last part, waits, and ends. */
async function writeUntil(stream: Writable, course: Course, until: Promise<unknown>): Promise<void> {
  let last: Buffer | null = null;
  for (const part of partsOf(course)) {
    if (last !== null && !stream.write(last)) await once(stream, 'drain');
    last = part;
    if (course.isSlowWriter) await turn();
  }
  await until;
  stream.end(last ?? undefined);
}
