/**
 * Picks the endpoint of one attempt: power of two choices over peak-EWMA load. Hot path.
 *
 * Two distinct endpoints are drawn and the one with less load wins; with n endpoints the worst queue is O(log log n).
 * Source: Mitzenmacher (2001), "The power of two choices in randomized load balancing".
 */

import type { Random } from '../../lib/random.ts';
import type { Endpoint } from './endpoint.ts';

/** @param avoid the endpoint a previous attempt failed on; taken again only when there is no other. */
export function pickEndpoint(
  endpoints: readonly Endpoint[],
  random: Random,
  avoid: Endpoint | null,
  nowMs: number,
): Endpoint | null {
  const count = endpoints.length;
  if (count <= 1) return endpoints[0] ?? null;
  const first = random.nextUint32() % count;
  const second = (first + 1 + (random.nextUint32() % (count - 1))) % count;
  const a = endpoints[first] as Endpoint;
  const b = endpoints[second] as Endpoint;
  if (a === avoid) return b;
  if (b === avoid) return a;
  return b.load(nowMs) < a.load(nowMs) ? b : a;
}
