/**
 * Composition of what looks after the gateway by itself, beside the loop: its own limits and defects, faults on purpose,
 * idempotency keys, alerts to people, the thread that exports traces, mirrors that compare, and people who look at live requests.
 */

import { randomInt } from 'node:crypto';
import type { Log } from '../../lib/log.ts';
import { Random } from '../../lib/random.ts';
import type { Config } from '../../model/config.ts';
import type { SavedBudget } from '../../model/threads/state.ts';
import type { Workers } from '../../proxy/threads/workers.ts';
import type { Store } from '../../snapshot/store.ts';
import type { Insight } from '../admin.ts';
import type { Keeper } from '../durable.ts';
import { Alerts } from './alerts/alerts.ts';
import { Defects } from './defects.ts';
import { Faults } from './faults.ts';
import { IdempotencyKeys, type Tell } from './idempotency/keys.ts';
import { Mirrors } from './mirrors/mirrors.ts';
import { Saturation } from './saturation.ts';
import { Taps } from './taps.ts';
import { Tracing } from './tracing/tracing.ts';

export interface WatchesDeps {
  readonly log: Log;
  readonly store: Store;
  readonly workers: () => Workers | null;
  /** The parts that alerts are about, and what outlives the process is kept by; asked for once they are all there. */
  readonly insight: () => Insight;
  readonly release: { readonly version: string };
  readonly environment: Readonly<Record<string, string | undefined>>;
}

export class Watches {
  readonly defects: Defects;
  readonly saturation: Saturation;
  readonly faults: Faults;
  readonly idempotency: IdempotencyKeys;
  readonly alerts: Alerts;
  readonly tracing: Tracing;
  readonly mirrors: Mirrors;
  readonly taps: Taps;

  constructor(deps: WatchesDeps) {
    const save = (rows: ReadonlyMap<string, SavedBudget>): void => deps.insight().durable.keep(rows);
    this.defects = new Defects(deps);
    this.saturation = new Saturation(deps);
    this.faults = new Faults({ ...deps, save });
    this.idempotency = new IdempotencyKeys(deps.log);
    const random = new Random(randomInt(2 ** 31));
    this.alerts = new Alerts({ ...deps, save, draw: () => random.nextFloat() });
    this.tracing = new Tracing(deps);
    this.mirrors = new Mirrors({ log: deps.log, defects: this.defects });
    this.taps = new Taps(deps);
  }

  /** What outlives the process. */
  get keepers(): readonly Keeper[] {
    return [this.faults, this.alerts];
  }

  /** Takes in a configuration before workers have it. */
  prepare(config: Config): void {
    this.idempotency.follow(config);
    this.tracing.follow(config);
  }

  /** Takes in a configuration that is in force. */
  follow(config: Config): void {
    this.prepare(config);
    this.alerts.follow(config);
    this.mirrors.follow(config);
  }

  /** A worker has begun, in the place of the one that had its number. */
  born(id: number, tell: Tell): void {
    this.idempotency.born(id, tell);
    this.tracing.born(id, tell);
    this.taps.born(id, tell);
  }

  /** Looks no more; idempotency keys can be looked up until `end`. */
  close(): void {
    this.saturation.close();
    this.faults.close();
    this.alerts.close();
    this.mirrors.close();
  }

  /** The workers have ended. */
  async end(): Promise<void> {
    await Promise.all([this.idempotency.close(), this.tracing.close()]);
  }
}
