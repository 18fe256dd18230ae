/**
 * Layout of the endpoint dials: how much of its share each endpoint gets now, and who is to be tried out, in shared memory.
 *
 * ```
 * Int32Array of ENDPOINT_DIALS_WORDS:  [ capacity of endpoint 0 | … | ENDPOINTS_MAX - 1 | changes | probe of endpoint 0 | … ]
 * ```
 * A capacity is in per mille: 1000 = its full share, 0 = out (ejected, half-open, or failing its health check), in between =
 * slow start. The main thread alone writes, a capacity first and then `changes`, with Atomics; a worker that reads the same
 * `changes` as before knows without another look that no capacity moved.
 *
 * A probe is one attempt at an endpoint that is half-open. The main thread offers it by its number, which an endpoint's slot
 * never has twice; whichever worker swaps that for 0 makes it, and writes what comes of it to its tallies (`ENDPOINT.probe`)
 * as PROBE_RESULTS x number + result.
 * Source: docs/ARCHITECTURE.md "Endpoints"; docs/adr/0039-endpoints-half-open.md.
 */

import { ENDPOINTS_MAX } from '../../tallies.ts';

export const CAPACITY_FULL = 1000;
/** Index of the word that rises with every change of any capacity and every offer of a probe, and wraps. */
export const CAPACITY_CHANGES = ENDPOINTS_MAX;
/** Index of the word that offers a probe of endpoint 0; 0 there: none is offered. */
export const PROBE_OFFERS = CAPACITY_CHANGES + 1;
export const ENDPOINT_DIALS_WORDS = PROBE_OFFERS + ENDPOINTS_MAX;

/** What comes of a probe. `answered`: its response head is there and below 500, its end is not; `ignored`: it says nothing. */
export const PROBE_RESULT = { ignored: 0, good: 1, bad: 2, answered: 3 } as const;
export const PROBE_RESULTS = 4;
export type ProbeResult = (typeof PROBE_RESULT)[keyof typeof PROBE_RESULT];
