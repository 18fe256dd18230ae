/**
 * A live page over one route with a canary, with room for changes.
 */

import { eventsKey, eventsOf } from '#src/admin/page/events.ts';
import type { BoardSource, RouteReading } from '#src/admin/page/live.ts';
import type { Board } from '#src/admin/page/view/board.ts';
import type { Status } from '#src/model/status.ts';
import { sampleDecision, sampleRoute, sampleSlo, sampleStatus } from './status.ts';

/** What the page shows of a gateway. */
export function gatewayPart(status: Status = sampleStatus()): Board['gateway'] {
  const { version, uptimeMs, ready, notReadyBecause, proxyUrl, config, revisions } = status;
  const { sources, workers, saturation, faults, state, eventsLost, defects } = status;
  const what = { version, uptimeMs, ready, notReadyBecause, proxyUrl, config, revisions };
  return { ...what, sources, workers, saturation, faults, state, eventsLost, defects };
}

export function sampleReading(changes: Partial<RouteReading> = {}): RouteReading {
  return {
    route: sampleRoute(),
    slos: [sampleSlo()],
    ladder: [1, 5, 25, 50, 100],
    remainingRatio: 0.5,
    more: { versions: 0, endpoints: 0 },
    ...changes,
  };
}

/** One route, `checkout`, whose canary was rolled back. */
export function sampleBoardSource(changes: Partial<BoardSource> = {}): BoardSource {
  const decisions = [sampleDecision()];
  return {
    choose: () => ['checkout'],
    totals: () => [],
    routes: () => [sampleReading()],
    gateway: () => gatewayPart(),
    services: () => [],
    routesTotal: () => 1,
    isReadOnly: () => false,
    eventsKey: () => eventsKey(decisions, []),
    events: () => eventsOf(decisions, []),
    ...changes,
  };
}

export function sampleBoard(changes: Partial<Board> = {}): Board {
  return {
    number: 7,
    atMs: Date.parse('2026-11-01T08:02:00.000Z'),
    gateway: gatewayPart(),
    routes: [{ ...sampleReading(), heat: Array.from({ length: 20 }, () => null), now: [] }],
    routesTotal: 1,
    services: [],
    isReadOnly: false,
    viewers: { now: 1, max: 16, refused: 0 },
    ...changes,
  };
}
