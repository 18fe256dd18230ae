import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { distanceBetween, similarTo } from '#src/lib/text/similar.ts';

suite('similar', () => {
  test('the distance counts inserted, deleted, replaced and swapped characters', () => {
    for (const [a, b, distance] of [
      ['', '', 0],
      ['run', 'run', 0],
      ['run', 'runs', 1],
      ['run', 'rn', 1],
      ['run', 'ran', 1],
      ['run', 'rnu', 1],
      ['kitten', 'sitting', 3],
      ['', 'abc', 3],
    ] as const) {
      assert.equal(distanceBetween(a, b), distance, `${a} ${b}`);
      assert.equal(distanceBetween(b, a), distance, `${b} ${a}`);
    }
  });

  test('the nearest name is found, without regard to case, and none when nothing is near', () => {
    const names = ['config', 'status', 'version'];
    assert.equal(similarTo('confg', names), 'config');
    assert.equal(similarTo('STATSU', names), 'status');
    assert.equal(similarTo('frobnicate', names), null);
    assert.equal(similarTo('x', names), null);
    assert.equal(similarTo('run', []), null);
  });

  test('very long words are not compared', () => {
    assert.equal(similarTo('x'.repeat(65), ['x'.repeat(65)]), null);
    assert.equal(similarTo('xx', ['x'.repeat(10_000), 'xy']), 'xy');
  });
});
