/**
 * Composition of going on with a configuration that an earlier process had in force: found in the history, its endpoints looked up,
 * put in force as no news.
 */

import type { Log } from '../../../lib/log.ts';
import type { Config } from '../../../model/config.ts';
import type { History } from '../../../snapshot/revisions/history.ts';
import type { OfferResult } from '../../../snapshot/store.ts';
import { type Sound, soundOf } from './commands.ts';

/** What it takes. */
export interface Resumed {
  readonly log: Pick<Log, 'error'>;
  readonly history: History;
  /** A configuration of before with what belongs to this process as it is. */
  readonly asOwn: (config: Config) => Config;
  /** Calls `put` when the endpoints of a configuration are there. @returns what came of it, or why it was not even called */
  readonly prepared: (config: Config, put: () => OfferResult) => Promise<OfferResult | string>;
  readonly offer: (own: Sound) => OfferResult;
  /** Resolves when every worker obeys. */
  readonly apply: (result: OfferResult) => Promise<void>;
}

/**
 * Goes on with what has this hash; the history is settled afterwards, whatever came of it.
 * @param done is called before anybody obeys it
 * @returns why it is not in force; empty: it is, or something newer came meanwhile
 */
export async function resume(hash: string, done: () => void, of: Resumed): Promise<string> {
  const { history, log, apply } = of;
  let because = 'its revision is not kept any more';
  try {
    const result = await offered(hash, of);
    // Somebody has said something else while endpoints were waited for.
    if (typeof result === 'string') {
      history.settle();
      return '';
    }
    if (result?.kind === 'swapped') {
      done();
      apply(result).catch((error: unknown) => log.error('config_failed', { error }));
      return '';
    }
    if (result?.kind === 'refused') because = result.problems[0]?.got ?? because;
  } catch (error) {
    because = error instanceof Error ? error.message : String(error);
  }
  history.settle();
  return because;
}

/** Null: it is not kept. */
async function offered(
  hash: string,
  { history, asOwn, prepared, offer }: Resumed,
): Promise<OfferResult | string | null> {
  const entry = history.find(hash);
  if (entry === null) return null;
  const own = soundOf(asOwn(history.configOf(entry)));
  return prepared(own.config, () => {
    const result = offer(own);
    if (result.kind === 'swapped') history.settle(hash);
    return result;
  });
}
