import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readContract } from '#src/cli/slo/sla/contract.ts';
import { sloTools } from '#src/compose/answers/slo-tools.ts';

const WHOLE = `commitments:
  - route: checkout
    p99: 300ms
    errorRatio: 0.01
    availability: 0.999
    rollbackTime: 5s
    releaseWindow: {days: [mon, fri], from: "09:00", to: "17:30"}
    saturation: 0.9
`;
const read = (text: string) => readContract(text, 'sla.yaml', sloTools);

test('a contract has six commitments of a route', () => {
  assert.deepEqual(read(WHOLE), {
    problems: [],
    commitments: [
      {
        route: 'checkout',
        p99Ms: 300,
        errorRatio: 0.01,
        availabilityRatio: 0.999,
        rollbackMs: 5000,
        releaseWindows: [{ days: [1, 5], fromMinute: 540, toMinute: 1050 }],
        saturationRatio: 0.9,
      },
    ],
  });
});

test('what is not promised is null', () => {
  const [one] = read('commitments: [{route: a, p99: 1s}]').commitments;
  assert.deepEqual([one?.p99Ms, one?.errorRatio, one?.releaseWindows], [1000, null, null]);
});

for (const [what, from, to, path] of [
  ['a duration that is none', '300ms', 'fast', 'commitments[0].p99'],
  ['a share above 1', '0.01', '1.5', 'commitments[0].errorRatio'],
  ['a field that is none', 'saturation', 'saturatoin', 'commitments[0].saturatoin'],
  ['a day that is none', 'mon, fri', 'mon, someday', 'commitments[0].releaseWindow.days'],
  ['a time that is none', '09:00', '9am', 'commitments[0].releaseWindow.from'],
  ['a window of no time', '17:30', '09:00', 'commitments[0].releaseWindow.to'],
  ['no window of a list', '{days: [mon, fri], from: "09:00", to: "17:30"}', '[]', 'commitments[0].releaseWindow'],
  ['no route', 'route: checkout\n    p99', 'p99', 'commitments[0].route'],
] as const) {
  test(`${what} is refused`, () => {
    const { commitments, problems } = read(WHOLE.replace(from, to));
    assert.deepEqual([commitments, problems.map((problem) => problem.path)], [[], [path]]);
  });
}

test('windows may go over midnight, and be several', () => {
  const two = '[{days: [sat], from: "22:00", to: "06:00"}, {days: [mon], from: "09:00", to: "17:00"}]';
  const { commitments, problems } = read(`commitments: [{route: a, releaseWindow: ${two}}]`);
  assert.deepEqual(problems, []);
  assert.deepEqual(commitments[0]?.releaseWindows, [
    { days: [6], fromMinute: 1320, toMinute: 360 },
    { days: [1], fromMinute: 540, toMinute: 1020 },
  ]);
});

test('a route stands once, with a promise, in a file that is YAML', () => {
  assert.equal(read(`${WHOLE}  - {route: checkout, p99: 1s}\n`).problems[0]?.code, 'SLU1219');
  assert.equal(read('commitments: [{route: a}]').problems[0]?.path, 'commitments[0].p99');
  assert.equal(read('a: [').problems[0]?.code, 'SLU1001');
  assert.equal(read('').problems[0]?.expected, 'a mapping');
});
