/**
 * What the log says of configurations: refused, taken in, live.
 */

import type { Log } from '../../lib/log.ts';
import { formatProblem, type Problem } from '../../model/problem.ts';
import type { Current, OfferResult } from '../../snapshot/store.ts';

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
