/**
 * The shape of what a route answers with when its own answer would be a failure.
 */

import { z } from 'zod';
import { FALLBACK_REASONS } from '../../../model/threads/answers/fallback.ts';
import { checkAnswerStatus } from '../../scalars/number.ts';
import { byType, DAY_MS, duration, MIB, name, scalar, size, text, word } from '../fields.ts';
import { field } from './filters.ts';

const STALE_MAX_AGE_MS = 7 * DAY_MS;

const countsAs = word(
  ['seen', 'bad'],
  'What the route’s SLI makes of the answer: what its status says, or always a failure; default seen',
).optional();

const stale = z.strictObject({
  maxAge: duration(1000, STALE_MAX_AGE_MS, 'Age at which an answer is used no more; default 5m').optional(),
  entryBytesMax: size(1, 16 * MIB, 'Longest answer that is kept, head included; default 256KiB').optional(),
  countsAs,
});

const service = z.strictObject({
  name: name('Service'),
  version: name('Version of the service; may be left out when it has exactly one').optional(),
});

const answer = z.strictObject({
  status: scalar<number>(
    checkAnswerStatus,
    { type: 'integer', minimum: 200, maximum: 599, not: { enum: [205, 304] } },
    'Status of the answer; default 503',
  ).optional(),
  headers: z.array(field).optional(),
  body: text('text', 'Body of the answer; text/plain in UTF-8 unless headers name another Content-Type').optional(),
  file: text('path', 'In place of body: a file in the folder of the main document or below').optional(),
  countsAs,
});

/** The field of each type of fallback. */
export const FALLBACK_FIELDS = { Stale: 'stale', Service: 'service', Static: 'static' } as const;

/** The type of a fallback. */
export type FallbackType = keyof typeof FALLBACK_FIELDS;

/** One step of a route's chain: a type, and the field of that name. */
export const fallback = byType(
  z.strictObject({
    type: word(Object.keys(FALLBACK_FIELDS) as FallbackType[], 'Which of the fields beside it is there'),
    on: z.array(word(FALLBACK_REASONS, 'Failure that it answers for; default: every one of them')).min(1).optional(),
    stale: stale.optional(),
    service: service.optional(),
    static: answer.optional(),
  }),
  FALLBACK_FIELDS,
);
