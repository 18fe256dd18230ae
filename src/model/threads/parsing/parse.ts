/**
 * What the main thread and the thread that parses say to each other: differences to what was said before, as most of ten
 * thousand routes stay as they are.
 */

import type { RouteConfig, ServiceConfig } from '../../config.ts';
import type { Edit } from './edits.ts';

/** How the thread begins. */
export interface ParseSetup {
  /** Variables for `${NAME}`. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** A job. Documents and results are of the section that parses; nobody else looks into them. */
export interface ToParser {
  readonly id: number;
  /** From those of the job before; the first begins with none. */
  readonly documents: readonly Edit<unknown>[];
}

/** What came of a job; jobs are answered in their order. */
export interface FromParser {
  readonly id: number;
  /** A configuration without its services and routes, or problems. */
  readonly parsed: unknown;
  /** From those of the configuration before, of the same thread; null: there is no configuration. */
  readonly lists: ConfigEdits | null;
}

/** Differences between the long lists of two configurations. */
export interface ConfigEdits {
  readonly services: readonly Edit<ServiceConfig>[];
  readonly routes: readonly Edit<RouteConfig>[];
}
