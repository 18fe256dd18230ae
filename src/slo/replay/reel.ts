/**
 * Keeps tapes in memory, where there is no state directory: of every route the newest ones, within REEL_BYTES_MAX.
 *
 * The oldest go: first whole tapes of earlier rollouts, in the end the beginning of the present one, which is counted.
 */

import type { Segment } from '../../model/threads/state.ts';

/** Per route: 3 hours of a rollout at 1,000 requests per second, days of one with little traffic. */
export const REEL_BYTES_MAX = 4 * 1024 * 1024;
/** Over all routes. */
export const REELS_BYTES_MAX = 32 * 1024 * 1024;

export class Reels {
  /** Segments by route, oldest first. */
  readonly #byRoute = new Map<string, Segment[]>();
  readonly #letGo = new Map<string, { readonly route: string; segments: number }>();
  #bytes = 0;

  keep(segment: Segment): void {
    const kept = this.#byRoute.get(segment.route) ?? [];
    this.#byRoute.set(segment.route, kept);
    kept.push(segment);
    this.#bytes += segment.bytes.length;
    while (sizeOf(kept) > REEL_BYTES_MAX) this.#drop(kept);
    while (this.#bytes > REELS_BYTES_MAX) this.#drop(this.#largest());
  }

  /** Everything there is, tape after tape. */
  get segments(): readonly Segment[] {
    return [...this.#byRoute.values()].flat();
  }

  /** Tapes that lost their beginning, and how much of it. */
  get letGo(): readonly { readonly watch: string; readonly route: string; readonly segments: number }[] {
    const watches = new Set(this.segments.map(({ watch }) => watch));
    return [...this.#letGo].flatMap(([watch, loss]) => (watches.has(watch) ? [{ watch, ...loss }] : []));
  }

  #drop(kept: Segment[]): void {
    const oldest = kept.shift();
    if (oldest === undefined) return;
    const { watch, route, bytes } = oldest;
    this.#bytes -= bytes.length;
    const before = this.#letGo.get(watch)?.segments ?? 0;
    this.#letGo.set(watch, { route, segments: before + 1 });
    if (!kept.some((segment) => segment.watch === watch)) this.#letGo.delete(watch);
  }

  #largest(): Segment[] {
    let largest: Segment[] = [];
    for (const kept of this.#byRoute.values()) if (sizeOf(kept) > sizeOf(largest)) largest = kept;
    return largest;
  }
}

function sizeOf(kept: readonly Segment[]): number {
  return kept.reduce((sum, { bytes }) => sum + bytes.length, 0);
}
