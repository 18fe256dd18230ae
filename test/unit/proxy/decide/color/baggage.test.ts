/** The color's member of `baggage`: read, taken out, kept in step. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readMember, withMember, withoutMember } from '#src/proxy/decide/color/baggage.ts';

test('the first member of the key is read, without its properties, decoded', () => {
  assert.equal(readMember('a=1, stage = blue ;ttl=5, stage=green', 'stage'), 'blue');
  assert.equal(readMember('stage=a%2Bb', 'stage'), 'a+b');
  assert.equal(readMember('stage=%C3%A4%zz%', 'stage'), '%C3%A4%zz%');
  for (const text of ['', 'stage', 'a=1;stage=blue', 'mystage=blue', 'Stage=blue', '=blue', ',,']) {
    assert.equal(readMember(text, 'stage'), null, text);
  }
});

test('every member of the key is taken out', () => {
  assert.equal(withoutMember('a=1 ,  b=2;p', 'stage'), 'a=1 ,  b=2;p');
  assert.equal(withoutMember('stage=1,a=1;p=2, stage=2', 'stage'), 'a=1;p=2');
  assert.equal(withoutMember(' stage = blue', 'stage'), '');
});

test('a color is written once, and not at all where it stands alone already', () => {
  assert.equal(withMember('', 'stage', 'blue'), 'stage=blue');
  assert.equal(withMember('a=1, stage=blue', 'stage', 'blue'), 'a=1, stage=blue');
  assert.equal(withMember('stage=green,a=1,stage=blue', 'stage', 'blue'), 'a=1,stage=blue');
  assert.equal(withMember('a=1', 'stage', '50%'), 'a=1,stage=50%25');
  assert.equal(readMember(withMember('a=1', 'stage', '50%25'), 'stage'), '50%25');
});
