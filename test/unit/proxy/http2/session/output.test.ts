/** What a session says leaves once a round, whole, and nobody else's memory comes of it. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Output, putHead } from '#src/proxy/http2/session/output.ts';
import { FakeWire, framesIn } from '../../../../support/proxy/wires/own-session.ts';

const round = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function outputOf(): { wire: FakeWire; output: Output; say: (length: number, fill?: number) => void } {
  const wire = new FakeWire();
  const output = new Output(wire);
  const say = (length: number, fill = 7): void => {
    const into = output.frame(length, 0, 0, 1);
    into.fill(fill, output.end, output.end + length);
    output.end += length;
  };
  return { wire, output, say };
}

const lengths = (wire: FakeWire): number[] =>
  framesIn(Buffer.concat(wire.written)).map(({ payload }) => payload.length);

describe('what is said', () => {
  it('in a round leaves at its end, in one write', async () => {
    const { wire, output, say } = outputOf();
    for (const length of [0, 1, 100]) say(length);
    assert.deepEqual([wire.written.length, output.waitingBytes], [0, 128]);
    await round();
    assert.deepEqual([wire.written.length, output.waitingBytes], [1, 0]);
    say(5);
    await round();
    assert.deepEqual([wire.written.length, lengths(wire)], [2, [0, 1, 100, 5]]);
  });

  it('grows from little to much, and leaves earlier when that is full', async () => {
    const { wire, say } = outputOf();
    for (let n = 0; n < 20; n++) say(16_384, n);
    assert.ok(wire.written.length > 0);
    await round();
    assert.deepEqual(lengths(wire), new Array(20).fill(16_384));
    const fills = framesIn(Buffer.concat(wire.written)).map(({ payload }) => [payload[0], payload[16_383]]);
    assert.deepEqual(
      fills,
      Array.from({ length: 20 }, (_, n) => [n, n]),
    );
  });

  it('stays as it is while the kernel has not taken it', () => {
    const { wire, output, say } = outputOf();
    const kept: Buffer[] = [];
    wire.isFull = true;
    wire.writeBytes = (bytes, from, end) => {
      kept.push(bytes.subarray(from, end));
      wire.waitingBytes += end - from;
    };
    for (let n = 1; n <= 3; n++) {
      say(100, n);
      output.flush();
    }
    assert.equal(output.isHeldUp, true);
    const other = outputOf();
    other.say(100, 9);
    other.output.flush();
    assert.deepEqual(
      kept.map((bytes) => bytes[50]),
      [1, 2, 3],
    );
  });

  it('behind the end is dropped', async () => {
    const { wire, output, say } = outputOf();
    say(1);
    output.close();
    say(2);
    output.flush();
    await round();
    assert.deepEqual(lengths(wire), [1]);
  });

  it('is not sent when it is dropped, and nothing behind it', async () => {
    const { wire, output, say } = outputOf();
    say(1);
    output.drop();
    say(2);
    output.flush();
    await round();
    assert.deepEqual(lengths(wire), []);
  });

  it('may be written already', async () => {
    const { wire, output } = outputOf();
    const whole = Buffer.alloc(9);
    putHead(whole, 0, { length: 0, type: 4, flags: 1, id: 0 });
    output.put(whole);
    await round();
    assert.equal(wire.written[0]?.toString('hex'), '000000040100000000');
  });
});
