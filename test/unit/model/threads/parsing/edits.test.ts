import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '#src/lib/random.ts';
import { applyEdits, editsOf } from '#src/model/threads/parsing/edits.ts';

test('what stayed is kept, what is new is added', () => {
  const [a, b, c, d, x] = [{}, {}, {}, {}, {}];
  assert.deepEqual(editsOf([a, b, c, d], [a, b, c, d]), [{ keep: 4 }]);
  assert.deepEqual(editsOf([a, b, c, d], [a, x, c, d]), [{ keep: 1 }, { add: [x] }, { drop: 1 }, { keep: 2 }]);
  assert.deepEqual(editsOf([a, b, c, d], [a, d]), [{ keep: 1 }, { drop: 2 }, { keep: 1 }]);
  assert.deepEqual(editsOf([a, b], [x, a, b]), [{ add: [x] }, { keep: 2 }]);
  assert.deepEqual(editsOf([], [a]), [{ add: [a] }]);
  assert.deepEqual(editsOf([a], []), [{ drop: 1 }]);
  assert.deepEqual(editsOf([], []), []);
});

test('what was replaced in its place is told without a map of the items between', (t) => {
  const before = Array.from({ length: 1000 }, (_, n) => ({ n }));
  const after = before.map((item) => (item.n === 10 || item.n === 11 || item.n === 900 ? { n: -item.n } : item));
  const spied = t.mock.method(Map.prototype, 'set');
  const steps = editsOf(before, after);
  assert.equal(spied.mock.callCount(), 0);
  const replaced = [{ keep: 10 }, { add: [after[10], after[11]] }, { drop: 2 }];
  assert.deepEqual(steps, [...replaced, { keep: 888 }, { add: [after[900]] }, { drop: 1 }, { keep: 99 }]);
});

test('a list of one length whose items have all moved is told in few steps', () => {
  const before = Array.from({ length: 1000 }, (_, n) => ({ n }));
  const after = [{ n: -1 }, ...before.slice(0, -1)];
  assert.deepEqual(editsOf(before, after), [{ add: [after[0]] }, { keep: 999 }, { drop: 1 }]);
});

test('what moved is there again, once', () => {
  const [a, b, c] = [{}, {}, {}];
  assert.deepEqual(applyEdits([a, b, c], editsOf([a, b, c], [c, a, b])), [c, a, b]);
  assert.deepEqual(applyEdits([a, b, c], editsOf([a, b, c], [b, a, c])), [b, a, c]);
});

test('edits lead to the list that they were made for, whatever happened to it', () => {
  const seed = 20;
  const random = new Random(seed);
  const draw = (below: number): number => Math.floor(random.nextFloat() * below);
  for (let round = 0; round < 2000; round++) {
    const pool = Array.from({ length: 12 }, (_, n) => (n % 5 === 4 ? null : { n }));
    const before = Array.from({ length: draw(10) }, () => pool[draw(12)]);
    const after =
      draw(2) === 0 ? before.filter(() => draw(3) > 0) : Array.from({ length: draw(10) }, () => pool[draw(12)]);
    const there = applyEdits(before, editsOf(before, after));
    assert.equal(there.length, after.length, `seed ${seed}, round ${round}`);
    assert.ok(
      there.every((item, n) => item === after[n]),
      `seed ${seed}, round ${round}`,
    );
  }
});

test('edits of another list are refused', () => {
  assert.throws(() => applyEdits([{}], [{ keep: 2 }]), /edits for a list of 2 items, not of 1/);
  assert.throws(() => applyEdits([{}, {}], [{ keep: 1 }]), /edits for a list of 1 items, not of 2/);
});
