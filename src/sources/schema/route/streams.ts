/**
 * The shape of a route's `streams`: how answers end that have no end of their own.
 */

import { z } from 'zod';
import { duration, type PartFault, withRule, word } from '../fields.ts';

const HOUR_MS = 3_600_000;

/** Event streams and calls of gRPC of a route. */
export const streams = withRule(
  z.strictObject({
    onRollback: word(
      ['keep', 'close'],
      'What a rollback or drain does to the event streams and gRPC calls of a version; default keep',
    ).optional(),
    closeAfter: duration(0, HOUR_MS, 'Time until they are ended; default 0s').optional(),
  }),
  ({ onRollback, closeAfter }): PartFault[] => {
    if (onRollback === 'close' || closeAfter === undefined) return [];
    return [{ path: ['closeAfter'], fault: { kind: 'streamsKept', expected: 'onRollback: close beside closeAfter' } }];
  },
  {},
);
