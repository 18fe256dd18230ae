/** The Date line is formatted once a second. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { DateLine } from '#src/proxy/header/date.ts';
import { bytesPerCall, COUNTED } from '../../../support/proxy/allocation.ts';

it('a date is made once a second', () => {
  let made = 0;
  const date = new DateLine(() => `day ${++made}`);
  assert.equal(date.at(5), 'Date: day 1\r\n');
  assert.equal(date.at(1004), 'Date: day 1\r\n');
  assert.equal(date.at(1005), 'Date: day 2\r\n');
  assert.equal(date.at(90_000), 'Date: day 3\r\n');
});

it('a date within its second costs nothing', COUNTED, () => {
  const date = new DateLine(() => 'today');
  date.at(0);
  assert.equal(
    bytesPerCall(() => void date.at(500), 5000, 0),
    0,
  );
});
