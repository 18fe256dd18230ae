/**
 * The shape of the faults of a route: whom they meet, what they do, and from when to when.
 */

import { z } from 'zod';
import { DELAY_MS_MAX, FAULT_MS_MAX } from '../../../model/threads/faults.ts';
import { checkInstant, INSTANT_META } from '../../scalars/duration.ts';
import { checkFieldValue, FIELD_VALUE_META } from '../../scalars/http.ts';
import { duration, integer, MIB, name, real, scalar, size, text, token, word } from '../fields.ts';

const header = z.strictObject({
  name: token('header name', 'Header name, any case'),
  value: scalar<string>(checkFieldValue, FIELD_VALUE_META, 'Its whole value'),
});

const match = z.strictObject({
  version: name('Version that the request goes to').optional(),
  color: text('a color', 'Color that pinned the request').optional(),
  header: header.optional(),
});

const delay = z.strictObject({
  time: duration(1, DELAY_MS_MAX, 'How long a request is held before it goes on'),
  distribution: word(['fixed', 'exponential'], 'Always so long, or in the mean; default fixed').optional(),
});

const abort = z.strictObject({ status: integer(500, 599, 'Status of the answer in the upstream’s place') });

const rate = (what: string) => size(1, 1024 * MIB, `Bytes of ${what} that go on in a second; default all at once`);

const bandwidth = z.strictObject({
  request: rate('a request’s body').optional(),
  response: rate('a response’s body').optional(),
});

/** One fault. Its end is checked in checks/faults.ts. */
export const fault = z.strictObject({
  name: name('Name of the fault, unique in its route'),
  match: match.optional(),
  percent: real(0, 100, 'Share of the requests that match; default 100').optional(),
  delay: delay.optional(),
  abort: abort.optional(),
  bandwidth: bandwidth.optional(),
  from: scalar<string>(checkInstant, INSTANT_META, 'When it begins'),
  until: scalar<string>(checkInstant, INSTANT_META, 'When it ends, at most a day later; or `for`').optional(),
  for: duration(1000, FAULT_MS_MAX, 'How long it lasts; or `until`').optional(),
});
