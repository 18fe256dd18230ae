/**
 * What the commands about SLO files are given by other sections.
 */

import type { Config } from '../../model/config.ts';
import type { AlertSeverity } from '../../model/slo.ts';
import type { RecordedRequest, TrafficObjective, TrafficReport } from '../../model/threads/load/traffic.ts';

/** Steps from a document's root to a value. */
export type Path = readonly (string | number)[];

/** A place in a file, 1-based. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** One document of a YAML file. */
export interface FileDocument {
  readonly value: unknown;
  placeOf(path: Path): Place;
}

/** When the gateway's alerts fire: both windows burn above the factor, beyond chance. */
export interface AlertRule {
  readonly severity: AlertSeverity;
  readonly long: string;
  readonly short: string;
  readonly factor: number;
}

/** Kinds of problems of SLO files (sources/problems/codes.ts). */
export type SloProblemKind = 'sloField' | 'sloReference' | 'sloNumbers' | 'sloTraffic' | 'sloTwice';

/** Objectives that recorded traffic is shown to. */
export interface TrafficReplayer {
  /** How far behind the newest request another may have ended, s. */
  readonly reorderS: number;
  /** Takes a request in; false: it comes too late. */
  take(request: RecordedRequest): boolean;
  /** What they would have said. Called once. */
  end(): TrafficReport;
}

export interface SloTools {
  /** Every document of a text, or where it is no YAML. */
  readYaml(
    text: string,
  ):
    | { readonly ok: true; readonly documents: readonly FileDocument[] }
    | { readonly ok: false; readonly place: Place; readonly because: string };
  writeYaml(documents: readonly unknown[]): string;
  /** As a configuration takes it, `1m30s`. @param ms whole */
  writeDuration(ms: number): string;
  readonly rules: readonly AlertRule[];
  /** Fewest failures of `total` events that no chance explains at an error ratio; null: not even all of them. */
  badNeeded(total: number, expectedRatio: number): number | null;
  /** @param objectives about requests @param config whose routes say what counts for whom; null: the requests themselves do */
  replay(objectives: readonly TrafficObjective[], config: Config | null): TrafficReplayer;
  codeOf(kind: SloProblemKind | 'syntax'): string;
}
