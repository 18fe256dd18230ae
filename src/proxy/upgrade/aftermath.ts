/**
 * What the end of an upgraded connection says about the route and the version, where the route's policy asks for it.
 *
 * The handshake was an exchange, and a good one, when its 101 came. A session that its endpoint ends abnormally is one more, and a
 * bad one, of the same user, with the same latency. What was rescued or fell back is left out, as that version's part is no
 * evidence. Clients that vanish are everyday and say nothing about a version.
 */

import { nowMs } from '../../lib/clock.ts';
import { REASON } from '../../model/reason.ts';
import type { LinkedRoute, LinkedSplit } from '../decide/table.ts';
import { Exchange } from '../exchange.ts';
import type { Lane } from '../lane.ts';

/** What is kept of a handshake while its session lasts; not its head, and not the configuration of its day. */
export interface SessionOrigin extends Pick<Exchange, 'client' | 'method' | 'target' | 'requestId' | 'endpoint'> {
  readonly route: LinkedRoute;
  readonly split: LinkedSplit;
  readonly userKey: number;
  readonly isPinned: boolean;
  readonly attempts: number;
  readonly tookMs: number;
}

/** Null where the route does not ask for it. */
export function originOf(x: Exchange, now: number): SessionOrigin | null {
  const { route, split, retrying } = x;
  if (route === null || split === null || route.upgrade.abnormal !== 'bad') return null;
  if (retrying !== null && (retrying.rescuedFrom !== null || retrying.fallen !== null)) return null;
  const { client, method, target, requestId, endpoint, userKey, isPinned, attempts } = x;
  const tookMs = now - x.startedAtMs;
  return { client, method, target, requestId, endpoint, route, split, userKey, isPinned, attempts, tookMs };
}

/** Records the bad exchange that an abnormal end is. */
export function recordAbnormal({ recorder, table }: Lane, origin: SessionOrigin): void {
  const { client, tookMs, ...kept } = origin;
  const now = nowMs();
  const x = Object.assign(new Exchange(client, table, now - tookMs), kept);
  x.requestDone = true;
  recorder.begin(x);
  x.status = 101;
  x.reason = REASON.upstreamTruncated;
  x.detail = 'the session ended abnormally';
  x.isFinished = true;
  x.endedAtMs = now;
  recorder.end(x);
}
