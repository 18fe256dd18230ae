import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { Grader } from '#src/health/saturation/grader.ts';
import { GRADE } from '#src/model/threads/load/saturation.ts';

const CALM_LOOKS = 25;

/** Looks at one level for a while; the grades after each. */
function look(grader: Grader, level: number, count: number, hold = level): number[] {
  return Array.from({ length: count }, () => {
    grader.look([{ level, hold }]);
    return grader.grade;
  });
}

suite('a grade', () => {
  test('rises by one per look, so that the milder response comes first', () => {
    assert.deepEqual(look(new Grader(), GRADE.refusing, 4), [1, 2, 3, 3]);
  });

  test('is that of the worst signal, and a change is told once', () => {
    const grader = new Grader();
    const calls = [GRADE.normal, GRADE.lean].map((level) => ({ level, hold: level }));
    assert.deepEqual([grader.look(calls), grader.look(calls)], [true, false]);
    assert.equal(grader.grade, GRADE.lean);
  });

  test('falls by one after five calm seconds, which begin anew when it is held', () => {
    const grader = new Grader();
    look(grader, GRADE.lean, 1);
    assert.equal(look(grader, GRADE.normal, CALM_LOOKS - 1).at(-1), GRADE.lean);
    look(grader, GRADE.normal, 1, GRADE.lean);
    assert.equal(look(grader, GRADE.normal, CALM_LOOKS - 1).at(-1), GRADE.lean);
    assert.equal(look(grader, GRADE.normal, 1).at(-1), GRADE.normal);
  });

  test('does not flutter between threshold and hold', () => {
    const grader = new Grader();
    look(grader, GRADE.lean, 1);
    let changes = 0;
    for (let n = 0; n < 200; n++) if (grader.look([{ level: n % 2, hold: GRADE.lean }])) changes += 1;
    assert.equal(changes, 0);
  });
});

suite('the refused share', () => {
  test('is nothing below shedding', () => {
    const grader = new Grader();
    look(grader, GRADE.lean, 50);
    assert.equal(grader.refusedRatio, 0);
  });

  test('rises while shedding is called for, never to all', () => {
    const grader = new Grader();
    look(grader, GRADE.shedding, 2);
    assert.equal(grader.refusedRatio, 0.2);
    look(grader, GRADE.shedding, 2);
    assert.ok(Math.abs(grader.refusedRatio - 0.3) < 1e-9);
    look(grader, GRADE.refusing, 100);
    assert.equal(grader.refusedRatio, 0.95);
  });

  test('falls when it is not, and shedding ends when nothing is refused and it is calm', () => {
    const grader = new Grader();
    look(grader, GRADE.shedding, 12);
    const before = grader.refusedRatio;
    const grades = look(grader, GRADE.normal, 300);
    assert.ok(before > 0.5 && grader.refusedRatio === 0);
    const shedding = grades.filter((grade) => grade === GRADE.shedding).length;
    assert.ok(shedding >= before * 50 - 1 && shedding < 50, `${shedding} looks for a share of ${before}`);
    assert.equal(grades.at(-1), GRADE.normal);
  });
});
