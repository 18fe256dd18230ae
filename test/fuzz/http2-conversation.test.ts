/** Clients that keep to the rules of HTTP/2 and servers that answer as they like: every byte arrives, and every window opens again. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '#src/lib/random.ts';
import { Conversation } from '../support/http/fuzz/conversation.ts';
import { fuzzMs, fuzzSeed } from '../support/http/fuzz/mutate.ts';

const SEED = fuzzSeed();
const RUNS_MIN = 6;
const STEPS = 400;
/** Of connections: the usual one, and one that is always short. */
const WINDOWS = [524_280, 65_535];

test(`what a client may say ends no session, and nothing of it is left (FUZZ_SEED=${SEED})`, (t) => {
  const random = new Random(SEED);
  const endsAtMs = performance.now() + fuzzMs();
  let runs = 0;
  let streams = 0;
  for (; runs < RUNS_MIN || performance.now() < endsAtMs; runs++) {
    const seed = random.nextUint32();
    const own = new Random(seed);
    const conversation = new Conversation((below) => own.nextUint32() % below, WINDOWS[runs % 2] as number);
    try {
      for (let step = 0; step < STEPS; step++) conversation.step();
      conversation.finish();
    } catch (error) {
      const what = error instanceof Error ? error.stack : String(error);
      assert.fail(`run ${runs}, seed ${seed}: ${what}`);
    }
    streams += conversation.streamCount;
  }
  t.diagnostic(`${runs} conversations of ${streams} streams`);
});
