/**
 * The shape of the user key and of the A/B experiments of a route.
 */

import { z } from 'zod';
import { GROUPS_MAX, GROUPS_MIN } from '../../../model/threads/requests/experiments.ts';
import { checkWeight, WEIGHT_MAX } from '../../scalars/number.ts';
import { flag, name, real, scalar, token } from '../fields.ts';

/** What users are told apart by. */
export const sticky = z.strictObject({
  header: token('header name', 'Header that holds the user key').optional(),
  cookie: token('cookie name', 'Cookie that holds the user key').optional(),
  clientIp: flag('Use the client address; default false').optional(),
  clientIdentity: flag('Use the identity in the client’s certificate; default false').optional(),
  jwt: flag('Use the claim color.jwt.userClaim of the verified token; default false').optional(),
});

const group = z.strictObject({
  name: name('Name of the group, unique in its experiment: the value of the header'),
  weight: scalar<number>(
    checkWeight,
    { type: 'integer', minimum: 0, maximum: WEIGHT_MAX },
    'Relative share of the users in the experiment; default 1',
  ).optional(),
});

/** One experiment. */
export const experiment = z.strictObject({
  id: name('Id of the experiment, unique in its route; the groups are drawn by it'),
  header: token('header name', 'Header that tells upstreams the group; default x-experiment- and the id').optional(),
  percent: real(0, 100, 'Share of users that are in it; default 100').optional(),
  groups: z.array(group).min(GROUPS_MIN).max(GROUPS_MAX),
  key: sticky.optional(),
});
