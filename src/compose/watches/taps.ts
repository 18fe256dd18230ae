/**
 * Composition of taps: people who look at live requests, and the workers that show them some.
 *
 * The wishes are told to every worker that lives or comes; each keeps to a tap's rate by itself, and what they show
 * together is kept to it here. While nobody looks workers are told so once, and nothing is sent.
 */

import type { TapAnswer, TapReader, TapSource } from '../../admin/process/tap.ts';
import { accessFields } from '../../export/requests/access-log.ts';
import { nowMs, wallTime } from '../../lib/clock.ts';
import type { Log } from '../../lib/log.ts';
import { similarTo } from '../../lib/text/similar.ts';
import { TAPS_MAX, type Tap, type TapBatch, type TapFilter, type TapWish } from '../../model/threads/requests/tap.ts';
import { Pace } from '../../proxy/record/tap.ts';
import type { Store } from '../../snapshot/store.ts';
import type { Tell } from './idempotency/keys.ts';

export interface TapsDeps {
  readonly log: Pick<Log, 'info'>;
  readonly store: Pick<Store, 'current'>;
}

/** Somebody who looks. */
interface Looking {
  readonly tap: Tap;
  readonly reader: TapReader;
  readonly pace: Pace;
}

export class Taps implements TapSource {
  readonly #deps: TapsDeps;
  readonly #workers = new Map<number, Tell>();
  readonly #looking = new Map<number, Looking>();
  #ids = 0;

  constructor(deps: TapsDeps) {
    this.#deps = deps;
  }

  /** A worker has begun, in the place of the one that had its number. */
  born(id: number, tell: Tell): void {
    this.#workers.set(id, tell);
    if (this.#looking.size > 0) this.#tell(tell);
  }

  open(wish: TapWish, reader: TapReader): TapAnswer {
    const unknown = this.#unknownIn(wish.filter);
    if (unknown !== '') return { kind: 'unknown', detail: unknown };
    if (this.#looking.size >= TAPS_MAX) return { kind: 'busy', detail: `${TAPS_MAX} taps are open already` };
    const tap: Tap = { id: ++this.#ids, ...wish };
    this.#looking.set(tap.id, { tap, reader, pace: new Pace(wish.perSecond) });
    this.#deps.log.info('tap_opened', { tap: tap.id, ...wish.filter, perSecond: wish.perSecond });
    this.#tellAll();
    return { kind: 'open', close: () => this.#close(tap.id) };
  }

  /** Shows what a worker has found. */
  take({ rows, counts }: TapBatch): void {
    const atMs = nowMs();
    const offsetMs = Date.parse(wallTime()) - atMs;
    for (const [id, { reader, pace }] of this.#looking) {
      const own = rows.filter((row) => row[0] === id);
      const shown = own.filter(() => pace.admits(atMs));
      const { matched = 0, overRate = 0, dropped = 0 } = counts.get(id) ?? {};
      const requests = shown.map(([, isPinned, record]) => {
        const { event: _event, sampleRatio: _ratio, ...fields } = accessFields(record, offsetMs);
        return { ...fields, pinned: isPinned };
      });
      reader.take(requests, { matched, overRate: overRate + own.length - shown.length, dropped });
    }
  }

  #close(id: number): void {
    if (!this.#looking.delete(id)) return;
    this.#deps.log.info('tap_closed', { tap: id });
    this.#tellAll();
  }

  #tellAll(): void {
    for (const tell of this.#workers.values()) this.#tell(tell);
  }

  #tell(tell: Tell): void {
    tell({ kind: 'tap', taps: [...this.#looking.values()].map(({ tap }) => tap) }, []);
  }

  /** What of a filter is not in the configuration, or empty: nobody waits for requests of a route that is misspelt. */
  #unknownIn({ route, version }: TapFilter): string {
    const routes = this.#deps.store.current?.config.routes ?? [];
    const asked = route === null ? routes : routes.filter(({ name }) => name === route);
    if (route !== null && asked.length === 0)
      return noSuch(
        'route',
        route,
        routes.map(({ name }) => name),
      );
    const versions = new Set(asked.flatMap(({ backendRefs }) => backendRefs.map((ref) => ref.version)));
    return version === null || versions.has(version) ? '' : noSuch('version', version, [...versions]);
  }
}

function noSuch(what: string, name: string, known: readonly string[]): string {
  const meant = similarTo(name, known);
  return `no ${what} ${name}${meant === null ? '' : ` (did you mean ${meant}?)`}`;
}
