import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GRADE, GRADES, PRESSURE, PRESSURE_WORDS, reservePressure } from '#src/model/threads/load/saturation.ts';

test('a fresh pressure asks for nothing', () => {
  const words = new Int32Array(reservePressure());
  assert.equal(words.length, PRESSURE_WORDS);
  assert.deepEqual([words[PRESSURE.grade], words[PRESSURE.refusedPerMille]], [GRADE.normal, 0]);
});

test('grades have their place in the list as number', () => {
  assert.deepEqual(
    Object.entries(GRADE),
    [...GRADES.entries()].map(([number, name]) => [name, number]),
  );
});
