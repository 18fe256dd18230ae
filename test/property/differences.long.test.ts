/**
 * A configuration that is brought to the workers by differences is the one that is brought there whole.
 *
 * FUZZ_SEED replays a run.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '#src/lib/random.ts';
import { fuzzSeed } from '../support/http/fuzz/mutate.ts';
import { BothWays, type Outcome } from '../support/stores/differences/both-ways.ts';
import { History } from '../support/stores/differences/history.ts';

const SEED = fuzzSeed();
const HISTORIES = 12;
const STEPS = 25;

test(`differences make what the whole would have made (FUZZ_SEED=${SEED})`, (t) => {
  const outcomes = new Map<Outcome, number>();
  let kept = 0;
  for (let seed = SEED; seed < SEED + HISTORIES; seed++) {
    const history = new History(new Random(seed));
    const ways = new BothWays();
    for (let step = 0; step < STEPS; step++) {
      const outcome = ways.take(history.pieces, `FUZZ_SEED=${seed}, step ${step}`);
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      history.step();
    }
    kept += ways.kept;
  }
  t.diagnostic(`${JSON.stringify(Object.fromEntries(outcomes))}, ${kept} routes taken over`);
  // The histories are worth something only if everything happens in them.
  for (const outcome of ['refused', 'swapped'] as const) assert.ok((outcomes.get(outcome) ?? 0) > HISTORIES, outcome);
  assert.ok(kept > HISTORIES, `${kept} routes taken over`);
});
