/**
 * A canary that may be broken beside a stable version that rescues its users, and what that leaves in the tallies.
 */

import type { TestContext } from 'node:test';
import { EFFECTS } from '#src/model/reason.ts';
import { CELL } from '#src/model/tallies.ts';
import type { PlaneSketch, RouteSketch, TestPlane } from '../plane.ts';
import { answeringOf, getOf, planeOf } from '../proxy/running.ts';
import { type RawUpstream, sendAndClose } from '../raw.ts';

export const STABLE = 1;
export const CANARY = 2;
export const CLOSE = 'Connection: close\r\n';
export const BUSY = 'HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy';

export interface Scene {
  readonly plane: TestPlane;
  readonly stable: RawUpstream;
  readonly canary: number;
}

/** A canary on this port with all the weight, rescued by a stable version that answers with `200`. */
export async function scene(
  t: TestContext,
  canary: number,
  change: Partial<PlaneSketch & RouteSketch> = {},
): Promise<Scene> {
  const stable = await answeringOf(t);
  const versions = [
    { name: 'stable', ports: [stable.port], weight: 0 },
    { name: 'canary', ports: [canary], weight: 1 },
  ];
  const plane = await planeOf(t, { routes: [{ versions, rescue: 'unpinned', ...change }], ...change });
  return { plane, stable, canary };
}

/** The counters that a scene's rescues leave, by name; what is 0 is left out. */
export function rescues(plane: TestPlane): Record<string, number> {
  const counts = EFFECTS.map(
    (effect, n) =>
      [effect === 'ignore' ? 'ignored' : (effect as string), plane.count(CANARY, CELL.rescues + n)] as const,
  );
  const all = [...counts, ['skipped', plane.count(CANARY, CELL.rescuesSkipped)] as const];
  return Object.fromEntries(all.filter(([, count]) => count > 0));
}

/** One request of a kind, and the bytes that came back. */
export async function asked({ plane }: Scene, text = getOf('/', CLOSE)): Promise<string> {
  return sendAndClose(plane.port, text);
}

export const UNUSED = { inFlight: 0, finished: 0, bad: 0, ignored: 0, slow: 0 };
