/**
 * Nouns of overload: how important a request is, and how many a version gets at a time.
 */

/** How important a request is when a version has more than it can serve, in order: the first is served first. */
export const PRIORITIES = ['critical', 'default', 'degraded', 'best-effort'] as const;

export type Priority = (typeof PRIORITIES)[number];

/**
 * How many requests of a version one worker lets be under way: what its latency allows (`auto`), any number (`off`), or so
 * many.
 */
export type ConcurrencyLimit = 'auto' | 'off' | number;

/** What overload control goes by in the requests themselves. */
export interface OverloadConfig {
  /** Lower-case header in which trusted proxies name a request's priority, removed from anybody else's; null = none. */
  readonly priorityHeader: string | null;
}
