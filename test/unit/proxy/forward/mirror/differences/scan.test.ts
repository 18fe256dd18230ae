/** What is refused before it is parsed would have had no shape, and nothing else is. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '#src/lib/random.ts';
import { hasTooMuch } from '#src/proxy/forward/mirror/differences/scan.ts';
import { DEPTH_MAX, shapeOf, VALUES_MAX } from '#src/proxy/forward/mirror/differences/shape.ts';

const refused = (text: string): boolean => hasTooMuch(Buffer.from(text));
const nested = (levels: number, inside = ''): string => '['.repeat(levels) + inside + ']'.repeat(levels);
const listOf = (count: number): string => `[${'0,'.repeat(count - 1)}0]`;

test('texts at the limits pass, and those beyond do not', () => {
  assert.deepEqual([refused(nested(DEPTH_MAX + 1)), refused(nested(DEPTH_MAX + 2))], [false, true]);
  assert.deepEqual([refused(listOf(VALUES_MAX)), refused(listOf(VALUES_MAX + 1))], [false, true]);
  assert.equal(refused(`[${'[],'.repeat(VALUES_MAX)}[]]`), true);
});

test('what stands in strings is no structure, quotes that are escaped end none', () => {
  const text = JSON.stringify({ 'a"[[{,': `\\"${'[,{'.repeat(VALUES_MAX)}\\` });
  assert.equal(refused(text), false);
  assert.notEqual(shapeOf(JSON.parse(text)), null);
});

test('texts that are no JSON are looked over to their end', () => {
  for (const text of ['', '"', '"\\', ']]]]', '{"a', '\u0000']) assert.equal(refused(text), false, text);
});

test('whatever has a shape passes', () => {
  const random = new Random(7);
  const valueOf = (depth: number): unknown => {
    const kind = random.nextUint32() % (depth > DEPTH_MAX ? 3 : 6);
    if (kind < 3) return [null, 1.5, ',[{"\\'][kind];
    const parts = Array.from({ length: random.nextUint32() % 3 }, () => valueOf(depth + 1));
    return kind < 5 ? parts : Object.fromEntries(parts.map((part, n) => [`k${'abc'[n]}`, part]));
  };
  for (let n = 0; n < 500; n++) {
    const value = valueOf(0);
    if (shapeOf(value) !== null) assert.equal(refused(JSON.stringify(value)), false, `seed 7, the ${n}th`);
  }
});
