import assert from 'node:assert/strict';
import { it } from 'node:test';
import { driftSentence } from '#src/slo/budget/drift/sentence.ts';
import { DEFAULT_SLO } from '#src/sources/defaults.ts';

const SPEC = {
  route: 'shop',
  service: 'cart',
  version: 'v2',
  cell: 1,
  dial: 1,
  slo: { ...DEFAULT_SLO, availabilityRatio: 0.99, latency: null, calendar: null },
  drift: { keepRatio: 0.25, sampleRatio: 1 },
  canaryDial: -1,
};
const SEEN = { indicator: 'availability', targetRatio: 0.99, counts: { good: 90, bad: 10 }, forMs: 30_000 } as const;

it('a sentence says who, what was seen, and what follows', () => {
  assert.equal(
    driftSentence(SPEC, 'mild', SEEN),
    'cart v2 on shop drifts: 10 of 100 requests failed in 30 s, a burn of 10x of its 99 % (limit 6x); ' +
      'it keeps 25 % of its weight, and 100 % of its requests are logged',
  );
  assert.match(driftSentence(SPEC, 'offline', SEEN), /is offline: .*\(limit 14\.4x\).*; a person must restore it$/);
  assert.match(driftSentence(SPEC, 'steady', SEEN), /has recovered: .*; it has its weight back$/);
  assert.match(driftSentence(SPEC, 'steady', { ...SEEN, counts: { good: 0, bad: 0 } }), /0 of 0 requests.*no burn/);
});
