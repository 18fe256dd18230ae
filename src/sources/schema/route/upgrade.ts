/**
 * The shape of a route's `upgrade`: what may be upgraded to, and how such connections end.
 */

import { z } from 'zod';
import { CLOSE_CODES } from '../../../model/sli.ts';
import type { Check, Fault } from '../../problems/fault.ts';
import { checkProtocol, PROTOCOL_META } from '../../scalars/http.ts';
import { duration, type PartFault, scalar, withRule, word } from '../fields.ts';

const HOUR_MS = 3_600_000;

const checkCloseCode: Check = (value): Fault | null => {
  if (CLOSE_CODES.some((code) => code === value)) return null;
  return { kind: 'choice', expected: CLOSE_CODES.join(' or ') };
};

/** Upgraded connections of a route. */
export const upgrade = withRule(
  z.strictObject({
    protocols: z
      .array(scalar<string>(checkProtocol, PROTOCOL_META, 'Protocol that may be upgraded to; default websocket'))
      .optional(),
    onRollback: word(
      ['keep', 'close'],
      'What a rollback or drain does to the upgraded connections of a version; default close',
    ).optional(),
    closeAfter: duration(0, HOUR_MS, 'Time until they are told to leave; default 0s').optional(),
    closeCode: scalar<(typeof CLOSE_CODES)[number]>(
      checkCloseCode,
      { enum: CLOSE_CODES },
      'Status that WebSockets are then closed with; default 1001',
    ).optional(),
    abnormal: word(
      ['ignore', 'bad'],
      'Whether one that its endpoint ends abnormally is one more bad exchange; default ignore',
    ).optional(),
  }),
  ({ onRollback, closeAfter }): PartFault[] => {
    if (onRollback !== 'keep' || closeAfter === undefined) return [];
    const expected = 'no closeAfter beside onRollback: keep';
    return [{ path: ['closeAfter'], fault: { kind: 'closeKept', expected } }];
  },
  {},
);
