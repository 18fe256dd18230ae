/**
 * A search for an input that breaks a judge: so many hostile variants, or so much time; replayable by its seed.
 */

import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Random } from '#src/lib/random.ts';
import { fuzzMs, fuzzSeed, mutate } from './mutate.ts';

/** What a search found: inputs by the class that the judge gave them. */
export interface Found {
  readonly tried: number;
  readonly classes: ReadonlyMap<string, number>;
}

export interface Search {
  readonly seeds: readonly string[];
  /** Judges one input and names its class; throws when it is a fault. */
  readonly judge: (text: string, random: Random) => string;
  /** Stops there at the latest; by default only time stops it. */
  readonly inputsMax?: number;
  /** Stops there, in ms, once `INPUTS_MIN` were tried; `FUZZ_SECONDS` and the depth of the run if not given. */
  readonly timeMs?: number;
}

const SEED = fuzzSeed();
/** However busy the machine is; some tens of milliseconds. */
const INPUTS_MIN = 1000;

/** After so many the loop turns: parsers of Node.js that were begun anew are let go of only then, and so is what hooks remember of them. */
export const TURN_INPUTS = 10_000;

/** For titles: what repeats a search. */
export const REPLAY = `FUZZ_SEED=${SEED}`;

/** Runs it and reports how many inputs of which class there were, and how fast. */
export async function search(t: TestContext, { seeds, judge, inputsMax, timeMs }: Search): Promise<Found> {
  const random = new Random(SEED);
  const classes = new Map<string, number>();
  const startedMs = performance.now();
  const endsAtMs = startedMs + (timeMs ?? fuzzMs());
  let tried = 0;
  while (tried < (inputsMax ?? Number.POSITIVE_INFINITY) && (tried < INPUTS_MIN || performance.now() < endsAtMs)) {
    const text = mutate(seeds, random);
    tried++;
    if (tried % TURN_INPUTS === 0) await nextTurn();
    try {
      const found = judge(text, random);
      classes.set(found, (classes.get(found) ?? 0) + 1);
    } catch (error) {
      assert.fail(`${REPLAY}, input ${tried}: ${JSON.stringify(text)}\n${String(error)}`);
    }
  }
  const perSecond = Math.round((tried / (performance.now() - startedMs)) * 1000);
  t.diagnostic(`${tried} inputs, ${perSecond} per second`);
  for (const [name, count] of [...classes].sort(([, a], [, b]) => b - a)) t.diagnostic(`${count} ${name}`);
  return { tried, classes };
}
