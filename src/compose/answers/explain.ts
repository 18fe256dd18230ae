/**
 * Composition of explanations: which route takes a request, from the snapshot in force or from a document that is not.
 */

import { randomInt } from 'node:crypto';
import { wallTime } from '../../lib/clock.ts';
import type { Config } from '../../model/config.ts';
import type { RouteAnswer, RouteQuestion } from '../../model/threads/explain.ts';
import { explainRoute } from '../../proxy/decide/explain.ts';
import { createDials, type Dials } from '../../snapshot/dials.ts';
import { type Current, Store } from '../../snapshot/store.ts';

/** What is drawn for a request without a user key is another each time, as for requests. */
const SEEDS = 2 ** 31;

/** Explains by what is in force. */
export function explainInForce({ snapshot }: Current, dials: Dials, question: RouteQuestion): RouteAnswer {
  return explainRoute(snapshot, question, { dials, seed: randomInt(SEEDS) });
}

/** Explains by a document, at the weights that it gives. */
export function explainConfig(config: Config, file: string, question: RouteQuestion): RouteAnswer {
  const dials = createDials();
  const store = new Store({ file, dials, wallTime, mayRecycle: () => false });
  const result = store.offer({ ok: true, config, warnings: [] });
  if (result.kind === 'refused') return { kind: 'refused', detail: result.problems[0]?.got ?? 'it cannot be used' };
  return explainInForce(result.current, dials, question);
}
