import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { createFrames } from '#src/cli/live/frames.ts';

function framesOn(terminal: { columns?: number; rows?: number } | null) {
  const writes: string[] = [];
  const output = { write: (text: string) => writes.push(text), on: () => undefined };
  return { writes, frames: createFrames(terminal === null ? output : { ...output, isTTY: true, ...terminal }) };
}

suite('frames', () => {
  test('on a terminal each is one write over the one before, and nothing is cleared in between', () => {
    const { writes, frames } = framesOn({ columns: 20, rows: 10 });
    frames.show(['one', 'two']);
    frames.show(['three']);
    frames.end();
    assert.deepEqual(writes, [
      '\u001b[?25l\u001b[2J\u001b[Hone\u001b[K\ntwo\u001b[K\n\u001b[J',
      '\u001b[Hthree\u001b[K\n\u001b[J',
      '\u001b[?25h',
    ]);
  });

  test('what a terminal has no room for is cut, and said', () => {
    const { writes, frames } = framesOn({ columns: 4, rows: 4 });
    frames.show(['abcdef', '2', '3', '4', '5']);
    assert.match(writes[0] ?? '', /Habcd\u001b\[K\n2\u001b\[K\n… 3 \u001b\[K\n\u001b\[J$/);
    const small = framesOn({});
    small.frames.show(['x'.repeat(200)]);
    assert.match(small.writes[0] ?? '', /Hx{80}\u001b\[K/);
  });

  test('what stands in a line moves no cursor and begins no line', () => {
    for (const terminal of [{ columns: 80, rows: 10 }, null]) {
      const { writes, frames } = framesOn(terminal);
      frames.show(['name\u001b[2J\u009b1A\r\nroute forged']);
      assert.equal(writes.length, 1);
      assert.ok(writes[0]?.includes('name\ufffd[2J\ufffd1A\ufffd\ufffdroute forged'));
    }
  });

  test('elsewhere only lines are told that were not there before, without any control character', () => {
    const { writes, frames } = framesOn(null);
    frames.show(['a', 'b']);
    frames.show(['a', 'c', 'b']);
    frames.show(['a', 'c', 'b']);
    frames.show(['a']);
    frames.show(['a', 'c']);
    frames.end();
    assert.deepEqual(writes, ['a\nb\n', 'c\n', 'c\n']);
  });
});
