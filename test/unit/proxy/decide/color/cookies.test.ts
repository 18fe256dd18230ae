/** The color's cookie: what is taken out cannot be read any more. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readCookie, withoutCookie } from '#src/proxy/decide/color/cookies.ts';

test('the first cookie of the name is read', () => {
  assert.equal(readCookie('a=1; stage=blue; stage=green', 'stage'), 'blue');
  assert.equal(readCookie('stage = blue ;a=1', 'stage'), 'blue');
  for (const cookies of ['', 'stage', 'a=stage=blue', 'mystage=blue', 'a="x stage=blue"', 'Stage=blue', 'stage.b=c']) {
    assert.equal(readCookie(cookies, 'stage'), null, cookies);
  }
});

test('every cookie of the name is taken out, others stay as they are', () => {
  assert.equal(withoutCookie('a=1;  b="x y"', 'stage'), 'a=1;  b="x y"');
  assert.equal(withoutCookie('stage=1; a=b=c; stage=2;b=3; stage', 'stage'), 'a=b=c; b=3');
  assert.equal(withoutCookie('\tstage =blue', 'stage'), '');
});
