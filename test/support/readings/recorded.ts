/**
 * Exchanges that begin and end on a bench, and the counters that they leave.
 */

import { Random } from '#src/lib/random.ts';
import { REASON, type Reason } from '#src/model/reason.ts';
import { CELL, CELL_WORDS } from '#src/model/tallies.ts';
import { decide } from '#src/proxy/decide/decide.ts';
import type { Exchange } from '#src/proxy/exchange.ts';
import type { PlaneSketch } from '../plane.ts';
import { type Bench, exchangeOn, get, peerOf, readHead, TWO_VERSIONS } from '../proxy/parts.ts';

export const ROUTE = 0;
export const STABLE = 1;

export interface Outcome {
  readonly status?: number;
  readonly reason?: Reason;
  readonly tookMs?: number;
  readonly startedAtMs?: number;
  readonly userKey?: number;
  readonly color?: string;
  readonly target?: string;
}

/** A plane of two versions, all of it on stable. */
export function sketch(slowMs = 100, more: Partial<PlaneSketch['routes'][number]> = {}): PlaneSketch {
  const [stable, canary] = TWO_VERSIONS.versions;
  return {
    routes: [
      {
        versions: [
          { ...stable!, weight: 1 },
          { ...canary!, weight: 0 },
        ],
        slowMs,
        ...more,
      },
    ],
  };
}

/** An exchange of the stable version that has begun. */
export function begun(on: Bench, outcome: Outcome = {}): Exchange {
  const x = exchangeOn(on, outcome.startedAtMs ?? 1000);
  const lines = outcome.color === undefined ? '' : `X-Release-Stage: ${outcome.color}\r\n`;
  decide(x, readHead(on.table, get('/', lines)), peerOf(), new Random(1));
  x.userKey = outcome.userKey ?? x.userKey;
  x.target = outcome.target ?? '/';
  on.lane.recorder.begin(x);
  return x;
}

/** Begins and ends one exchange. */
export function recorded(on: Bench, outcome: Outcome): Exchange {
  const x = begun(on, outcome);
  x.status = outcome.status ?? 200;
  x.reason = outcome.reason ?? REASON.none;
  x.endedAtMs = x.startedAtMs + (outcome.tookMs ?? 5);
  on.lane.recorder.end(x);
  return x;
}

/** One counter of a cell. */
export function word(on: Bench, cell: number, index: number): number {
  return on.tallies.cells[cell * CELL_WORDS + index] as number;
}

/** The counters of a cell that are not zero, by name. */
export function counters(on: Bench, cell: number): Record<string, number> {
  const names = ['inFlight', 'finished', 'bad', 'ignored', 'slow', 'pinned', 'pinnedBad', 'retries'] as const;
  const counts = names.map((name) => [name, word(on, cell, CELL[name])] as const);
  return Object.fromEntries(counts.filter(([, count]) => count !== 0));
}
