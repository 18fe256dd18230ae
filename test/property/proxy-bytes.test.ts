/** Bytes in are bytes out: any sizes and chunkings, both framings, both directions, with slow readers and writers. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { Readable, Writable } from 'node:stream';
import { describe, it, type TestContext } from 'node:test';
import fc from 'fast-check';
import { Random } from '#src/lib/random.ts';
import { CELL } from '#src/model/tallies.ts';
import type { TestPlane } from '../support/plane.ts';
import { assertQuiet, FIRST_CELL, httpUpstreamOf, oneVersion, planeOf, ROUTE_CELL } from '../support/proxy/running.ts';

const BYTES_MAX = 2 * 1_048_576;
/** More than the buffers of two sockets on loopback. */
const LONG_BYTES = 24 * 1_048_576;
const RUNS = 40;
/** After this time everything that can be buffered is. */
const STANDSTILL_MS = 300;

/** Random bytes from which every body is a slice. */
const POOL = Buffer.alloc(LONG_BYTES + BYTES_MAX);
const random = new Random(1);
for (let i = 0; i < POOL.length; i += 4) POOL.writeUInt32LE(random.nextUint32(), i);

/** One direction of one exchange. */
interface Course {
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

const size = fc.oneof(
  { weight: 2, arbitrary: fc.integer({ min: 0, max: 40 }) },
  { weight: 3, arbitrary: fc.integer({ min: 0, max: 70_000 }) },
  { weight: 2, arbitrary: fc.integer({ min: 0, max: BYTES_MAX }) },
  { weight: 1, arbitrary: fc.constantFrom(16_383, 16_384, 16_385, 65_535, 65_536, 65_537, 131_072) },
);
const course: fc.Arbitrary<Course> = fc.record({
  at: fc.nat({ max: BYTES_MAX }),
  size,
  pieces: fc.array(fc.integer({ min: 1, max: 200_000 }), { minLength: 1, maxLength: 4 }),
  isChunked: fc.boolean(),
  isSlowWriter: fc.boolean(),
  isSlowReader: fc.boolean(),
});

interface Mirror {
  readonly plane: TestPlane;
  readonly port: number;
  /** Sends one body up and one down; both must arrive as they were sent. */
  readonly assertPasses: (up: Course, down: Course) => Promise<void>;
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function bodyOf(one: Course): Buffer {
  return POOL.subarray(one.at, one.at + one.size);
}

/** Writes a body as its course says; small pieces only for small bodies, so that a run stays short. */
async function write(stream: Writable, one: Course): Promise<void> {
  const body = bodyOf(one);
  const least = Math.ceil(one.size / 200);
  for (let from = 0, n = 0; from < body.length; n++) {
    const to = from + Math.max(least, one.pieces[n % one.pieces.length] as number);
    if (!stream.write(body.subarray(from, to))) await once(stream, 'drain');
    if (one.isSlowWriter) await turn();
    from = to;
  }
  stream.end();
}

/** Reads a body; a slow reader begins when the writer has nothing left to do but wait. */
async function read(stream: Readable, one: Course): Promise<Buffer> {
  const parts: Buffer[] = [];
  if (one.isSlowReader && one.size > BYTES_MAX) await new Promise((resolve) => setTimeout(resolve, STANDSTILL_MS));
  for await (const part of stream) {
    parts.push(part as Buffer);
    if (one.isSlowReader) for (let i = 0; i < 3; i++) await turn();
  }
  return Buffer.concat(parts);
}

function framing(one: Course): Record<string, string | number> {
  return one.isChunked ? { 'Transfer-Encoding': 'chunked' } : { 'Content-Length': one.size };
}

/** A plane whose upstream reads a body as `up` says and answers one as `down` says. */
async function mirrorOf(t: TestContext): Promise<Mirror> {
  let up: Course;
  let down: Course;
  let received: Buffer = Buffer.alloc(0);
  const answer = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    received = await read(incoming, up);
    response.writeHead(200, framing(down));
    await write(response, down);
  };
  const port = await httpUpstreamOf(t, (incoming, response) => {
    answer(incoming, response).catch((error: unknown) => response.destroy(error as Error));
  });
  const plane = await planeOf(t, oneVersion(port));
  const exchange = async (): Promise<Buffer> => {
    const headers = framing(up);
    const outgoing: ClientRequest = request({ port: plane.port, method: 'POST', headers, agent: false });
    const [answered] = await Promise.all([
      once(outgoing, 'response') as Promise<[IncomingMessage]>,
      write(outgoing, up),
    ]);
    assert.equal(answered[0].statusCode, 200);
    return read(answered[0], down);
  };
  return {
    plane,
    port,
    assertPasses: async (there, back) => {
      up = there;
      down = back;
      const answered = await exchange();
      assert.ok(received.equals(bodyOf(up)), `up: ${received.length} of ${up.size} bytes, or others`);
      assert.ok(answered.equals(bodyOf(down)), `down: ${answered.length} of ${down.size} bytes, or others`);
    },
  };
}

it('what goes in comes out, up and down', async (t) => {
  const { plane, port, assertPasses } = await mirrorOf(t);
  let asked = 0;
  await fc.assert(
    fc.asyncProperty(course, course, async (there, back) => {
      asked++;
      await assertPasses(there, back);
    }),
    { numRuns: RUNS, endOnFailure: true },
  );
  await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [port]);
  assert.equal(plane.count(FIRST_CELL, CELL.finished), asked);
});

describe('what goes in comes out when more is under way than the kernel holds', () => {
  for (const isChunked of [true, false]) {
    it(isChunked ? 'chunked' : 'of known length', async (t) => {
      const { assertPasses } = await mirrorOf(t);
      const long = { at: 0, size: LONG_BYTES, pieces: [100_000], isChunked, isSlowWriter: false, isSlowReader: true };
      await assertPasses(long, { ...long, at: 12_345 });
    });
  }
});
