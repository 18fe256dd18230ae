/**
 * What the log says of configurations: refused, taken in, live; and of the sources that they come from.
 */

import type { Log } from '../../lib/log.ts';
import { formatProblem, type Problem } from '../../model/problem.ts';
import type { Current, OfferResult } from '../../snapshot/store.ts';
import type { FollowEvent } from '../../sources/follow/follower.ts';

/** Names that one line tells. */
const NAMES_MAX = 20;

export class ConfigLog {
  readonly #log: Log;
  readonly #file: string;
  readonly #number: () => number;

  /**
   * @param file that the gateway was started with
   * @param number of the revision in force, as people know it
   */
  constructor(log: Log, file: string, number: () => number) {
    this.#log = log;
    this.#file = file;
    this.#number = number;
  }

  /** Names the configuration in other lines too. */
  fieldsOf({ snapshot, config }: Current): Record<string, unknown> {
    const { revision, hash } = snapshot;
    return { file: this.#file, revision: this.#number(), snapshot: revision, hash, routes: config.routes.length };
  }

  warn(texts: readonly string[]): void {
    for (const text of texts) this.#log.warn('config_warning', { text });
  }

  warnOf(problems: readonly Problem[]): void {
    this.warn(problems.map(formatProblem));
  }

  /** Says what came of an offer, as far as it is known before the workers have it. */
  offered(result: OfferResult): void {
    if (result.kind === 'refused') {
      this.#log.error('config_refused', { kept: this.#number(), problems: result.problems.map(formatProblem) });
      return;
    }
    this.warnOf(result.warnings);
    if (result.kind === 'unchanged') this.#log.info('config_unchanged', this.fieldsOf(result.current));
    else
      for (const { override, because } of result.lifted)
        this.#log.info('hold_lifted', { ...override, lifted: because });
  }

  /** Every worker has it. */
  live(current: Current): void {
    this.#log.info('config_live', this.fieldsOf(current));
  }
}

/** Says what following a source has to say. @param changesWarn more changes at once are warned of */
export function tellOfSource(log: Log, source: string, event: FollowEvent, changesWarn: number): void {
  if (event.kind === 'failed') log.warn('source_failed', { source, ...event });
  else if (event.kind === 'recovered') log.info('source_recovered', { source, ...event });
  else if (event.kind === 'fresh') log.info('source_fresh', { source });
  else if (event.kind === 'drifted') log.warn('source_drifted', { source, ...event });
  else if (event.kind === 'shrunk') {
    const hint = 'it is kept as it was until this has lasted, or a reload confirms it';
    log.error('source_shrunk', { source, ...event, hint });
  } else {
    const { added, removed, changed } = event.changes;
    const count = added.length + removed.length + changed.length;
    const fields = { added: shown(added), removed: shown(removed), changed: shown(changed) };
    const told = { source, revision: event.revision, count, ...fields };
    if (count > changesWarn) log.warn('source_changed', told);
    else log.info('source_changed', told);
  }
}

/** Names as one line tells them. */
export function shown(names: readonly string[]): readonly string[] {
  if (names.length <= NAMES_MAX) return names;
  return [...names.slice(0, NAMES_MAX), `and ${names.length - NAMES_MAX} more`];
}
