/** Answers in memory: bounded in number and bytes, what is over first, then what was asked for least recently. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { AnswerMemory, type Kept } from '#src/fleet/answers/memory.ts';

function keptOf(untilMs: number, length = 0): Kept {
  return { print: 'p', answer: { status: 200, lines: '', body: new Uint8Array(length) }, untilMs };
}

it('an answer is found until its time is over', () => {
  const memory = new AnswerMemory({ entriesMax: 10, bytesMax: 1e6 });
  assert.equal(memory.put('a', keptOf(100), 0), true);
  assert.equal(memory.find('a', 99)?.print, 'p');
  assert.equal(memory.find('a', 100), null);
  assert.deepEqual([memory.size, memory.bytes, memory.evicted], [0, 0, 0]);
});

it('what is over makes room first, uncounted; then the least recently asked for, counted', () => {
  const memory = new AnswerMemory({ entriesMax: 3, bytesMax: 1e6 });
  memory.put('long', keptOf(1000), 0);
  memory.put('short', keptOf(10), 0);
  memory.put('other', keptOf(1000), 0);
  memory.put('new', keptOf(1000), 20);
  assert.deepEqual([memory.size, memory.evicted], [3, 0]);
  memory.find('long', 21);
  memory.put('newer', keptOf(1000), 22);
  assert.deepEqual([memory.find('other', 23), memory.evicted], [null, 1]);
  assert.ok(memory.find('long', 23) !== null);
});

it('bytes are bounded, whatever is put, and an answer that alone is too large is not kept', () => {
  const memory = new AnswerMemory({ entriesMax: 1000, bytesMax: 20_000 });
  for (let n = 0; n < 100; n++) {
    memory.put(`k${n % 30}`, keptOf(1000, (n * 37) % 9000), n);
    assert.ok(memory.bytes <= 20_000);
  }
  assert.equal(memory.put('huge', keptOf(1000, 20_000), 100), false);
  assert.equal(memory.find('huge', 100), null);
  memory.configure({ entriesMax: 1, bytesMax: 20_000 }, 100);
  assert.equal(memory.size, 1);
});
