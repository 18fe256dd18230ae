import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Fault } from '#src/sources/problems/fault.ts';
import { createReport, formatPath, PROBLEMS_MAX } from '#src/sources/problems/report.ts';

const FAULT: Fault = { kind: 'number', expected: 'less' };
const LOCATOR = {
  locate: ([, index = 0]: readonly (string | number)[], spot: string) => ({
    line: 100 - Number(index),
    column: spot === 'key' ? 1 : 5,
  }),
  valueAt: () => 7,
};

test('a problem has file, place, path, code, and what was found', () => {
  const report = createReport('a.yaml', LOCATOR);
  report.add(['routes', 3], FAULT, 'key');
  assert.deepEqual(report.problems(), [
    { code: 'SLU1024', file: 'a.yaml', line: 97, column: 1, path: 'routes[3]', expected: 'less', got: '7', hint: '' },
  ]);
});

test('problems come in the order of the document', () => {
  const report = createReport('a.yaml', LOCATOR);
  for (const index of [1, 3, 2]) report.add(['routes', index], FAULT);
  report.addAt({ line: 98, column: 2 }, [], FAULT);
  assert.deepEqual(
    report.problems().map(({ line, column }) => [line, column]),
    [
      [97, 5],
      [98, 2],
      [98, 5],
      [99, 5],
    ],
  );
});

test('a fault’s own words go before those of the value, and a hint is made when it is needed', () => {
  const report = createReport('a.yaml', LOCATOR);
  report.add([], { ...FAULT, got: 'this', hint: () => 'that' });
  const [problem] = report.problems();
  assert.deepEqual([problem?.got, problem?.hint], ['this', 'that']);
});

test('after a thousand problems the rest is counted, said, and no longer worked out', () => {
  const report = createReport('a.yaml', LOCATOR);
  let hints = 0;
  const hint = (): string => String(++hints);
  for (let index = 0; index < PROBLEMS_MAX + 5; index++) report.add(['routes', index], { ...FAULT, hint });
  report.addAt({ line: 1, column: 1 }, [], FAULT);
  const problems = report.problems();
  assert.equal(report.count, PROBLEMS_MAX + 6);
  assert.equal(problems.length, PROBLEMS_MAX + 1);
  assert.equal(hints, PROBLEMS_MAX);
  assert.deepEqual([problems.at(-1)?.code, problems.at(-1)?.got], ['SLU1013', '6 more']);
});

test('a path is written as one would read it', () => {
  assert.equal(formatPath([]), '');
  assert.equal(formatPath(['routes', 0, 'backendRefs', 1, 'weight']), 'routes[0].backendRefs[1].weight');
  assert.equal(formatPath(['services', 'a-b', 'versions', '1.0']), 'services.a-b.versions["1.0"]');
  assert.equal(formatPath(['a b']), '["a b"]');
});
