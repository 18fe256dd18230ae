/**
 * What the admin server looks at: read-only functions that the composition root hands in.
 */

import type { ForecastAnswer, ForecastQuestion } from '../model/rollout.ts';
import type { LoggedDecision } from '../model/slo.ts';
import type { Status, WeightsView } from '../model/status.ts';
import type { InForceAnswer, RouteAnswer, RouteListing, RouteQuestion } from '../model/threads/explain.ts';
import type { DiffResult, RevisionEntry } from '../model/threads/revision.ts';
import type { BoardSource } from './page/live.ts';
import type { Streamed } from './reply.ts';

/** What a scraper says about the page that it wants: the fields of its request, empty where there is none. */
export interface ScrapeAsked {
  readonly accept: string;
  readonly acceptEncoding: string;
}

/** A whole metrics page. */
export interface MetricsPage {
  readonly contentType: string;
  readonly body: string;
}

/** Every function may throw; the server answers 500 then and goes on. */
export interface AdminView {
  status(): Status;
  /** What the routes in force are, in their order. */
  routes(): readonly RouteListing[];
  /** Oldest first. */
  decisions(): readonly LoggedDecision[];
  /** The decisions with their evidence, a JSON object per line; null: they are in the state directory. */
  log(): string | null;
  /** Whether the process can still do its work; false asks a supervisor for a restart. */
  live(): boolean;
  /** As text. */
  metrics(): Promise<MetricsPage>;
  /** The same in the format that is asked for, sent as it is made; null: too many are under way. */
  scrape(asked: ScrapeAsked): Promise<Streamed | null>;
  /** The weights of a route, as its store has them now; null: no such route. Bounded in time by itself. */
  weights(route: string): Promise<WeightsView | null>;
  /** Accepted configurations, newest first. */
  revisions(): readonly RevisionEntry[];
  /** What differs between two of them; empty names: what is in force, and the one before. */
  diff(before: string, after: string): DiffResult;
  /** What a rollout can find; cost: some ten milliseconds a step. */
  forecast(question: ForecastQuestion): ForecastAnswer;
  /** Where a setting comes from; of large documents one question at a time. */
  explainSetting(path: string): Promise<InForceAnswer>;
  /** Which route takes a request; of 10,000 routes of one host 0.3 s, and 0.6 s more for the first question about a configuration. */
  explainRoute(question: RouteQuestion): RouteAnswer;
  /** What the live page is made from. */
  readonly board: BoardSource;
}
