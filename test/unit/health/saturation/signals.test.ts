import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { callOf, type Signal } from '#src/health/saturation/signals.ts';
import { GRADE, type SignalName } from '#src/model/threads/load/saturation.ts';

const DELAY_MS = 250;

function call(name: SignalName, value: number, isGrowing = true) {
  const signal: Signal = { name, value, isGrowing, text: '' };
  return callOf(signal, DELAY_MS);
}

suite('a signal calls for', () => {
  for (const [name, steps] of [
    ['heap', [0.79, 0.8, 0.9, 0.96]],
    ['memory', [0.79, 0.8, 0.88, 0.95]],
    ['descriptors', [0.79, 0.8, 0.9, 0.96]],
  ] as const) {
    test(`each grade from its threshold on: ${name}`, () => {
      assert.deepEqual(
        steps.map((value) => call(name, value).level),
        [GRADE.normal, GRADE.lean, GRADE.shedding, GRADE.refusing],
      );
    });
  }

  test('what helps: idle connections are closed for connections, never for time', () => {
    assert.equal(call('connections', 2).level, GRADE.lean);
    assert.equal(call('requests', 0.89).level, GRADE.normal);
    assert.equal(call('requests', 0.9).level, GRADE.shedding);
    assert.equal(call('eventLoop', 249).level, GRADE.normal);
    assert.equal(call('eventLoop', 250).level, GRADE.shedding);
    assert.equal(call('eventLoop', 2000).level, GRADE.refusing);
  });
});

test('a grade is held below its threshold, and not far below', () => {
  assert.deepEqual(call('memory', 0.87), { level: GRADE.lean, hold: GRADE.shedding });
  assert.equal(call('memory', 0.83).hold, GRADE.lean);
  assert.equal(call('memory', 0.75).hold, GRADE.normal);
  assert.deepEqual(call('eventLoop', 125), { level: GRADE.normal, hold: GRADE.shedding });
  assert.equal(call('eventLoop', 124).hold, GRADE.normal);
});

test('memory that does not grow calls for no more than lean', () => {
  assert.deepEqual(call('memory', 0.99, false), { level: GRADE.lean, hold: GRADE.lean });
  assert.equal(call('heap', 0.97, false).level, GRADE.refusing);
});
