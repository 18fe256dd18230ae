/** Response heads against llhttp: what we accept, it accepts and reads alike; and what we send on, it reads as one response. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { corpusOf, listOf, seedsOf } from '../support/http/fuzz/corpus.ts';
import { judgeResponseHead, ONLY_LLHTTP_ACCEPTS } from '../support/http/fuzz/response-heads.ts';
import { REPLAY, search } from '../support/http/fuzz/search.ts';

const corpus = corpusOf('response-head');
const PLAIN = { isHead: false, minor: 1 };

describe('the corpus of response heads', () => {
  for (const [name, texts] of corpus) {
    it(`${name}: ${texts.length}`, () => {
      for (const text of texts) {
        const found = judgeResponseHead(text, PLAIN);
        if (name.startsWith('accepted')) assert.equal(found, 'accepted', JSON.stringify(text));
        if (name.startsWith('refused')) assert.notEqual(found, 'accepted', JSON.stringify(text));
        judgeResponseHead(text, { isHead: true, minor: 1 });
        judgeResponseHead(text, { isHead: false, minor: 0 });
      }
    });
  }

  it('has an example of every explained difference, so that none outlives its reason', () => {
    const found = new Set(listOf('response-head/differences').map((text) => judgeResponseHead(text, PLAIN)));
    assert.deepEqual(
      [...found].sort(),
      Object.keys(ONLY_LLHTTP_ACCEPTS)
        .map((key) => `only llhttp: ${key}`)
        .sort(),
    );
  });
});

describe(`hostile response heads (${REPLAY})`, () => {
  it('are never accepted where llhttp refuses, never read differently, and never throw', async (t) => {
    const { tried, classes } = await search(t, {
      seeds: seedsOf('response-head'),
      judge: (text, random) => {
        const isHead = random.nextUint32() % 4 === 0;
        return judgeResponseHead(text, { isHead, minor: random.nextUint32() % 4 === 0 ? 0 : 1 });
      },
    });
    const accepted = classes.get('accepted') ?? 0;
    assert.ok(accepted > 0 && accepted < tried);
  });
});
