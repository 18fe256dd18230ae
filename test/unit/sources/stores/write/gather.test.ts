import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Gatherer } from '#src/sources/stores/write/gather.ts';

const never = new AbortController().signal;

function rig(max: number) {
  const asked: (readonly number[])[] = [];
  const gatherer = new Gatherer<number, number>(async (questions) => {
    asked.push(questions);
    if (questions.includes(13)) throw new Error('no answer');
    return questions.map((question) => question * 10);
  }, max);
  return { asked, ask: (question: number) => gatherer.ask(question, never) };
}

test('questions of one turn are asked together, and each has its own answer', async () => {
  const { asked, ask } = rig(3);
  assert.deepEqual(await Promise.all([1, 2, 3, 4].map(ask)), [10, 20, 30, 40]);
  assert.equal(await ask(5), 50);
  assert.deepEqual(asked, [[1, 2, 3], [4], [5]]);
});

test('those that are asked together fail together, and no others', async () => {
  const { ask } = rig(2);
  const outcomes = await Promise.allSettled([1, 13, 2].map(ask));
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['rejected', 'rejected', 'fulfilled'],
  );
});

test('too few answers are none', async () => {
  const gatherer = new Gatherer<number, number>(async () => [1], 5);
  const outcomes = await Promise.allSettled([gatherer.ask(1, never), gatherer.ask(2, never)]);
  assert.ok(outcomes.every(({ status }) => status === 'rejected'));
});
