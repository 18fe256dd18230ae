/** A million hostile request heads against llhttp, in as much time as a run has. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { seedsOf } from '../support/http/fuzz/corpus.ts';
import { judgeRequestHead } from '../support/http/fuzz/request-heads.ts';
import { REPLAY, search } from '../support/http/fuzz/search.ts';

const INPUTS = 1_000_000;
/** Time box: a slow machine tries fewer, and the report says how many. */
const TIME_MS = 120_000;

it(`a million hostile request heads: none is accepted that llhttp refuses (${REPLAY})`, async (t) => {
  const { tried, classes } = await search(t, {
    seeds: seedsOf('request-head'),
    judge: judgeRequestHead,
    inputsMax: INPUTS,
    timeMs: TIME_MS,
  });
  assert.ok((classes.get('accepted') ?? 0) > tried / 100, 'enough of them are whole requests');
});
