import assert from 'node:assert/strict';
import { test } from 'node:test';
import { JuteReader, JuteWriter } from '#src/sources/stores/zookeeper/jute.ts';

test('what is written is read again, behind its length', () => {
  const writer = new JuteWriter()
    .int(-2)
    .long(-3n)
    .boolean(true)
    .bytes(Buffer.of(1, 2))
    .text('ü')
    .int(2)
    .text('a')
    .text('');
  const frame = writer.frame();
  assert.equal(frame.readInt32BE(), frame.length - 4);
  const reader = new JuteReader(frame.subarray(4));
  assert.deepEqual([reader.int(), reader.long()], [-2, -3n]);
  const flag = new JuteReader(frame.subarray(4 + 12, 4 + 13));
  assert.throws(() => flag.int(), /ends too soon/);
});

test('text, bytes and lists are read by their lengths; none of them is empty', () => {
  const frame = new JuteWriter().text('ü').bytes(Buffer.of(7)).int(2).text('a').text('b').int(-1).int(-1).frame();
  const reader = new JuteReader(frame.subarray(4));
  assert.deepEqual(
    [reader.text(), [...reader.bytes()], reader.texts(), reader.texts(), reader.text()],
    ['ü', [7], ['a', 'b'], [], ''],
  );
});

test('a frame that ends before its value is refused, whatever its lengths say', () => {
  for (const bytes of [[], [0, 0, 0], [0, 0, 0, 5, 1], [127, 255, 255, 255]]) {
    assert.throws(() => new JuteReader(Buffer.from(bytes)).text(), /ends too soon/);
  }
  assert.throws(() => new JuteReader(Buffer.of(127, 255, 255, 255, 0, 0, 0, 0)).texts(), /ends too soon/);
});
