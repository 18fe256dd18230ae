/**
 * How a gateway ends: told to, or because another process serves. Once, whoever asks and however often.
 *
 * ```
 * drain ─▶ serves, if it is still starting ─▶ asks clients to leave ─▶ ends a restart ─┐
 * leave (another process accepts) ─────────────────────────────────────────────────────┴▶ exchanges finish ─▶ closed
 * ```
 */

import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../../lib/log.ts';
import type { DrainConfig } from '../../model/config.ts';
import type { Workers } from '../../proxy/threads/workers.ts';
import type { Configuration } from '../config/configuration.ts';
import type { Restart } from './restart.ts';

export interface EndingDeps {
  readonly log: Pick<Log, 'info' | 'warn' | 'error'>;
  /** Readiness fails, unless another process serves. */
  readonly begun: (phase: 'draining' | 'leaving') => void;
  readonly restart: Pick<Restart, 'stop'>;
  readonly configuration: Pick<Configuration, 'close'>;
  /** null: there are none yet. */
  readonly workers: () => Pick<Workers, 'lameDuck' | 'drain'> | null;
  readonly limits: () => DrainConfig;
  /** Lets go of everything. */
  readonly close: () => Promise<void>;
}

/** One for the process. */
export class Ending {
  readonly #deps: EndingDeps;
  readonly #served = Promise.withResolvers<void>();
  #hasServed = false;
  readonly #end = Promise.withResolvers<number>();
  #draining: Promise<void> | null = null;
  #finishing: Promise<void> | null = null;

  constructor(deps: EndingDeps) {
    this.#deps = deps;
  }

  /** The exit code: 0 after a drain or a restart, 1 when it could not go on. Never rejects. */
  get closed(): Promise<number> {
    return this.#end.promise;
  }

  /** The gateway serves, so that it can drain. */
  served(): void {
    this.#hasServed = true;
    this.#served.resolve();
  }

  /** Ends in order, once the gateway serves. */
  drain(): Promise<void> {
    this.#draining ??= this.#drain();
    return this.#draining;
  }

  /** The same for whoever cannot wait for it: what goes wrong is told. @param now what is to be done then, or happens */
  drainAside(now: string): void {
    this.drain().catch((error: unknown) => this.#deps.log.error('drain_failed', { error, now }));
  }

  /** Another process accepts. */
  leave(): void {
    if (this.#draining === null) this.#deps.begun('leaving');
    this.#draining = this.#finish().catch((error: unknown) => {
      this.#deps.log.error('drain_failed', { error, now: 'another process serves; this one ends' });
      this.#end.resolve(1);
    });
  }

  async #drain(): Promise<void> {
    if (!this.#hasServed) await this.#served.promise;
    this.#deps.begun('draining');
    this.#deps.workers()?.lameDuck();
    await this.#deps.restart.stop();
    await this.#finish();
  }

  #finish(): Promise<void> {
    this.#finishing ??= this.#finishExchanges();
    return this.#finishing;
  }

  async #finishExchanges(): Promise<void> {
    const { log, limits, configuration, workers, close } = this.#deps;
    const { delayMs, timeoutMs } = limits();
    log.info('draining', { delayMs, timeoutMs });
    await configuration.close();
    await sleep(delayMs, undefined, { ref: false });
    const finished = workers()?.drain() ?? Promise.resolve();
    const isDone = await Promise.race([finished.then(() => true), sleep(timeoutMs, false, { ref: false })]);
    if (!isDone) log.warn('drain_timeout', { cut: 'exchanges still under way', timeoutMs });
    log.info('drained');
    await close();
    this.#end.resolve(0);
  }
}
