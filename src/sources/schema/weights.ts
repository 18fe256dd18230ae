/**
 * The shape of a weights document: the operator's weights of one route, apart from the route.
 */

import { z } from 'zod';
import { type Check, type Fault, quote, wrongType } from '../problems/fault.ts';
import { checkName } from '../scalars/http.ts';
import { checkWeight, WEIGHT_MAX } from '../scalars/number.ts';
import { scalar } from './fields.ts';

/** Longest reason in characters: it is shown with every status. */
export const REASON_MAX = 500;

const checkReason: Check = (value) => {
  if (typeof value !== 'string') return wrongType('text', value);
  if (value.length <= REASON_MAX) return null;
  return { kind: 'weightsReason', expected: `at most ${REASON_MAX} characters`, got: `${value.length} of them` };
};

/** `v1`, or `shop/v1`. */
function checkVersionKey(key: string): Fault | null {
  const isSound = key.split('/').every((part) => checkName(part) === null) && key.split('/').length <= 2;
  return isSound ? null : { kind: 'name', expected: 'a version, or service/version', got: quote(key) };
}

const versionKey = z.string().superRefine((key, context) => {
  const fault = checkVersionKey(key);
  if (fault !== null) context.addIssue({ code: 'custom', params: { fault }, message: fault.expected });
});

const META = { type: 'integer', minimum: 0, maximum: WEIGHT_MAX };
const weight = scalar<number>(checkWeight, META, 'Relative share of users');

/** One weights document. Versions that it does not name keep the weight that the route gives them. */
export const weightsDocument = z.strictObject({
  weights: z.record(versionKey, weight),
  reason: scalar<string>(checkReason, { type: 'string', maxLength: REASON_MAX }, 'Why, for whoever looks').optional(),
});

export type WeightsInput = z.infer<typeof weightsDocument>;
