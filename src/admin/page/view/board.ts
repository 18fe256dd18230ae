/**
 * What the live page shows at one moment: a bounded part of the status, with what happened and how it went lately.
 *
 * Types only, shared by the server, which fills it in, and the page's own modules, which turn it into elements.
 */

import type { RouteStatus, SloStatus, Status } from '../../../model/status.ts';

/** Seconds that the charts reach back. */
export const HISTORY_S = 300;

/** How things stand, in words and color. */
export type Tone = 'good' | 'calm' | 'warn' | 'bad';

/** Exchanges of one version in one second. */
export interface Second {
  readonly version: string;
  readonly finished: number;
  readonly bad: number;
  /** Null where nothing finished. */
  readonly p99Ms: number | null;
}

/** One route on the page. */
export interface RouteView {
  readonly route: RouteStatus;
  /** Its own objectives. */
  readonly slos: readonly SloStatus[];
  /** Shares of users by step, in percent; empty for a canary that is only watched. */
  readonly ladder: readonly number[];
  /** Part of the error budget that is left; null: none is counted. */
  readonly remainingRatio: number | null;
  /** Burn rate of every 15 s of the last 5 min, oldest first; null where nothing finished or there is no objective. */
  readonly heat: readonly (number | null)[];
  /** The newest second. */
  readonly now: readonly Second[];
  /** Versions and endpoints beyond those that are shown. */
  readonly more: { readonly versions: number; readonly endpoints: number };
}

/** Something that happened, and the numbers behind it. */
export interface BoardEvent {
  readonly id: string;
  /** Wall clock, ms since 1970. */
  readonly atMs: number;
  readonly kind: string;
  readonly tone: Tone;
  /** Empty: it concerns the gateway. */
  readonly route: string;
  readonly sentence: string;
  readonly facts: readonly (readonly [name: string, value: string])[];
}

/** What the gateway tells of itself besides routes; as in the status, but of faults the active ones only. */
export type GatewayPart = Pick<
  Status,
  | 'version'
  | 'uptimeMs'
  | 'ready'
  | 'notReadyBecause'
  | 'proxyUrl'
  | 'config'
  | 'revisions'
  | 'sources'
  | 'workers'
  | 'saturation'
  | 'faults'
  | 'state'
  | 'eventsLost'
  | 'defects'
>;

/** One moment. */
export interface Board {
  /** Counts the moments; a gap says that some were not received. */
  readonly number: number;
  /** Wall clock, ms since 1970. */
  readonly atMs: number;
  readonly gateway: GatewayPart;
  /** Worst budget first. */
  readonly routes: readonly RouteView[];
  /** Of the configuration; more than are shown where it has many. */
  readonly routesTotal: number;
  /** Objectives of the gateway as a whole, and of services. */
  readonly services: readonly SloStatus[];
  /** Nobody may change anything: no token is configured. */
  readonly isReadOnly: boolean;
  /** Who looks, and who was turned away. */
  readonly viewers: { readonly now: number; readonly max: number; readonly refused: number };
}

/** The seconds of one route, oldest first; arrays of one length. */
export interface RouteHistory {
  readonly route: string;
  /** Wall clock, s since 1970. */
  readonly times: readonly number[];
  readonly versions: readonly {
    readonly version: string;
    readonly finished: readonly (number | null)[];
    readonly bad: readonly (number | null)[];
    readonly p99Ms: readonly (number | null)[];
  }[];
}
