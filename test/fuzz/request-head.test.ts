/** Request heads against llhttp: what we accept, it accepts and reads alike; and what we send on, it reads as one request. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { corpusOf, listOf, seedsOf } from '../support/http/fuzz/corpus.ts';
import { judgeRequestHead, ONLY_LLHTTP_ACCEPTS, ONLY_WE_ACCEPT } from '../support/http/fuzz/request-heads.ts';
import { REPLAY, search } from '../support/http/fuzz/search.ts';

const isAccepted = (found: string): boolean => found === 'accepted' || found.startsWith('only we');
const corpus = corpusOf('request-head');

describe('the corpus of request heads', () => {
  for (const [name, texts] of corpus) {
    it(`${name}: ${texts.length} are ${name.startsWith('accepted') ? 'accepted' : 'judged without a fault'}`, () => {
      for (const text of texts) {
        const found = judgeRequestHead(text);
        if (name.startsWith('accepted')) assert.ok(isAccepted(found), JSON.stringify(text));
        if (name.startsWith('refused')) assert.ok(!isAccepted(found), JSON.stringify(text));
      }
    });
  }

  it('has an example of every explained difference, so that none outlives its reason', () => {
    const found = new Set(listOf('request-head/differences').map(judgeRequestHead));
    const explained = [
      ...Object.keys(ONLY_LLHTTP_ACCEPTS).map((key) => `only llhttp: ${key}`),
      ...Object.keys(ONLY_WE_ACCEPT).map((key) => `only we: ${key}`),
    ];
    assert.deepEqual([...found].sort(), explained.sort());
  });
});

describe(`hostile request heads (${REPLAY})`, () => {
  it('are never accepted where llhttp refuses, never read differently, and never throw', async (t) => {
    const { tried, classes } = await search(t, { seeds: seedsOf('request-head'), judge: judgeRequestHead });
    const accepted = classes.get('accepted') ?? 0;
    assert.ok(accepted > 0 && accepted < tried);
  });
});
