import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { Random } from '#src/lib/random.ts';
import { closeFrame, FrameScanner, maskedCloseFrame } from '#src/proxy/upgrade/frames.ts';

/** A frame by the book. */
function frameOf(opcode: number, length: number, mask: boolean): Buffer {
  const bit = mask ? 0x80 : 0;
  const sized = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const header = Buffer.alloc(2 + sized + (mask ? 4 : 0));
  header[0] = 0x80 | opcode;
  header[1] = bit | (sized === 0 ? length : sized === 2 ? 126 : 127);
  if (sized === 2) header.writeUInt16BE(length, 2);
  if (sized === 8) header.writeBigUInt64BE(BigInt(length), 2);
  // 0x88 everywhere: a payload taken for a header would show.
  return Buffer.concat([header, Buffer.alloc(length, 0x88)]);
}

const LENGTHS = [0, 1, 125, 126, 127, 65_535, 65_536, 70_000];

suite('frames', () => {
  test('frames of every shape end where they end, however they are cut', () => {
    const seed = 20_260;
    const random = new Random(seed);
    for (let round = 0; round < 40; round++) {
      const frames = Array.from({ length: 5 }, () =>
        frameOf(
          random.nextUint32() % 8,
          LENGTHS[random.nextUint32() % LENGTHS.length] as number,
          random.nextUint32() % 2 === 0,
        ),
      );
      const bytes = Buffer.concat(frames);
      const ends = new Set<number>([0]);
      let end = 0;
      for (const frame of frames) ends.add((end += frame.length));
      const scanner = new FrameScanner();
      for (let at = 0; at < bytes.length; ) {
        const next = Math.min(bytes.length, at + 1 + (random.nextUint32() % 30_000));
        assert.equal(scanner.scan(bytes.subarray(at, next), false), next - at);
        assert.equal(scanner.isBetween, ends.has(next), `seed ${seed}, round ${round}, at ${next}`);
        at = next;
      }
      assert.equal(scanner.sawClose, false);
    }
  });

  test('told to, it stops at the first place between two frames', () => {
    const first = frameOf(2, 300, true);
    const bytes = Buffer.concat([first, frameOf(1, 5, false)]);
    const scanner = new FrameScanner();
    assert.equal(scanner.scan(bytes.subarray(0, 7), true), 0);
    assert.equal(scanner.scan(bytes.subarray(0, 7), false), 7);
    assert.equal(scanner.scan(bytes.subarray(7), true), first.length - 7);
    assert.equal(scanner.isBetween, true);
  });

  test('a close frame is noticed once its header is complete, fragments of a message or not', () => {
    const scanner = new FrameScanner();
    scanner.scan(Buffer.concat([frameOf(1, 3, true), frameOf(9, 0, true)]), false);
    const close = frameOf(8, 2, true);
    scanner.scan(close.subarray(0, 5), false);
    assert.equal(scanner.sawClose, false);
    scanner.scan(close.subarray(5, 6), false);
    assert.equal(scanner.sawClose, true);
  });

  test('a length of 2^53 or more never ends', () => {
    const scanner = new FrameScanner();
    scanner.scan(Buffer.from([0x82, 127, 0, 32, 0, 0, 0, 0, 0, 0]), false);
    scanner.scan(Buffer.alloc(1000), false);
    assert.equal(scanner.isBetween, false);
  });

  test('both close frames say 1001, one of them masked', () => {
    assert.deepEqual([...closeFrame()], [0x88, 2, 0x03, 0xe9]);
    const masked = maskedCloseFrame(0xf1020304);
    assert.deepEqual([...masked.subarray(0, 6)], [0x88, 0x82, 0xf1, 2, 3, 4]);
    assert.deepEqual([(masked[6] as number) ^ 0xf1, (masked[7] as number) ^ 2], [0x03, 0xe9]);
    const scanner = new FrameScanner();
    scanner.scan(masked, false);
    assert.deepEqual([scanner.sawClose, scanner.isBetween, masked.length], [true, true, 8]);
  });

  test('the status of the first close frame is read, masked or not, however it is cut', () => {
    for (const frame of [closeFrame(1012), maskedCloseFrame(0x89abcdef, 1012)]) {
      for (let cut = 0; cut <= frame.length; cut++) {
        const scanner = new FrameScanner();
        const bytes = Buffer.concat([frameOf(1, 3, true), frame, closeFrame(1000)]);
        scanner.scan(bytes.subarray(0, 9 + cut), false);
        assert.equal(scanner.sawClose && scanner.closeCode === 1012, cut === frame.length, `cut ${cut}`);
        scanner.scan(bytes.subarray(9 + cut), false);
        assert.deepEqual([scanner.closeCode, scanner.isBetween], [1012, true]);
      }
    }
    const empty = new FrameScanner();
    empty.scan(Buffer.from([0x88, 0, 0x88, 1, 7]), false);
    assert.deepEqual([empty.sawClose, empty.closeCode, empty.isBetween], [true, 0, true]);
  });
});
