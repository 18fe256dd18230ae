/**
 * Layout of the endpoint dials: how much of its share each endpoint gets now, in shared memory.
 *
 * ```
 * Int32Array of ENDPOINT_DIALS_WORDS:  [ capacity of endpoint 0 | 1 | … | ENDPOINTS_MAX - 1 | changes ]
 * ```
 * A capacity is in per mille: 1000 = its full share, 0 = out (ejected, or failing its health check), in between = slow
 * start. The main thread alone writes, a capacity first and then `changes`, with Atomics; a worker that reads the same
 * `changes` as before knows without another look that no capacity moved.
 * Source: docs/ARCHITECTURE.md "Endpoints".
 */

import { ENDPOINTS_MAX } from '../../tallies.ts';

export const CAPACITY_FULL = 1000;
/** Index of the word that rises with every change of any capacity, and wraps. */
export const CAPACITY_CHANGES = ENDPOINTS_MAX;
export const ENDPOINT_DIALS_WORDS = ENDPOINTS_MAX + 1;
