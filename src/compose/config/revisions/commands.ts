/**
 * Composition of words about revisions: going back, by a person or by the gateway itself, and lifting a pin.
 *
 * Each puts a configuration in force when its endpoints are there, unless something newer came meanwhile: that was not known to
 * who asked.
 */

import type { Config } from '../../../model/config.ts';
import type { ParseResult } from '../../../model/problem.ts';
import type { ConfigCommand, ConfigCommandResult, Pin } from '../../../model/threads/revision.ts';
import { hashConfig } from '../../../snapshot/hash.ts';
import type { History, Kept } from '../../../snapshot/revisions/history.ts';
import type { Current, OfferResult } from '../../../snapshot/store.ts';
import { unknownRevision } from './diff.ts';

/** A configuration that was read, with its content hash. */
export type Sound = ParseResult & { readonly ok: true } & { readonly hash: string };

/** A configuration that is to be put in force, and as what. */
export interface Asked {
  readonly sound: Sound;
  readonly origin: string;
  /** The entry whose content it is. */
  readonly contentOf: Kept | null;
}

/** What is commanded. */
export interface Commanded {
  readonly history: History;
  /** What is in force, null before the first. */
  readonly current: () => Current | null;
  readonly pin: () => Pin | null;
  /** What the sources hold, as far as it could be read. */
  readonly sourced: () => Sound | null;
  /** A configuration of before with what belongs to this process as it is. */
  readonly asOwn: (config: Config) => Config;
  /**
   * Puts a configuration in force, and calls `then` before anybody obeys it, unless it is refused.
   * @returns what came of it, or why it was not even offered
   */
  readonly put: (asked: Asked, then: (result: OfferResult) => void) => Promise<OfferResult | string>;
  /** What is in force is not what the sources hold, and is to stay. */
  readonly hold: (by: string, reason: string) => void;
  readonly unpin: (by: string, reason: string) => void;
  /** Resolves when every worker obeys. */
  readonly apply: (result: OfferResult) => Promise<void>;
}

export class RevisionCommands {
  readonly #of: Commanded;

  constructor(of: Commanded) {
    this.#of = of;
  }

  /** Obeys a person. Resolves when every worker does. */
  async obey(command: ConfigCommand): Promise<ConfigCommandResult> {
    return command.name === 'rollback' ? this.#rollback(command) : this.#release(command);
  }

  /**
   * Goes back by itself to a configuration that was in force, and holds it against the sources.
   * @returns why it is not in force; empty: it is
   */
  async revert(config: Config, reason: string): Promise<string> {
    const sound = soundOf(this.#of.asOwn(config));
    const asked = { sound, origin: 'rollback by sluice', contentOf: this.#of.history.find(sound.hash) };
    const result = await this.#of.put(asked, ({ kind }) => {
      if (kind === 'swapped') this.#of.hold('sluice', reason);
    });
    if (typeof result === 'string') return result;
    if (result.kind === 'refused') return `it cannot be used now: ${result.problems[0]?.got ?? ''}`;
    if (result.kind === 'unchanged') return 'what was in force before is the same';
    await this.#of.apply(result);
    return '';
  }

  async #rollback({ to, by, reason }: ConfigCommand & { readonly name: 'rollback' }): Promise<ConfigCommandResult> {
    const { history } = this.#of;
    const { newest } = history;
    const entry = to === '' ? newest && history.before(newest) : history.find(to);
    if (entry === null) return unknownRevision(history, to);
    const number = history.numberOf(entry);
    if (entry.head.hash === this.#of.current()?.snapshot.hash) {
      return { kind: 'refused', detail: `revision ${number} is what is in force` };
    }
    let sound: Sound;
    try {
      sound = soundOf(this.#of.asOwn(history.configOf(entry)));
    } catch (error) {
      return { kind: 'refused', detail: error instanceof Error ? error.message : String(error) };
    }
    const before = newest === null ? 0 : history.numberOf(newest);
    const result = await this.#of.put({ sound, origin: `rollback by ${by}`, contentOf: entry }, ({ kind }) => {
      if (kind !== 'refused') this.#of.hold(by, reason);
    });
    if (typeof result === 'string') return { kind: 'refused', detail: result };
    if (result.kind === 'refused') {
      return { kind: 'refused', detail: `revision ${number} cannot be used now: ${result.problems[0]?.got ?? ''}` };
    }
    await this.#of.apply(result);
    const pinned = this.#of.pin() === null ? 'as the sources hold it' : 'pinned until the sources hold something else';
    return this.#done(`configuration rolled back from revision ${before} to ${number}, ${pinned}`);
  }

  async #release({ by, reason }: ConfigCommand): Promise<ConfigCommandResult> {
    if (this.#of.pin() === null) return { kind: 'refused', detail: 'the configuration is not pinned' };
    const sound = this.#of.sourced();
    if (sound === null) {
      const detail = 'what the sources hold is not known: they have not all answered since the start';
      return { kind: 'refused', detail };
    }
    const asked = { sound, origin: `unpinned by ${by}`, contentOf: this.#of.history.find(sound.hash) };
    const result = await this.#of.put(asked, ({ kind }) => {
      if (kind !== 'refused') this.#of.unpin(by, reason);
    });
    if (typeof result === 'string') return { kind: 'refused', detail: result };
    if (result.kind === 'refused') {
      return { kind: 'refused', detail: `what the sources hold cannot be used now: ${result.problems[0]?.got ?? ''}` };
    }
    await this.#of.apply(result);
    return this.#done('the pin is lifted: what the sources hold is in force');
  }

  #done(sentence: string): ConfigCommandResult {
    const { history, current } = this.#of;
    const number = history.newest === null ? 0 : history.numberOf(history.newest);
    return { kind: 'done', sentence, number, hash: current()?.snapshot.hash ?? '' };
  }
}

/** A configuration as if it had been read. */
export function soundOf(config: Config): Sound {
  return { ok: true, config, warnings: [], hash: hashConfig(config) };
}
