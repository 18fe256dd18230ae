/** Any sequence of calls on both ends of a wire: no crash, no leak, no byte lost or doubled, no report that breaks the rules. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { openSockets } from '../../support/proxy/wires/sockets.ts';
import { End, openGate, rounds } from '../../support/proxy/wires/wires.ts';

const RUNS = process.env['SLUICE_TEST_DEPTH'] === 'full' ? 2000 : 100;
const MEMORY_BYTES = 1000;
const BIG_BYTES = 4_194_304;

const CALLS = ['text', 'bytes', 'soon', 'big', 'nothing', 'pause', 'resume', 'end', 'close', 'reset', 'turn'] as const;
type Call = (typeof CALLS)[number];

/** One end, what was written on it, and a call it makes within its next report. */
interface Side {
  readonly end: End;
  written: Buffer[];
  isOver: boolean;
  hasEnded: boolean;
}

const step = fc.record({
  side: fc.nat(1),
  call: fc.constantFrom(...CALLS),
  /** Made from within the next report instead of at once. */
  isWithin: fc.boolean(),
});

function make(side: Side, call: Call): void {
  const { wire } = side.end;
  const write = (bytes: Buffer): void => {
    if (!side.isOver && !side.hasEnded) side.written.push(bytes);
  };
  switch (call) {
    case 'text':
      write(Buffer.from('some text'));
      wire.writeText('some text');
      break;
    case 'bytes':
    case 'big':
    case 'nothing': {
      const bytes = Buffer.alloc(call === 'big' ? BIG_BYTES : call === 'bytes' ? 3000 : 0, side.written.length);
      write(bytes);
      wire.writeBytes(bytes, 0, bytes.length);
      break;
    }
    case 'soon': {
      const bytes = Buffer.alloc(3000, side.written.length);
      write(Buffer.from(bytes));
      if (wire.writeSoon(bytes, 0, bytes.length)) bytes.fill('x');
      break;
    }
    case 'turn':
      break;
    default:
      if (call === 'end') side.hasEnded = true;
      if (call === 'close' || call === 'reset') side.isOver = true;
      wire[call]();
  }
}

/** What may be reported: at most one end, at most one error, nothing after it, nothing after closing. */
function assertRules(news: readonly string[]): void {
  const errors = news.filter((what) => /^E[A-Z]+$/.test(what));
  assert.ok(errors.length <= 1 && (errors.length === 0 || news.at(-1) === errors[0]), news.join());
  const end = news.indexOf('ended');
  assert.ok(end < 0 || !news.slice(end + 1).some((what) => what === 'ended' || what === 'received'), news.join());
}

/** What arrived is the beginning of what was written, and all of it if both ended regularly. */
function assertBytes(from: Side, to: Side): void {
  const written = Buffer.concat(from.written);
  const { bytes } = to.end;
  assert.ok(bytes.equals(written.subarray(0, bytes.length)), `${bytes.length} of ${written.length} bytes differ`);
  const isRegular = to.end.news.includes('ended') && from.hasEnded && !from.isOver;
  if (isRegular) assert.equal(bytes.length, written.length);
}

it('wires keep their promises whatever is called on both ends', async () => {
  const gate = await openGate();
  const sequences = fc.array(step, { minLength: 1, maxLength: 14 });
  const property = fc.asyncProperty(sequences, async (steps) => {
    const [left, right] = await gate.pair();
    const sides = [left, right].map(
      (handle): Side => ({ end: new End(handle, MEMORY_BYTES), written: [], isOver: false, hasEnded: false }),
    ) as [Side, Side];
    for (const { side: n, call, isWithin } of steps) {
      const side = sides[n] as Side;
      if (call === 'turn') await rounds(1);
      else if (!isWithin) make(side, call);
      else {
        side.end.onNews = () => {
          side.end.onNews = () => undefined;
          make(side, call);
        };
      }
    }
    for (const { end } of sides) end.wire.resume();
    await rounds(8);
    for (const [a, b] of [sides, [...sides].reverse() as [Side, Side]]) {
      assertRules(a.end.news);
      assertBytes(a, b);
    }
    for (const { end } of sides) end.wire.close();
    const before = sides.map(({ end }) => end.news.length);
    await rounds(4);
    assert.deepEqual(
      sides.map(({ end }) => end.news.length),
      before,
    );
    for (const { end } of sides) assert.equal(end.wire.waitingBytes, 0);
  });
  await fc.assert(property, { numRuns: RUNS });
  gate.close();
  await rounds(4);
  assert.equal(openSockets(), 0);
});
