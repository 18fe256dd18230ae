/** Which word of a fleet counts. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareWords, formatWord, greaterOf, parseWord, type Word } from '#src/fleet/order.ts';

function word(run: number, isRolledBack: boolean, token: number, seq: number): Word<string> {
  return { run, isRolledBack, token, seq, beganAtMs: 0, body: 'x' };
}

/** From the one that counts least. */
const RISING = [
  null,
  word(0, false, 5, 1),
  word(0, false, 5, 2),
  word(0, false, 6, 1),
  word(0, true, 1, 1),
  word(1, false, 2, 1),
];

test('a later run counts more, then a rollback, then a newer token, then a later word', () => {
  RISING.forEach((a, n) => {
    RISING.forEach((b, m) => {
      assert.equal(Math.sign(compareWords(a, b)), Math.sign(n - m), `${n} ${m}`);
      assert.equal(greaterOf(a, b), n >= m ? a : b);
    });
  });
});

test('two rollbacks of one run have nothing to say to each other', () => {
  assert.equal(compareWords(word(0, true, 1, 1), word(0, true, 5, 9)), 0);
  assert.notEqual(compareWords(word(1, true, 1, 1), word(0, true, 5, 9)), 0);
});

const isText = (value: unknown): value is string => typeof value === 'string';

test('a word is the same after it was written and read', () => {
  const said = { ...word(3, true, 1_795_275_405_545_176, 7), beganAtMs: 1_795_275_405_545, body: 'two words\n{' };
  assert.deepEqual(parseWord(formatWord(said), isText), said);
});

test('what is no word is none', () => {
  const sound = formatWord(word(1, false, 2, 3));
  for (const text of [null, '', 'x', '1 0 2 3 0', '-1 0 2 3 0 "x"', '1 2 2 3 0 "x"', '1 0 2 3 0 {', '1 0 2 3 0 5']) {
    assert.equal(parseWord(text, isText), null, String(text));
  }
  assert.notEqual(parseWord(sound, isText), null);
});
