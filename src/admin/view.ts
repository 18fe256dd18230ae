/**
 * What the admin server looks at: read-only functions that the composition root hands in.
 */

import type { ForecastAnswer, ForecastQuestion } from '../model/rollout.ts';
import type { Decision } from '../model/slo.ts';
import type { Status, WeightsView } from '../model/status.ts';
import type { DiffResult, RevisionEntry } from '../model/threads/revision.ts';

/** A metrics page, ready to send. */
export interface MetricsPage {
  readonly contentType: string;
  readonly body: string;
}

/** Every function may throw; the server answers 500 then and goes on. */
export interface AdminView {
  status(): Status;
  /** Oldest first. */
  decisions(): readonly Decision[];
  /** The decisions with their evidence, a JSON object per line; null: they are in the state directory. */
  log(): string | null;
  /** Whether the process can still do its work; false asks a supervisor for a restart. */
  live(): boolean;
  metrics(): Promise<MetricsPage>;
  /** The weights of a route, as its store has them now; null: no such route. Bounded in time by itself. */
  weights(route: string): Promise<WeightsView | null>;
  /** Accepted configurations, newest first. */
  revisions(): readonly RevisionEntry[];
  /** What differs between two of them; empty names: what is in force, and the one before. */
  diff(before: string, after: string): DiffResult;
  /** What a rollout can find; cost: some ten milliseconds a step. */
  forecast(question: ForecastQuestion): ForecastAnswer;
}
