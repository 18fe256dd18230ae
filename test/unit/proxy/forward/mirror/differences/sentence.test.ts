/** One line for people. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DifferenceStatus } from '#src/model/threads/requests/compared.ts';
import { mirrorSentence, placeText } from '#src/proxy/forward/mirror/differences/sentence.ts';

const PRICE: DifferenceStatus = {
  ...{ kind: 'type', path: '$.price', from: 'number', to: 'string' },
  ...{ compared: 412, candidate: 37, second: 0, isReal: true },
};

test('places are told as they are read', () => {
  const none = { from: '', to: '' };
  assert.deepEqual(
    [
      placeText(PRICE),
      placeText({ kind: 'status', path: '', from: '200', to: '500' }),
      placeText({ kind: 'header', path: 'etag', ...none }),
      placeText({ kind: 'header', path: 'link', from: 'absent', to: 'present' }),
      placeText({ kind: 'value', path: '$.a[]', ...none }),
      placeText({ kind: 'body', path: '', ...none }),
      placeText({ kind: 'body', path: '', from: 'json', to: 'bytes' }),
    ],
    [
      '$.price number -> string',
      'status 200 -> 500',
      'header etag',
      'header link absent -> present',
      '$.a[] value',
      'body',
      'body json -> bytes',
    ],
  );
});

test('a sentence has the numbers of the first place, and how many more there are', () => {
  const sentence =
    '37 of 412 answers of shop/v2 differ where the version differs from itself in 0: $.price number -> string';
  assert.equal(mirrorSentence('shop/v2', [PRICE], 412), sentence);
  assert.equal(mirrorSentence('shop/v2', [PRICE, PRICE, PRICE], 412), `${sentence}, and 2 more`);
  assert.equal(mirrorSentence('shop/v2', [], 12), '12 answers of shop/v2 differ no more than those of one version');
  assert.equal(mirrorSentence('shop/v2', [], 0), 'no answers of shop/v2 have been compared yet');
});
