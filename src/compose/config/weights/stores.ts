/**
 * Composition of the stores that weights are kept in: each is open while it is read, and who looks at the same shares an answer.
 *
 * A reading is shared for SHARED_MS after it was asked for, unless it failed or something was written since; a store without
 * questions for IDLE_MS is closed. A write has a connection of its own: one that was idle may be gone, and then nobody knows
 * what became of it. Bounds: a store per source that can be written, READINGS_MAX readings each.
 */

import { nowMs } from '../../../lib/clock.ts';
import type { SourceSettings } from '../../../sources/stores/settings.ts';
import { openWeightsStore } from '../../../sources/stores/write/open.ts';
import { type Kept, STORE_MS, type WeightsStore } from '../../../sources/stores/write/writer.ts';

export const SHARED_MS = 1000;
const IDLE_MS = 10_000;
export const READINGS_MAX = 1024;

interface Reading {
  readonly askedAtMs: number;
  readonly kept: Promise<Kept>;
}

/** A store of weights that is shared. */
export class OpenWeights {
  readonly #store: WeightsStore;
  /** By route, oldest first. */
  readonly #readings = new Map<string, Reading>();
  #questions = 0;

  constructor(store: WeightsStore) {
    this.#store = store;
  }

  /** Nobody waits for it. */
  get isIdle(): boolean {
    return this.#questions === 0;
  }

  documentOf(route: string): string {
    return this.#store.documentOf(route);
  }

  /** @throws SluiceError `SLU_SOURCE_UNAVAILABLE` */
  read(route: string): Promise<Kept> {
    const known = this.#readings.get(route);
    if (known !== undefined && nowMs() - known.askedAtMs < SHARED_MS) return known.kept;
    this.#readings.delete(route);
    for (const oldest of this.#readings.keys()) {
      if (this.#readings.size < READINGS_MAX) break;
      this.#readings.delete(oldest);
    }
    const kept = this.#ask(() => this.#store.read(route, AbortSignal.timeout(STORE_MS)));
    const reading: Reading = { askedAtMs: nowMs(), kept };
    this.#readings.set(route, reading);
    kept.catch(() => {
      if (this.#readings.get(route) === reading) this.#readings.delete(route);
    });
    return kept;
  }

  /** Something was written: what was asked for before may have been answered before. */
  forget(route: string): void {
    this.#readings.delete(route);
  }

  close(): void {
    this.#readings.clear();
    this.#store.close();
  }

  async #ask<T>(question: () => Promise<T>): Promise<T> {
    this.#questions++;
    try {
      return await question();
    } finally {
      this.#questions--;
    }
  }
}

export class WeightsStores {
  readonly #open = new Map<string, { readonly weights: OpenWeights; readonly closing: NodeJS.Timeout }>();

  /**
   * The store that settings name; null: nothing can be written there.
   * @throws SluiceError `SLU_SOURCE_UNAVAILABLE` when a certificate cannot be read
   */
  of(settings: SourceSettings): OpenWeights | null {
    const name = JSON.stringify(settings);
    const known = this.#open.get(name);
    if (known !== undefined) {
      known.closing.refresh();
      return known.weights;
    }
    const store = openWeightsStore(settings);
    if (store === null) return null;
    const weights = new OpenWeights(store);
    const closing = setTimeout(() => this.#close(name), IDLE_MS).unref();
    this.#open.set(name, { weights, closing });
    return weights;
  }

  /** Idempotent. */
  close(): void {
    for (const { weights, closing } of this.#open.values()) {
      clearTimeout(closing);
      weights.close();
    }
    this.#open.clear();
  }

  #close(name: string): void {
    const { weights, closing } = this.#open.get(name) ?? {};
    if (weights?.isIdle === false) {
      closing?.refresh();
      return;
    }
    this.#open.delete(name);
    weights?.close();
  }
}
