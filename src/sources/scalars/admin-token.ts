/**
 * The admin token as the document has it. It is checked without ever being shown: problems are logged and printed.
 */

import { type Check, wrongType } from '../problems/fault.ts';

/** Visible ASCII, long enough not to be guessed if it was drawn at random. */
export const ADMIN_TOKEN_PATTERN = '^[\\x21-\\x7e]{16,256}$';
const ADMIN_TOKEN = new RegExp(ADMIN_TOKEN_PATTERN);

/** Whether a text may be a token. */
export const checkAdminToken: Check = (value) => {
  const expected = '16 to 256 visible ASCII characters, drawn at random';
  if (typeof value !== 'string') return { ...wrongType(expected, value, 'put it in quotes'), got: 'something else' };
  if (ADMIN_TOKEN.test(value)) return null;
  return { kind: 'adminToken', expected, got: `${value.length} characters, which are not shown` };
};
